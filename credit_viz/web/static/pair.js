/**
 * The two lanes that are compared, and the way to where they part. Knows the store; draws nothing.
 */

import { firstDivergence, firstOrderDifference } from "./difference.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */

export const ONE_LANE = "There is only one lane. Add a second one to compare.";

/** The two lanes that are compared: the chosen ones where the run has them. @param {State} state @returns {[number, number]} */
export function pairOf({ run, pair }) {
  const count = run?.lanes.length ?? 0;
  return pair.every((lane) => lane < count) ? [pair[0], pair[1]] : [0, Math.max(0, Math.min(1, count - 1))];
}

/** Go to where the two lanes part; where they never do, to where their order of writing first differs. @param {Store} store */
export function goToParting(store) {
  const { run } = store.state;
  if (!run) return;
  const pair = pairOf(store.state);
  const [one, other] = pair.map((index) => run.lanes[index]);
  const parting = firstDivergence(one, other);
  const ahead = parting ? null : firstOrderDifference(one, other);
  const found = parting ?? ahead;
  if (!found) return;
  const lane = ahead ? pair[ahead.holder] : pair[1];
  store.set({ step: found.step, selected: found.position, lane, follow: false, playing: false });
}

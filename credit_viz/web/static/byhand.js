/**
 * Changes by hand: what may be changed after a step, and the lanes that follow from it. Pure functions over runs and
 * choices, by the rules of decoding/interventions.py; knows nothing of the store or of views.
 */

import { REASON } from "./lane.js";

/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./names.js").Intervention} Intervention */
/** @typedef {import("./link.js").Choice} Choice */

/** The step after which a change would be made when `step` is shown: a lane may have ended before. @param {Lane} lane @param {number} step */
export const stepOf = (lane, step) => Math.min(step, lane.steps);

/** Does a token stand at a position after a step? @param {Lane} lane @param {number} position @param {number} step */
export const stands = (lane, position, step) => lane.tokenAt(position, stepOf(lane, step)) >= 0;

/**
 * Why a position cannot be changed after the shown step, "" where it can.
 * @param {Lane} lane @param {number} position @param {number} shown step @param {boolean} takesBack
 * @param {any} limits of the server
 */
export function refusal(lane, position, shown, takesBack, limits) {
  const step = stepOf(lane, shown);
  if (lane.given.has(position)) return "this token was given before the run";
  if (step < 1) return "nothing has happened yet: go one step on first";
  if (changesUpTo(lane.info.interventions ?? [], step, position).length >= limits.interventions)
    return `a lane can be changed ${limits.interventions} times`;
  return blockRefusal(lane, position, step, takesBack) || (takesBack ? fillRefusal(lane, position, step) : "");
}

/** Blocks that are finished, and what a cache no longer looks at. @param {Lane} lane @param {number} position @param {number} step @param {boolean} takesBack */
function blockRefusal(lane, position, step, takesBack) {
  const { cache } = lane.info;
  const active = lane.blocks.find(({ first, last }) => first <= step && step <= last);
  if (!active) return "";
  if (position >= active.end && cache === "dual") return "the dual cache looks at the block that is being written only";
  if (position >= active.start || (!takesBack && cache === "none")) return "";
  const own = lane.blocks.find(({ start, end }) => start <= position && position < end);
  return own ? `its block was finished in step ${own.last}: go back to that step, or before` : "its block is finished";
}

/** @param {Lane} lane @param {number} position @param {number} step */
const fillRefusal = (lane, position, step) =>
  lane.writeAt(position, step)?.reason === REASON.FILLED
    ? "the end of the text has filled it: take back the end-of-text token before it instead"
    : "";

/**
 * What stays of a lane's changes when it is changed again: those up to then, at other places.
 * @param {Intervention[]} changes @param {number} step @param {number} position
 */
const changesUpTo = (changes, step, position) =>
  changes.filter((one) => one.step < step || (one.step === step && one.position !== position));

/**
 * A lane as it was up to a step, and changed by hand right after it.
 * @template {{interventions?: Intervention[]}} L
 * @param {L} lane @param {Intervention} change
 * @returns {L}
 */
export const changed = (lane, change) => ({
  ...lane,
  interventions: [...changesUpTo(lane.interventions ?? [], change.step, change.position), change],
});

/**
 * Which lane gives way to another one: -1 where there is room, else the newest that was changed by hand, else the last
 * one that is not copied.
 * @param {{interventions?: Intervention[]}[]} lanes @param {number} copied @param {any} limits
 */
export function givesWay(lanes, copied, limits) {
  if (lanes.length < limits.lanes) return -1;
  const newest = lanes.findLastIndex(({ interventions }) => interventions?.length);
  return newest >= 0 ? newest : lanes.length - (copied === lanes.length - 1 ? 2 : 1);
}

/**
 * The choice with one more lane, and where that lane is.
 * @param {Choice} choice @param {number} copied @param {Intervention} change @param {any} limits
 * @returns {{choice: Choice, place: number}}
 */
export function withLane(choice, copied, change, limits) {
  const lane = changed(choice.lanes[copied], change);
  const replaced = givesWay(choice.lanes, copied, limits);
  const place = replaced < 0 ? choice.lanes.length : replaced;
  const lanes = replaced < 0 ? [...choice.lanes, lane] : choice.lanes.with(place, lane);
  return { choice: { ...choice, lanes }, place };
}

/** Is it the run that a change was to lead to? @param {import("./run.js").Run} run @param {number} place @param {Intervention} change */
export function leadsTo(run, place, change) {
  const changes = run.lanes[place]?.info.interventions ?? [];
  const last = changes[changes.length - 1];
  return last?.step === change.step && last.position === change.position && last.token === change.token;
}

/**
 * When the lanes or knobs of the next run changed, it is run again: at once on a small model, else when it is asked
 * for. One run at a time; the last one has the latest values. Knows the store and the buttons that start runs.
 */

import { pressAgain } from "./ask.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */

const PAUSE = 40; // milliseconds in which several changes become one run

/** What the next run would be, as a key. @param {State} state */
export const wish = ({ lanes, options }) => JSON.stringify([lanes, options]);

/** Is what is on show not what would be run now? @param {State} state */
export const isStale = (state) => state.asked !== wish(state);

/** @param {Store} store @param {() => void} [run] */
export function rerunWhenChanged(store, run = pressAgain) {
  let done = store.state.wanted;
  /** @type {any} */
  let timer = 0;
  store.set({ asked: wish(store.state) }); // what nobody chose needs no run
  const act = () => {
    timer = 0;
    const { state } = store;
    if (!state.run || state.live !== "idle" || state.behind) return; // drawn again once that changes
    const forced = state.wanted !== done;
    if (!forced && !(state.boot.quick && state.atOnce && isStale(state))) return;
    done = state.wanted;
    run();
  };
  store.view(["lanes", "options", "wanted", "atOnce", "live", "behind", "run"], () => {
    timer ||= setTimeout(act, PAUSE);
  });
}

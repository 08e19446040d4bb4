/**
 * Runs again when the lanes or knobs of the next run changed. Knows the store and how to press Run.
 */

/** @typedef {import("./store.js").Store} Store */

/**
 * @param {Store} store @param {() => void} press press Run
 */
export function runWhenWanted(store, press) {
  let done = store.state.wanted;
  store.view(["wanted", "live"], ({ wanted, live }) => {
    if (wanted === done || live !== "idle") return;
    done = wanted;
    press();
  });
}

/**
 * Keys of the whole page: space plays, arrows step. Silent while someone types, chooses or drags elsewhere.
 */

import { goTo, togglePlay } from "./transport.js";

/** @param {import("./store.js").Store} store */
export function listenToKeys(store) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !store.state.run) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (takesText(target)) return;
    if (event.key === " ") {
      if (target.closest("button, a, select, summary, input")) return;
      togglePlay(store);
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      if (target.closest("select, input[type=range]:not([data-role=step])")) return;
      const way = event.key === "ArrowRight" ? 1 : -1;
      goTo(store, store.state.step + way * (event.shiftKey ? 10 : 1));
    } else if (event.key === "Escape") {
      store.set({ selected: null });
      return;
    } else {
      return;
    }
    event.preventDefault();
  });
}

/** @param {HTMLElement} target */
function takesText(target) {
  return target.isContentEditable || target.closest("textarea, input:not([type=range]):not([type=checkbox])") !== null;
}

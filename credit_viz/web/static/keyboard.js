/**
 * Keys of the whole page, from the list of commands. Silent while someone types, chooses or drags elsewhere.
 */

import { COMMANDS } from "./commands.js";

/** @param {import("./store.js").Store} store */
export function listenToKeys(store) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !store.state.run) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (takesText(target) || target.closest("dialog")) return;
    const pressed = event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key;
    const command = COMMANDS.find(({ keys }) => keys.includes(pressed));
    if (!command || (command.elsewhere && target.closest(command.elsewhere))) return;
    command.run(store);
    event.preventDefault();
  });
}

/** @param {HTMLElement} target */
function takesText(target) {
  return target.isContentEditable || target.closest("textarea, input:not([type=range]):not([type=checkbox])") !== null;
}

/**
 * Keys of the whole page, from the list of commands. Silent while someone types, chooses or drags elsewhere.
 */

import { COMMANDS } from "./commands.js";

/** @param {import("./store.js").Store} store */
export function listenToKeys(store) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isShortcut(event)) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (takesText(target) || target.closest("dialog")) return;
    const command = COMMANDS.find(({ keys }) => keys.includes(nameOf(event)));
    if (!command || (store.state.place === "lab" && !command.everywhere) || (command.elsewhere && target.closest(command.elsewhere))) return;
    command.run(store, event.key);
    event.preventDefault();
  });
}

/** Meant for the browser or the system; AltGr only writes a character. @param {KeyboardEvent} event */
const isShortcut = (event) =>
  event.metaKey || ((event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph"));

/** What the list calls a key: Shift is named only where it is not part of the character. @param {KeyboardEvent} event */
export const nameOf = ({ key, shiftKey }) => (shiftKey && key.length > 1 ? `Shift+${key}` : key);

/** @param {HTMLElement} target */
function takesText(target) {
  return target.isContentEditable || target.closest("textarea, input:not([type=range]):not([type=checkbox])") !== null;
}

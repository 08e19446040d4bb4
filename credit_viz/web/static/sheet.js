/**
 * A sheet: a dialog with a title and a button that closes it. Knows nothing of what it holds.
 */

import { h } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * @param {string} name distinguishes the sheet, e.g. "models"
 * @param {string} title @param {...(Child | Child[])} body
 * @returns {HTMLDialogElement} closed; a click beside it closes it as well
 */
export function sheet(name, title, ...body) {
  const id = `cv-${name}-title`;
  const close = () => dialog.close();
  const dialog = h(
    "dialog",
    { class: `cv-sheet cv-${name}`, "aria-labelledby": id },
    h(
      "header",
      {},
      h("h2", { class: "cv-title", id }, title),
      h("button", { class: "cv-sheet-close", type: "button", "aria-label": "Close", onclick: close }, "×"),
    ),
    ...body,
  );
  // a click beside the sheet lands on the dialog itself
  dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => event.target === dialog && close());
  return dialog;
}

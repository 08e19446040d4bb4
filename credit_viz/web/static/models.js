/**
 * Which model decodes, and how to serve another: a button that names it, and a sheet with the list.
 * Knows what the server says about models; loads none.
 */

import { h, say } from "./dom.js";
import { sheet } from "./sheet.js";

/** @typedef {{name: string, facts: string[], note: string, licence: string, command?: string}} ModelEntry */

/**
 * The button and its sheet; nothing where the server names no models.
 * @param {{served: ModelEntry, known: ModelEntry[]} | null} menu
 * @returns {Node[]}
 */
export function modelsView(menu) {
  if (!menu) return [];
  const dialog = sheet(
    "models",
    "Models",
    h("h3", { class: "cv-sub" }, "This page runs on"),
    h("ul", {}, item(menu.served, true)),
    h("h3", { class: "cv-sub" }, "Serve another on your own machine"),
    h("p", { class: "cv-help" }, "Memory is that of the weights in bfloat16; in brackets, with --quantize int8 or nf4."),
    h(
      "ul",
      {},
      menu.known.map((entry) => item(entry, false)),
    ),
    h("p", { class: "cv-help" }, "Any other checkpoint of these families works as well: a hub id, or a folder."),
  );
  const open = h(
    "button",
    { class: "cv-link cv-model-button", type: "button", "aria-haspopup": "dialog", onclick: () => dialog.showModal() },
    `Model: ${shortName(menu.served.name)}`,
  );
  return [open, dialog];
}

/** Without the owner, which the sheet shows. @param {string} name */
const shortName = (name) => name.slice(name.lastIndexOf("/") + 1).replace(/ model$/, "");

/** @param {ModelEntry} entry @param {boolean} served */
function item(entry, served) {
  const licence = entry.licence && (entry.licence.startsWith("see ") ? `licence: ${entry.licence}` : entry.licence);
  return h(
    "li",
    { class: served ? "cv-model served" : "cv-model" },
    h("h4", {}, entry.name),
    h("p", { class: "cv-model-facts" }, [...entry.facts, licence].filter(Boolean).join(" · ")),
    entry.note && h("p", { class: "cv-help" }, `${entry.note[0].toUpperCase()}${entry.note.slice(1)}.`),
    entry.command && commandRow(entry.command),
  );
}

/** @param {string} command */
function commandRow(command) {
  // lines break between words, not at the hyphens of an option
  const words = command.split(" ").flatMap((word) => [h("span", {}, word), " "]);
  const code = h("code", {}, words.slice(0, -1));
  const button = h("button", { class: "cv-preset", type: "button", onclick: () => copy(code, button) }, "Copy");
  button.setAttribute("aria-label", `Copy the command ${command}`);
  return h("div", { class: "cv-model-command" }, code, button);
}

/**
 * Pages that are not served over https (but from another machine) have no clipboard: there the text is selected.
 * @param {HTMLElement} code @param {HTMLElement} button
 */
async function copy(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    say(button, "Copied");
  } catch {
    getSelection()?.selectAllChildren(code);
    say(button, "Selected");
  }
  setTimeout(() => say(button, "Copy"), 2000);
}

/**
 * The help sheet: every key of the page and every term in plain words. Made from commands.js and glossary.js; knows the
 * store only to be opened by a key.
 */

import { commandsHere } from "./commands.js";
import { h } from "./dom.js";
import { GLOSSARY } from "./glossary.js";
import { sheet } from "./sheet.js";

/** @typedef {import("./commands.js").Command} Command */

/**
 * The sheet, opened by the store's `help`.
 * @param {import("./store.js").Store} store
 * @returns {Node}
 */
export function helpSheet(store) {
  const dialog = sheet(
    "help",
    "Help",
    h("h3", { class: "cv-sub" }, "Keys"),
    h("div", { class: "cv-help-keys" }, grouped(commandsHere(store.state.boot)).map(keyGroup)),
    h("h3", { class: "cv-sub" }, "Words"),
    h("dl", { class: "cv-help-words" }, Object.values(GLOSSARY).flatMap(entry)),
  );
  dialog.addEventListener("close", () => store.set({ help: false }));
  store.view(["help"], ({ help }) => {
    if (help && !dialog.open) dialog.showModal();
    if (!help && dialog.open) dialog.close();
  });
  return dialog;
}

/** The button that opens it. @param {import("./store.js").Store} store @returns {Node} */
export const helpLink = (store) =>
  h(
    "button",
    {
      class: "cv-link cv-help-button",
      type: "button",
      "aria-haspopup": "dialog",
      "aria-keyshortcuts": "?",
      onclick: () => store.set({ help: true }),
    },
    "Help ",
    h("kbd", { "aria-hidden": "true" }, "?"),
  );

/** Commands by group, in the order in which they first appear. @param {Command[]} commands @returns {[string, Command[]][]} */
export function grouped(commands) {
  /** @type {Map<string, Command[]>} */
  const groups = new Map();
  for (const command of commands) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return [...groups];
}

/** @param {[string, Command[]]} group */
function keyGroup([name, commands]) {
  const rows = commands.flatMap(({ shown, words }) => [h("dt", {}, h("kbd", {}, shown)), h("dd", {}, words)]);
  return h("section", {}, h("h4", {}, name), h("dl", {}, rows));
}

/** @param {import("./glossary.js").Entry} entry */
function entry({ word, field, words }) {
  return [h("dt", {}, word, field && h("small", {}, field)), h("dd", {}, words)];
}

/**
 * The controls of settings with credit: the same with one thing taken away, each a click from being compared itself.
 * What the sweep does not have is said, with the command that runs it. Knows what `lab_contrast` answers.
 */

import { h, say } from "./dom.js";
import { valueText } from "./labdiffer.js";
import { copied } from "./labhead.js";
import { letter, sideButtons } from "./labsides.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labdiffer.js").Contrast} Contrast */
/** @typedef {import("./labdiffer.js").Control} Control */

const ROLES = {
  "without credit": "without credit",
  "no history": "without history, a lower bar only",
  "as few passes": "the rule alone, at about as few passes",
};

/** @param {Lab} lab @param {Contrast} contrast @param {import("./labpair.js").Pair} pair what it compares @returns {Node} */
export function controlsTable(lab, contrast, pair) {
  const { controls, measures, command } = contrast;
  const passes = measures.find(({ name }) => name === "forward_passes");
  const quality = measures.find(({ name }) => ["exact_match", "token_agreement"].includes(name));
  const column = (/** @type {string} */ name) => h("th", { scope: "col" }, name);
  const unseen = (/** @type {string} */ name) => h("th", { scope: "col" }, h("span", { class: "cv-unseen" }, name));
  const own = (/** @type {0 | 1} */ side) => ({
    of: side,
    words: "as set",
    name: contrast.names[side],
    row: pair[side],
    values: [passes?.values[side] ?? null, quality?.values[side] ?? null],
    why: "",
  });
  const other = (/** @type {Control} */ control) => ({
    ...control,
    words: ROLES[control.role],
    values: [control.passes, control.quality],
  });
  const sides = /** @type {(0 | 1)[]} */ ([0, 1]).filter((side) => controls.some(({ of }) => of === side));
  const groups = sides.map((side) => {
    const rows = [own(side), ...controls.filter(({ of }) => of === side).map(other)];
    return h("tbody", {}, rows.map((each, i) => row(lab, each, i, [passes, quality])));
  });
  const head = h("tr", {}, unseen("control"), column("passes"), column(quality?.title ?? ""), unseen("compare as"));
  const caption = h("caption", { class: "cv-unseen" }, "Controls of the settings with credit");
  return h(
    "div",
    {},
    h("table", { class: "cv-con-table cv-con-controls" }, caption, h("thead", {}, head), groups),
    command && commandLine(command),
  );
}

/**
 * @param {Lab} lab @param {{of: 0 | 1, words: string, name: string, row: number | null, values: (number | null)[], why: string}} control
 * @param {number} i @param {(import("./labdiffer.js").Measure | undefined)[]} measures
 */
function row(lab, { of, words, name, row: number, values, why }, i, measures) {
  const role = (/** @type {string} */ name) =>
    h("th", { scope: "row" }, i ? null : letter(of), h("span", {}, words, h("small", {}, name)));
  if (number === null) return h("tr", { class: "missing" }, role(""), h("td", { colspan: 3 }, why));
  const said = values.map((value, k) => h("td", {}, measures[k] ? valueText(/** @type {any} */ (measures[k]), value) : ""));
  const sides = sideButtons(lab, number, name, { key: `control ${of} ${i}` });
  return h("tr", { data: { number: String(number) } }, role(name), said, h("td", {}, sides));
}

/** @param {string} command */
function commandLine(command) {
  const status = h("span", { class: "cv-lab-saved", role: "status" });
  const copy = h("button", { type: "button", class: "cv-pic-act" }, "Copy the command");
  copy.addEventListener("click", async () => say(status, await copied(command)));
  return h("div", { class: "cv-con-command" }, h("p", { class: "cv-help" }, "To run what is missing:"), h("code", {}, command), h("p", {}, copy, status));
}

/**
 * Menus above a picture: which knobs, which result, which decoder it shows. The server says what can be chosen.
 */

import { h } from "./dom.js";
import { words } from "./labrows.js";
import { decoderTitle } from "./names.js";

/** @typedef {import("./labstate.js").Lab} Lab */

/** What stands before a menu. @type {Record<string, string>} */
const LABELS = { x: "across", y: "up", metric: "shows", quality: "quality", decoder: "of" };
/** Optuna's contour puts the first name in the alphabet across. @type {Record<string, string>} */
const CONTOUR = { ...LABELS, x: "knobs", y: "and" };

/**
 * @param {Lab} lab @param {string} figure
 * @param {{options: Record<string, any>, choices: Record<string, any[]>}} answer
 * @returns {Node[]} none where there is nothing to choose
 */
export function optionSelects(lab, figure, { options, choices }) {
  const named = Object.entries(choices ?? {}).filter(([, valid]) => valid.length > 1);
  return named.map(([option, valid]) => {
    const pick = (/** @type {any} */ event) =>
      choose(lab, figure, chosen(options, option, valid[Number(event.target.value)]));
    const select = h(
      "select",
      { class: "cv-select", data: { option }, onchange: pick },
      valid.map((value, i) => h("option", { value: i, selected: value === options[option] }, valueName(lab, option, value))),
    );
    const labels = figure === "contour" ? CONTOUR : LABELS;
    return h("label", { class: "cv-pic-option" }, labels[option] ?? words(option), select);
  });
}

/** @param {Lab} lab @param {string} figure @param {Record<string, any>} options */
function choose({ store }, figure, options) {
  store.set({ options: { ...store.state.options, [figure]: options } });
}

/**
 * Options after one was chosen; a knob that stood on the other axis changes places.
 * @param {Record<string, any>} options @param {string} option @param {any} value
 */
export function chosen(options, option, value) {
  const other = { x: "y", y: "x" }[option];
  const swapped = other && options[other] === value ? { [other]: options[option] } : {};
  return { ...options, ...swapped, [option]: value };
}

/** @param {Lab} lab @param {string} option @param {any} value */
function valueName({ store, race }, option, value) {
  if (option === "decoder") return decoderTitle(race.state.boot, value);
  const metric = store.state.table?.metrics.find((/** @type {any} */ each) => each.name === value);
  return metric?.title ?? words(String(value));
}

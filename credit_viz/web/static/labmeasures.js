/**
 * Numbers of two settings beside each other: what they are set to, what was measured with differences and intervals,
 * and the tokens by the reason they were written for. Knows what `lab_contrast` answers; no state, no server.
 */

import { h } from "./dom.js";
import { rangeText, signedText, toldOf, valueText, verdictText, whisker } from "./labdiffer.js";
import { words } from "./labrows.js";
import { letter } from "./labsides.js";

/** @typedef {import("./labdiffer.js").Contrast} Contrast */
/** @typedef {import("./labdiffer.js").Measure} Measure */

/** @param {Contrast} contrast @returns {Node} */
export function measuresTable({ differs, measures }) {
  const column = (/** @type {any} */ name) => h("th", { scope: "col" }, name);
  const unseen = h("span", { class: "cv-unseen" }, "measure");
  const difference = h("th", { scope: "col", class: "cv-con-difference" }, "B − A ", h("small", {}, "[95 %]"));
  const head = h("tr", {}, column(unseen), column(letter(0)), column(letter(1)), difference);
  const knob = (/** @type {Contrast["differs"][number]} */ { knob, values }) =>
    h("tr", {}, h("th", { scope: "row" }, words(knob)), values.map((value) => h("td", {}, value)), h("td", {}));
  return h(
    "table",
    { class: "cv-con-table cv-con-measures" },
    h("caption", { class: "cv-unseen" }, "What the two are set to, and what was measured"),
    h("thead", {}, head),
    differs.length > 0 && h("tbody", { class: "cv-con-knobs" }, differs.map(knob)),
    h("tbody", {}, measures.map(measureRow)),
  );
}

/** @param {Measure} measure */
function measureRow(measure) {
  const { title, values, unit, difference } = measure;
  const told = toldOf(measure);
  const points = unit === "share" && difference.value !== null ? " points" : "";
  return h(
    "tr",
    { data: { told, measure: measure.name } },
    h("th", { scope: "row" }, title),
    values.map((value) => h("td", {}, valueText(measure, value))),
    h(
      "td",
      { class: "cv-con-difference" },
      h(
        "div",
        {},
        h("p", {}, h("b", {}, `${signedText(measure, difference.value)}${points}`), " ", h("small", {}, rangeText(measure))),
        h("p", {}, axisOf(measure), h("span", { class: "cv-con-verdict" }, verdictText(measure))),
      ),
    ),
  );
}

/** The difference and its interval around 0, each measure on its own scale. @param {Measure} measure */
function axisOf(measure) {
  const places = whisker(measure);
  if (!places) return null;
  const { from, to, at } = places;
  return h(
    "span",
    { class: "cv-con-whisker", "aria-hidden": "true" },
    h("i", { class: "range", style: `left:${from}%;width:${to - from}%` }),
    h("i", { class: "dot", style: `left:${at}%` }),
  );
}

/** Two stacked bars on one scale, and their numbers. @param {Contrast} contrast @param {any} style of the maps @returns {Node} */
export function reasonsFigure({ reasons }, style) {
  const looks = Object.values(style.reasons);
  const ink = (/** @type {string} */ name) => {
    const { mark = "written", fill = "solid" } = looks.find((/** @type {any} */ look) => look.name === name) ?? {};
    const { color, outline } = style.marks[mark];
    return { class: `cv-reason ${fill}`, style: `--cv-ink:${color};--cv-edge:${outline}` };
  };
  const sums = [0, 1].map((side) => reasons.reduce((sum, { values }) => sum + values[side], 0));
  const most = Math.max(...sums) || 1;
  const bar = (/** @type {0 | 1} */ side) =>
    h(
      "div",
      { class: "cv-con-bar" },
      letter(side),
      h(
        "div",
        {},
        reasons.map(({ name, values }) => {
          const about = ink(name);
          return values[side] > 0 && h("i", { ...about, style: `${about.style};width:${(100 * values[side]) / most}%` });
        }),
      ),
    );
  const row = (/** @type {import("./labdiffer.js").Reason} */ { name, title, values }) =>
    h(
      "tr",
      { title: looks.find((/** @type {any} */ look) => look.name === name)?.words, data: { reason: name } },
      h("th", { scope: "row" }, h("i", { ...ink(name), "aria-hidden": "true" }), title),
      values.map((value) => h("td", {}, value.toFixed(1))),
      h("td", {}, signedText({ unit: "tokens" }, values[1] - values[0])),
    );
  const column = (/** @type {any} */ name) => h("th", { scope: "col" }, name);
  const unseen = h("span", { class: "cv-unseen" }, "reason");
  return h(
    "div",
    { class: "cv-con-reasons" },
    h("div", { "aria-hidden": "true" }, bar(0), bar(1)),
    h(
      "table",
      { class: "cv-con-table" },
      h("caption", { class: "cv-unseen" }, "Tokens per prompt by the reason they were written for"),
      h("thead", {}, h("tr", {}, column(unseen), column(letter(0)), column(letter(1)), column("B − A"))),
      h("tbody", {}, reasons.map(row)),
    ),
  );
}

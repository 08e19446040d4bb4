/**
 * The legend of a map: its marks and its scale, and nothing that does not occur. Knows style.json and runs.
 */

import { h } from "./dom.js";
import { laneName } from "./names.js";
import { drawMark } from "./marks.js";
import { pairOf } from "./pair.js";
import { cssGradient, share } from "./scales.js";

/** @typedef {import("./store.js").State} State */

/** Order in which marks are named; the first two are on every map. */
const KINDS = ["settled", "written", "credited", "forced", "taken_back", "edited", "by_hand"];

/** Marks of what happened in any lane beside settling and plain writing. @param {State} state @returns {string[]} */
export function happened({ run, boot }) {
  const kinds = new Set(run?.lanes.flatMap((lane) => lane.events.map(({ reason }) => boot.style.reasons[reason].mark)));
  return KINDS.slice(2).filter((kind) => kinds.has(kind));
}

/** Everything the legend depends on, as a key. @param {State} state */
export const legendKey = (state) =>
  [state.run?.id, state.tab, pairOf(state), state.quantity, state.contrast, ...happened(state)].join(" ");

/** @param {State} state @returns {any[]} */
export function legendParts(state) {
  const { boot, tab } = state;
  const { style } = boot;
  const map = style.maps[tab];
  if (map.planes) return differenceParts(state);
  const events = happened(state);
  const keys = (/** @type {string[]} */ kinds) => kinds.map((kind) => markKey(style.marks[kind], state.contrast));
  if (map.strength < 0.5)
    return [
      key(h("i", { class: "cv-key-bar" }), "settled → written"),
      ...keys(events),
      key(h("i", { class: "cv-key-bar pale" }), "end of text"),
      key(h("i", { class: "cv-key-veil" }), "not yet"),
    ];
  return [...keys(["settled", "written", ...events]), ...scaleKeys(style.scales[map.scale])];
}

/** @param {State} state */
function differenceParts(state) {
  const { boot, run } = state;
  const pair = pairOf(state);
  if (!run || run.lanes.length < 2) return [];
  const [first, second] = pair.map((lane) => laneName(boot, run, lane));
  const dots = pair.map((lane) =>
    h("span", { class: "cv-key cv-lane", data: { lane: String(lane) } }, h("i", { class: "cv-key-dot" }), [
      `written by ${laneName(boot, run, lane)}`,
    ]),
  );
  return [
    ...dots,
    key(h("i", { class: "cv-key-hatch" }), "only one lane was still open"),
    h(
      "span",
      { class: "cv-key cv-key-scale" },
      `${first} surer`,
      ...scaleKeys(boot.style.scales.difference),
      `${second} surer`,
    ),
  ];
}

/** @param {Node} sign @param {string} text */
const key = (sign, text) => h("span", { class: "cv-key" }, sign, text);

/** @param {any} mark @param {boolean} strong */
const markKey = (mark, strong) => h("span", { class: "cv-key", title: mark.term }, markSign(mark, strong), mark.name);

/** A scale with its ticks; where it has names for its values, one key for each. @param {any} scale @returns {Node[]} */
function scaleKeys(scale) {
  if (scale.names)
    return scale.names.map((/** @type {string} */ name, /** @type {number} */ i) =>
      key(h("i", { class: "cv-key-cell", style: `background:${scale.colors[i]}` }), name),
    );
  const last = scale.ticks.length - 1;
  const ticks = scale.ticks.map((/** @type {number} */ value, /** @type {number} */ i) =>
    h(
      "span",
      { style: `left:${100 * share(value, scale)}%` },
      `${i === last && scale.max > 1 ? "≥" : ""}${String(value).replace("-", "−")}`,
    ),
  );
  const bar = h("i", { style: `background:${cssGradient(scale)}` });
  const unit = scale.unit ? h("span", { class: "cv-scale-unit" }, scale.unit) : null;
  return [h("span", { class: "cv-scale" }, bar, h("span", { class: "cv-scale-ticks" }, ticks), unit)];
}

/** A mark as it is drawn on the maps. @param {any} mark @param {boolean} strong */
export function markSign(mark, strong) {
  const [size, ratio] = [16, 2];
  const canvas = h("canvas", {
    class: "cv-key-mark",
    width: size * ratio,
    height: size * ratio,
    "aria-hidden": "true",
  });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  drawMark(context, mark, size / 2, size / 2, size, strong);
  return canvas;
}

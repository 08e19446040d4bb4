/**
 * Two final texts in one line: what both wrote runs on, where they differ one token stands above the other. Knows the
 * store and two lanes; token text goes through textContent alone.
 */

import { textDifference } from "./difference.js";
import { fill, h } from "./dom.js";
import { laneName } from "./names.js";
import { ONE_LANE, pairOf } from "./pair.js";
import { listenToTokens, markTokens } from "./pointing.js";
import { counted, inline } from "./text.js";

/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./run.js").Run} Run */

/** @param {import("./compare.js").Tools} tools @returns {import("./compare.js").CompareView} */
export function textDiffView({ store }) {
  const summary = h("p", { class: "cv-diff-summary" });
  const text = h("div", { class: "cv-diff", role: "group", "aria-label": "Both texts" });
  /** @type {Map<number, HTMLElement[]>} */
  let tokens = new Map();
  let marked = { selected: -1, hover: -1 };
  listenToTokens(store, text);
  /** @type {import("./compare.js").CompareView["draw"]} */
  const draw = (run, state) => {
    const [one, other] = pairOf(state).map((index) => run.lanes[index]);
    if (one === other) {
      fill(summary, ONE_LANE);
      return fill(text);
    }
    const { kinds, same, different } = textDifference(one, other);
    const named = [one, other].map((lane) =>
      h(
        "b",
        { class: "cv-lane cv-diff-name", data: { lane: String(lane.index) } },
        laneName(state.boot, run, lane.index),
      ),
    );
    fill(
      summary,
      different
        ? [
            `${counted(same, "token is", "tokens are")} the same, ${different} differ: `,
            named[0],
            " above, ",
            named[1],
            " below.",
          ]
        : [`All ${counted(same, "token is", "tokens are")} the same.`],
    );
    tokens = new Map();
    marked = { selected: -1, hover: -1 };
    fill(text, parts(run, one, other, kinds, tokens));
  };
  return { root: h("div", {}, summary, text), draw, point: (state) => markTokens(tokens, marked, state) };
}

/**
 * @param {Run} run @param {Lane} one @param {Lane} other @param {import("./difference.js").Kind[]} kinds
 * @param {Map<number, HTMLElement[]>} tokens filled with what is made
 */
function parts(run, one, other, kinds, tokens) {
  /** @type {Node[]} */
  const made = [];
  for (let i = 0; i < kinds.length; i += 1) {
    if (kinds[i] === "end") {
      const first = i;
      while (kinds[i + 1] === "end") i += 1;
      made.push(h("span", { class: "end", title: "end of text in both" }, ` ··· ${i - first + 1}`));
      continue;
    }
    const node = kinds[i] === "different" ? pairAt(run, one, other, i) : tokenAt(run, one, i, kinds[i]);
    tokens.set(i, [node]);
    made.push(node);
  }
  return made;
}

/** What both wrote. @param {Run} run @param {Lane} lane @param {number} position @param {string} kind */
const tokenAt = (run, lane, position, kind) =>
  h("span", { class: kind, data: { position: String(position) } }, shown(run, lane, position));

/** Two tokens, one above the other. @param {Run} run @param {Lane} one @param {Lane} other @param {number} position */
function pairAt(run, one, other, position) {
  const of = (/** @type {Lane} */ lane, /** @type {string} */ tag) =>
    h(tag, { class: "cv-lane", data: { lane: String(lane.index) } }, shown(run, lane, position).trim() || "␣");
  const pair = h("span", { class: "different" }, of(one, "del"), of(other, "ins"));
  pair.dataset.position = String(position);
  return pair;
}

/** @param {Run} run @param {Lane} lane @param {number} position */
function shown(run, lane, position) {
  const token = lane.tokenAt(position, lane.steps);
  if (token < 0) return "▁";
  return lane.isEnd(token) ? " ·" : inline(run.text(token)) || "∅";
}

/**
 * The candidates of one moment as rows: raw p as a solid bar, the lift by credit as a second tone, the boost as
 * a thin bar, credit and boost as numbers. Knows exact numbers of a position; nothing of the store. Other parts of the page may add to a row
 * through its slot for actions.
 */

import { h } from "./dom.js";
import { explained } from "./glossary.js";
import { precise, probability, quoted } from "./text.js";

/**
 * One candidate of one lane at one position in one step.
 * @typedef {object} Candidate
 * @property {import("./lane.js").Lane} lane
 * @property {number} position
 * @property {number} step
 * @property {number} id of the token
 * @property {string} text of the token
 * @property {number} p raw probability
 * @property {number} fused probability after credit
 * @property {number} credit
 * @property {number} boost nats that credit adds to the logit
 * @property {boolean} winner is it what the decoder would write?
 * @property {boolean} stands did it stand here before this step?
 */

/** What stands at the end of a candidate's row, e.g. a button. @typedef {(at: Candidate) => Node | null} CandidateAction */

const LIFTED = 0.0005; // a smaller difference between p and fused p is not shown
const FULL_BOOST = 3; // nats at the full width of the thin bar; the end of the colour scale of the boost map

/**
 * Candidates of one moment, most probable first.
 * @param {import("./lane.js").Lane} lane @param {number} position
 * @param {any} numbers exact ones of the lane, see explain.js @param {number} index of the moment in them
 * @param {Map<number, string>} texts by token id
 * @returns {Candidate[]}
 */
export function candidatesAt(lane, position, numbers, index, texts) {
  const step = numbers.steps[index];
  const before = lane.tokenAt(position, step - 1);
  const held = before < 0 ? -1 : lane.idOf(before);
  return Array.from({ length: numbers.k }, (_, place) => {
    const cell = index * numbers.k + place;
    const id = numbers.ids[cell];
    return {
      lane,
      position,
      step,
      id,
      text: texts.get(id) ?? `[${id}]`,
      p: numbers.p[cell],
      fused: numbers.fused[cell],
      credit: numbers.credit[cell],
      boost: boostOf(numbers, index, cell),
      winner: id === numbers.winner_ids[index],
      stands: id === held,
    };
  });
}

/**
 * Nats that credit adds to a candidate's logit: the winner's recorded boost, and how the odds between the two changed.
 * @param {any} numbers @param {number} index @param {number} cell
 */
function boostOf(numbers, index, cell) {
  if (!(numbers.credit[cell] > 0) || !numbers.boost) return 0;
  const grown = Math.log(numbers.fused[cell] / numbers.p[cell]);
  const winner = Math.log(numbers.winner_fused[index] / numbers.winner_p[index]);
  return Math.max(0, grown - winner + numbers.boost[index]);
}

/** @param {Candidate[]} candidates @param {CandidateAction[]} actions @returns {Node} */
export function candidateList(candidates, actions) {
  return h(
    "ol",
    { class: "cv-bars" },
    candidates.map((each) => candidateRow(each, actions)),
  );
}

/** @param {Candidate} at @param {CandidateAction[]} actions */
function candidateRow(at, actions) {
  const { p, fused, credit, boost, winner, stands } = at;
  const name = h("code", { class: "cv-token" }, quoted(at.text));
  const found = actions.map((action) => action(at)).filter(Boolean);
  const lifted = Math.abs(fused - p) > LIFTED;
  return h(
    "li",
    { class: winner ? "winner" : null, title: stands ? "this token stood here" : null },
    h("span", { class: stands ? "cv-stands" : "cv-name" }, name),
    boostedBar(p, fused, boost),
    h("span", { class: "cv-num" }, lifted ? `${precise(p)} → ${precise(fused)}` : probability(p)),
    credit > 0 && h("span", { class: "cv-credit" }, `credit ${credit.toFixed(2)}, boost ${boost.toFixed(2)} nats`),
    found.length ? h("span", { class: "cv-actions" }, /** @type {Node[]} */ (found)) : null,
  );
}

/**
 * A bar for p, in a second tone what credit adds to it, and below it a thin one for the boost.
 * @param {number} p @param {number} fused @param {number} [boost] nats
 */
export function boostedBar(p, fused, boost = 0) {
  return h(
    "span",
    { class: "cv-bar", "aria-hidden": "true" },
    h("i", { class: "cv-bar-fused", style: `width:${100 * fused}%` }),
    h("i", { class: "cv-bar-p", style: `width:${100 * p}%` }),
    boost > 0 && h("i", { class: "cv-bar-boost", style: `width:${Math.min(100, (100 * boost) / FULL_BOOST)}%` }),
  );
}

/** What the bars mean. @returns {Node} */
export function barKeys() {
  const key = (/** @type {string} */ tone, /** @type {(Node | string)[]} */ ...words) =>
    h("span", { class: "cv-key" }, h("i", { class: `cv-key-tone ${tone}` }), h("span", {}, words));
  return h(
    "p",
    { class: "cv-keys cv-bar-keys" },
    key("", explained("confidence"), " p"),
    key("lift", "lifted by ", explained("credit")),
    key("thin", explained("boost"), `, full width ${FULL_BOOST} nats`),
  );
}

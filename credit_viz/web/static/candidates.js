/**
 * The candidates of one moment as rows: raw p as a solid bar, the lift by credit as a second tone, credit and boost
 * as numbers. Knows exact numbers of a position; nothing of the store. Other parts of the page may add to a row
 * through its slot for actions.
 */

import { h } from "./dom.js";
import { probability, quoted } from "./text.js";

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
  const credited = candidates.some(({ credit }) => credit > 0);
  return h(
    "ol",
    { class: `cv-bars${credited ? " credited" : ""}` },
    candidates.map((each) => candidateRow(each, credited, actions)),
  );
}

/** @param {Candidate} at @param {boolean} credited has any candidate of the moment credit? @param {CandidateAction[]} actions */
function candidateRow(at, credited, actions) {
  const { p, fused, credit, boost, winner, stands } = at;
  const name = h("code", { class: "cv-token" }, quoted(at.text));
  const found = actions.map((action) => action(at)).filter(Boolean);
  return h(
    "li",
    { class: winner ? "winner" : null, title: stands ? "this token stood here" : null },
    stands ? h("span", { class: "cv-stands" }, name) : name,
    boostedBar(p, fused),
    h("span", { class: "cv-num" }, Math.abs(fused - p) > LIFTED ? `${probability(p)} → ${probability(fused)}` : probability(p)),
    credited && h("span", { class: "cv-num cv-credit" }, credit > 0 ? `credit ${credit.toFixed(2)}, +${boost.toFixed(2)} nats` : ""),
    found.length ? h("span", { class: "cv-actions" }, /** @type {Node[]} */ (found)) : null,
  );
}

/** A bar for p, and in a second tone what credit adds to it. @param {number} p @param {number} fused */
export function boostedBar(p, fused) {
  return h(
    "span",
    { class: "cv-bar", "aria-hidden": "true" },
    h("i", { class: "cv-bar-fused", style: `width:${100 * fused}%` }),
    h("i", { class: "cv-bar-p", style: `width:${100 * p}%` }),
  );
}

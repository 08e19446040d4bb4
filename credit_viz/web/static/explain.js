/**
 * Why a token was written when it was, in one sentence with its numbers. Pure functions over exact numbers.
 */

import { counted, precise } from "./text.js";

/**
 * @typedef {object} Moment one position of one lane in one step
 * @property {number} step
 * @property {number} p raw probability of the token the decoder would write
 * @property {number} fused the same after credit
 * @property {number} credit
 * @property {number} boost nats added to the logit
 * @property {number} bar what had to be reached; NaN where nothing was judged
 * @property {number | null} score what was held against the bar, null where that is `fused`
 * @property {string} scoreName in words
 * @property {boolean} active is its block being written now?
 * @property {boolean} [back] was a token taken back in this step?
 * @property {boolean} standing was a token written here before this step?
 * @property {boolean} scheduled does the decoder write a fixed number per step?
 * @property {number} reason of what happened in this step, 0 for nothing
 */

/** @typedef {Record<string, {did: string, words: string}>} Reasons of style.json */

/**
 * Raw probability that is enough to be written, given the boost: the bar falls as credit grows.
 * 1 / (1 + ((1 - bar) / bar) e^boost), with e^boost = (1 + credit)^alpha. A bar outside (0, 1) is its own answer.
 * @param {number} bar @param {number} boost
 */
export const effectiveThreshold = (bar, boost) =>
  bar > 0 && bar < 1 ? 1 / (1 + ((1 - bar) / bar) * Math.exp(boost)) : bar;

/** Fused probability if no rival had credit. @param {number} p @param {number} boost */
export const alone = (p, boost) => (p * Math.exp(boost)) / (1 - p + p * Math.exp(boost));

/**
 * One number of the sum.
 * @typedef {object} Part
 * @property {"confidence" | "credit" | "fused" | "score" | "bar"} kind
 * @property {string} text with its sign or name, e.g. "p 0.800", "odds ×2.36", "≥ 0.90"
 * @property {string} [of] what it is made of, e.g. "credit 2.40"
 */

/** The sum: from raw p over credit to the comparison. @param {Moment} moment @returns {Part[]} */
export function sumParts(moment) {
  const { bar, score, scheduled, reason } = moment;
  const held = score ?? moment.fused;
  // what a schedule writes sets the bar itself
  const judged = Number.isFinite(bar) && Number.isFinite(held) && !(scheduled && reason);
  const parts = numbersOf(moment);
  return judged ? [...parts, { kind: "bar", text: `${held >= bar ? "≥" : "<"} ${rounded(bar)}` }] : parts;
}

/** @param {Moment} moment @returns {Part[]} */
function numbersOf(moment) {
  const { p, credit, boost, fused, score, scoreName, back } = moment;
  /** @type {Part[]} */
  const scored = ownScore(moment)
    ? [{ kind: "score", text: `${shortName(scoreName)} ${rounded(Number(score), 3)}` }]
    : [];
  // the mask's own probability says nothing about the token it took the place of
  if (back && scored.length) return scored;
  /** @type {Part} */
  const raw = { kind: "confidence", text: `p ${precise(p)}` };
  if (!(boost > 0)) return [raw, ...scored];
  const taken = Math.abs(alone(p, boost) - fused) > 0.002 ? "rivals' credit takes some back" : undefined;
  const odds = `odds ×${Math.exp(boost).toFixed(2)}`;
  return [
    raw,
    { kind: "credit", text: odds, of: `credit ${credit.toFixed(2)}` },
    { kind: "fused", text: `fused ${precise(fused)}`, of: taken },
    ...scored,
  ];
}

/** Was another number than the shown probability compared? @param {Moment} moment */
const ownScore = ({ score, fused }) => score !== null && Number.isFinite(score) && Math.abs(score - fused) > 1e-6;

/** A name that needs a sentence stands beside the sum, see `longName`. @param {string} name */
export const shortName = (name) => (name.includes(";") ? "score" : name);

/** What "score" means, where its name is too long for the sum. @param {Moment} moment */
export const longName = (moment) =>
  ownScore(moment) && moment.scoreName.includes(";") ? `score: ${moment.scoreName}` : "";

/** Two decimals where they are all there are. @param {number} value @param {number} [least] decimals */
function rounded(value, least = 2) {
  const exact = Math.abs(value - Number(value.toFixed(least))) < 1e-6;
  return (exact ? value.toFixed(least) : precise(value)).replace("-", "−");
}

/**
 * What followed from it.
 * @param {Moment} moment @param {Reasons} reasons @param {string} [compared] e.g. "6 steps before Vanilla"
 */
export function verdict({ reason, standing, active, scheduled, bar }, reasons, compared = "") {
  if (reason) return `${reasons[reason].did}${compared && ` ${compared}`}: ${reasons[reason].words}`;
  if (standing) return "it stands";
  if (!active) return "not yet: its block is not being written, the guess is only recorded";
  if (scheduled) return "not yet: other guesses came first";
  return bar === Infinity ? "not yet: no probability is enough in this step" : "not yet";
}

/**
 * When a lane wrote, measured against another one.
 * @param {{earlier: number, token: number} | null} found see difference.js @param {string} name of the other lane
 * @param {string} text of the other token, where it is another
 */
export function comparedWith(found, name, text) {
  if (!found) return "";
  const { earlier, token } = found;
  const when = earlier
    ? `${counted(Math.abs(earlier), "step")} ${earlier > 0 ? "before" : "after"} ${name}`
    : `in the same step as ${name}`;
  return token < 0 ? when : `${when}, which wrote ${text} here`;
}

/**
 * Exact numbers of one lane at one position, as the inspector reads them.
 * @param {Record<string, any>} arrays of the lane @param {{n: number, k: number}} entry
 */
export function exactLane(arrays, entry) {
  return {
    ...arrays,
    n: entry.n,
    k: entry.k,
    boost: arrays["channel.boost"] ?? null,
    credits: arrays["channel.credit"] ?? null,
    bar: arrays["channel.bar"] ?? null,
    score: arrays["channel.score"] ?? null,
  };
}

/** Index of the last recorded step up to `step`, -1 when there is none. @param {ArrayLike<number>} recorded @param {number} step */
export function indexAt(recorded, step) {
  let found = -1;
  for (let i = 0; i < recorded.length && recorded[i] <= step; i += 1) found = i;
  return found;
}

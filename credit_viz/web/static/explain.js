/**
 * Why a token was written when it was, in one sentence with its numbers. Pure functions over exact numbers.
 */

import { precise } from "./text.js";

/**
 * @typedef {object} Moment one position of one lane in one step
 * @property {number} step
 * @property {number} p raw probability of the token the decoder would write
 * @property {number} fused the probability it compares
 * @property {number} credit
 * @property {number} boost nats added to the logit
 * @property {number | null} threshold
 * @property {boolean} active is its block being written now?
 * @property {number} reason 0 while not written in this step
 */

const REASONS = { CONFIDENT: 1, CREDIT: 2, FORCED: 3, SCHEDULED: 4, FILLED: 5 };

/**
 * Raw probability that is enough to be written, given the boost: the threshold falls as credit grows.
 * 1 / (1 + ((1 - tau) / tau) e^boost), with e^boost = (1 + credit)^alpha.
 * @param {number} threshold @param {number} boost
 */
export const effectiveThreshold = (threshold, boost) => 1 / (1 + ((1 - threshold) / threshold) * Math.exp(boost));

/** Fused probability if no rival had credit. @param {number} p @param {number} boost */
export const alone = (p, boost) => (p * Math.exp(boost)) / (1 - p + p * Math.exp(boost));

/** The sum: from raw p over credit to the comparison. @param {Moment} moment */
export function theSum(moment) {
  const { p, credit, boost, fused, threshold } = moment;
  const parts = [`p ${precise(p)}`];
  if (boost > 0) {
    parts.push(`credit ${credit.toFixed(2)} → odds ×${Math.exp(boost).toFixed(2)} → fused ${precise(fused)}`);
    if (Math.abs(alone(p, boost) - fused) > 0.002) parts.push("(rivals' credit takes some back)");
  }
  if (threshold !== null && moment.reason !== REASONS.SCHEDULED) {
    parts.push(`${fused >= threshold - 1e-6 ? "≥" : "<"} ${threshold.toFixed(2)}`);
  }
  return parts
    .join(", ")
    .replace(", (", " (")
    .replace(/, ([≥<])/, " $1");
}

/** What followed from it. @param {Moment} moment */
export function verdict(moment) {
  switch (moment.reason) {
    case REASONS.CONFIDENT:
      return "written: its own confidence is enough";
    case REASONS.CREDIT:
      return "written: only Trace Credit lifts it over the threshold";
    case REASONS.FORCED:
      return "written all the same: nothing passed, and this was the best guess";
    case REASONS.SCHEDULED:
      return "written: the schedule writes the most confident guess of each step, and its turn had come";
    case REASONS.FILLED:
      return "filled in: the text had ended before it";
    default:
      if (!moment.active) return "not yet: its block is not being written, the guess is only recorded";
      return moment.threshold === null ? "not yet: other guesses were more confident" : "not yet";
  }
}

/** @param {Moment} moment */
export const explain = (moment) => `${theSum(moment)}: ${verdict(moment)}`;

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
  };
}

/** Index of the last recorded step up to `step`, -1 when there is none. @param {ArrayLike<number>} recorded @param {number} step */
export function indexAt(recorded, step) {
  let found = -1;
  for (let i = 0; i < recorded.length && recorded[i] <= step; i += 1) found = i;
  return found;
}

/**
 * How many tokens waited how long, per lane, in shared bins.
 * @param {number[][]} waits per lane @param {number} [most] bins
 * @returns {{size: number, counts: number[][]}}
 */
export function binned(waits, most = 24) {
  const longest = Math.max(0, ...waits.flat());
  const size = Math.max(1, Math.ceil((longest + 1) / most));
  const bins = Math.floor(longest / size) + 1;
  const counts = waits.map((lane) => {
    const count = new Array(bins).fill(0);
    for (const wait of lane) count[Math.floor(wait / size)] += 1;
    return count;
  });
  return { size, counts };
}

/**
 * What `lab_contrast` answers about two settings, as words and numbers: differences with their intervals, which of them
 * can be told apart, how prompts came out. Pure functions.
 */

import { numberText, unitText } from "./labrows.js";

/**
 * @typedef {object} Measure
 * @property {string} name @property {string} title @property {string} unit "share" for 0 to 1
 * @property {"more" | "less" | null} better
 * @property {[number | null, number | null]} values of both settings
 * @property {{value: number | null, low: number | null, high: number | null}} difference second minus first; 95 %
 *
 * @typedef {object} Reason tokens per prompt that were written for it
 * @property {string} name @property {string} title @property {[number, number]} values
 *
 * @typedef {object} Prompt one that both settings have run
 * @property {string} prompt its id @property {string} text
 * @property {[number, number]} passes @property {[number | null, number | null]} quality
 * @property {boolean} same_text did both write the same?
 *
 * @typedef {object} Control a setting that tells memory from a lower bar
 * @property {0 | 1} of which of the two
 * @property {"without credit" | "no history" | "as few passes"} role
 * @property {number | null} row null where the sweep does not have it
 * @property {string} name @property {number | null} passes @property {number | null} quality @property {string} why
 *
 * @typedef {object} Contrast
 * @property {[string, string]} names
 * @property {{knob: string, values: [string, string]}[]} differs
 * @property {number} prompts that are compared @property {number} left_out pairs of runs of which one is missing or failed
 * @property {string} sentence
 * @property {Measure[]} measures @property {Reason[]} reasons @property {Prompt[]} pairs most different first
 * @property {Control[]} controls @property {string | null} command runs the missing controls
 */

/** @typedef {"apart" | "alike" | "unknown"} Told can a difference be told from none? */

const MINUS = "−";
const EXACT = "exact_match";

/** A value of one setting, e.g. "84 %". @param {{unit: string}} measure @param {number | null} value */
export const valueText = (measure, value) =>
  `${numberText(/** @type {any} */ (measure), value)}${value === null ? "" : unitText(/** @type {any} */ (measure))}`;

/** With its sign; shares in points. @param {{unit: string}} measure @param {number | null} value */
export function signedText({ unit }, value) {
  if (value === null) return "–";
  const size = Math.abs(unit === "share" ? 100 * value : value);
  const text = unit === "share" ? size.toFixed(1) : numberText(/** @type {any} */ ({ unit }), size);
  return Number(text) === 0 ? text : `${value < 0 ? MINUS : "+"}${text}`;
}

/** "−3": passes of B minus those of A; with a digit where they are means over seeds. @param {number} step */
export function stepText(step) {
  const text = String(+Math.abs(step).toFixed(1));
  return text === "0" ? text : `${step < 0 ? MINUS : "+"}${text}`;
}

/** "[−0.52, +0.10]", "" where there is none. @param {Measure} measure */
export function rangeText(measure) {
  const { low, high } = measure.difference;
  return low === null || high === null ? "" : `[${signedText(measure, low)}, ${signedText(measure, high)}]`;
}

/** Does the interval hold 0? @param {Measure} measure @returns {Told} */
export function toldOf({ difference: { low, high } }) {
  if (low === null || high === null) return "unknown";
  return low > 0 || high < 0 ? "apart" : "alike";
}

/** What a difference says of B, in two words. @param {Measure} measure */
export function verdictText(measure) {
  const { better, difference } = measure;
  const told = toldOf(measure);
  if (told !== "apart" || difference.value === null) return told === "alike" ? "not told apart" : "";
  const more = difference.value > 0;
  if (better === null) return more ? "B has more" : "B has less";
  return more === (better === "more") ? "B is better" : "B is worse";
}

/**
 * Where a difference and its interval lie on an axis around 0, in per cent of its width.
 * @param {Measure} measure @returns {{from: number, to: number, at: number} | null}
 */
export function whisker({ difference: { value, low, high } }) {
  if (value === null || low === null || high === null) return null;
  const reach = Math.max(Math.abs(low), Math.abs(high), Math.abs(value)) * 1.08 || 1;
  const place = (/** @type {number} */ at) => 50 + (50 * at) / reach;
  return { from: place(low), to: place(high), at: place(value) };
}

/** @typedef {"A" | "B" | "both" | "neither" | "alike" | "unknown"} Outcome which of the two is better on a prompt, else how both are */

/** @type {Record<Outcome, string>} */
const EXACT_NAMES = {
  both: "both right",
  A: "only A right",
  B: "only B right",
  neither: "both wrong",
  alike: "alike",
  unknown: "not judged",
};
/** @type {Record<Outcome, string>} */
const OTHER_NAMES = { ...EXACT_NAMES, A: "A is better", B: "B is better" };

/** Is every text right or wrong? @param {Contrast} contrast */
export const isExact = ({ measures }) => measures.some(({ name }) => name === EXACT);

/** What is said of prompts that came out like this. @param {Contrast} contrast @param {Outcome} outcome */
export const outcomeText = (contrast, outcome) => (isExact(contrast) ? EXACT_NAMES : OTHER_NAMES)[outcome];

/** @param {Contrast} contrast @param {Prompt} prompt @returns {Outcome} */
export function outcomeOf(contrast, { quality: [a, b] }) {
  if (a === null || b === null) return "unknown";
  if (a !== b) return a > b ? "A" : "B";
  if (!isExact(contrast) || (a > 0 && a < 1)) return "alike";
  return a ? "both" : "neither";
}

/** How a text came out, e.g. "right", "50 % right", "93 % as vanilla". @param {Contrast} contrast @param {number | null} quality */
export function qualityText(contrast, quality) {
  if (quality === null) return "";
  if (!isExact(contrast)) return `${numberText(/** @type {any} */ ({ unit: "share" }), quality)} % as vanilla`;
  if (quality === 0 || quality === 1) return quality ? "right" : "wrong";
  return `${Math.round(100 * quality)} % right`;
}

/** How many prompts came out how, those that occur. @param {Contrast} contrast @returns {[Outcome, number][]} */
export function outcomes(contrast) {
  const found = contrast.pairs.map((prompt) => outcomeOf(contrast, prompt));
  const order = /** @type {Outcome[]} */ (["B", "A", "both", "neither", "alike", "unknown"]);
  const counts = order.map((each) => /** @type {[Outcome, number]} */ ([each, found.filter((one) => one === each).length]));
  return counts.filter(([, count]) => count > 0);
}

/** Passes of B minus those of A. @param {Prompt} prompt */
export const stepOf = ({ passes: [a, b] }) => b - a;

/** Prompts from those on which B saves most to those on which it costs most. @param {Prompt[]} pairs */
export const ranked = (pairs) => [...pairs].sort((one, other) => stepOf(one) - stepOf(other));

/** "B needs fewer passes on 31 of 50 prompts, as many on 7, more on 12; both wrote the same text on 40." @param {Prompt[]} pairs */
export function spreadText(pairs) {
  const steps = pairs.map(stepOf);
  const [fewer, more] = [steps.filter((step) => step < 0).length, steps.filter((step) => step > 0).length];
  const as = pairs.length - fewer - more;
  const same = pairs.filter(({ same_text }) => same_text).length;
  return `B needs fewer passes on ${fewer} of ${pairs.length} prompts, as many on ${as}, more on ${more}; both wrote the same text on ${same}.`;
}

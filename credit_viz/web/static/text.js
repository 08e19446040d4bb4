/**
 * How tokens and numbers are written for people. Pure functions; every result is meant for textContent only.
 */

/** Characters that would be invisible, or would reorder or break the line around them. */
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

const NAMES = new Map([
  ["\n", "↵"],
  ["\r", "␍"],
  ["\t", "⇥"],
  ["\u007f", "␡"],
]);

/** @param {string} character */
function named(character) {
  const known = NAMES.get(character);
  if (known) return known;
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 ? String.fromCodePoint(0x2400 + code) : `‹${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}

/**
 * Text of a token inside running text: everything visible, spaces kept.
 * @param {string} text
 */
export function inline(text) {
  return text.replace(UNSEEN, named);
}

/**
 * Text of a token that stands alone, e.g. in the inspector: leading and trailing spaces become visible.
 * @param {string} text
 */
export function quoted(text) {
  if (text === "") return "(empty)";
  return inline(text).replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));
}

/** `quoted` in a column of tokens: the one space before most words would only be noise there. @param {string} text */
export const worded = (text) => quoted(/^ [^ ]/.test(text) ? text.slice(1) : text);

/** Probability with two decimals, more where that would read as 0 or 1. @param {number} p */
export function probability(p) {
  if (p > 0 && p < 0.005) return "<0.01";
  if (p > 0.995 && p < 1) return ">0.99";
  return p.toFixed(2);
}

/** Three decimals, for numbers that are compared with each other. @param {number} p */
export const precise = (p) => p.toFixed(3);

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** A count of steps that may be a mean: whole from 10 on. @param {number} steps */
export const steps = (steps) => (steps >= 10 ? steps.toFixed(0) : steps.toFixed(1).replace(/\.0$/, ""));

/**
 * Text safe for Plotly, which reads a small HTML in labels.
 * @param {string} text
 */
export const plotlySafe = (text) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\$/g, "&#36;");

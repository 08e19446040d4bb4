/**
 * What a map says at one cell, in words: for the note beside the pointer and for the table. Pure functions over runs,
 * lanes and style.json.
 */

import { counted, precise, probability, quoted } from "./text.js";

/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./run.js").Run} Run */

const NAMES = { fused: "fused confidence" };

/** A statistic for people. @param {string} name */
export const nameOf = (name) => /** @type {Record<string, string>} */ (NAMES)[name] ?? name;

/** @param {number} value @param {string} name of the statistic @param {any} style */
export function formatted(value, name, style) {
  if (name === "flips") return value ? "another guess" : "same guess";
  const { unit } = style.scales[name] ?? {};
  return unit || name === "credit" ? `${value.toFixed(2)}${unit ? ` ${unit}` : ""}` : probability(value);
}

/** A difference with its sign. @param {number} value */
export function signed(value) {
  if (Math.abs(value) < 0.0005) return "0";
  return `${value > 0 ? "+" : "−"}${precise(Math.abs(value))}`;
}

/**
 * What a lane's map shows at a cell; "" where nothing was recorded.
 * @param {Run} run @param {Lane} lane @param {string} name of the statistic @param {number} position @param {number} step
 * @param {any} style
 */
export function reading(run, lane, name, position, step, style) {
  if (position >= lane.length || lane.guessAt(position, step) < 0) return "";
  const byte = lane.byteAt(name, position, step);
  return byte < 0 ? "none in this lane" : formatted(run.values[name][byte], name, style);
}

/**
 * The lines of the note for a cell of one lane.
 * @param {Run} run @param {Lane} lane @param {number} position @param {number} step @param {any} style @param {string} tab
 */
export function cellLines(run, lane, position, step, style, tab) {
  const held = lane.tokenAt(position, step - 1);
  const since = lane.writeAt(position, step - 1)?.step;
  const holds = held < 0 ? [] : [`${since ? `written in step ${since}` : "given"}: ${quoted(run.text(held))}`];
  const guess = lane.guessAt(position, step);
  const where = placeOf(position, step);
  if (guess < 0)
    return [where, ...(holds.length ? holds : [step > lane.steps ? "this lane has finished" : "nothing recorded"])];
  const { plane } = style.maps[tab];
  const value =
    plane === "flips" ? flipLine(run, lane, position, step) : valueLine(run, lane, plane, position, step, style);
  const event = lane.writeAt(position, step);
  const what = event?.step === step ? [`${style.reasons[event.reason].did} in this step`] : [];
  return [where, ...holds, `guess ${quoted(run.text(guess))}`, value, ...what];
}

/**
 * The lines of the note for a cell of the difference map.
 * @param {Run} run @param {Lane[]} pair @param {string[]} names of the lanes @param {string} quantity
 * @param {number} position @param {number} step @param {any} style
 */
export function differenceLines(run, pair, names, quantity, position, step, style) {
  const [one, other] = pair.map((lane) => (position < lane.length ? lane.byteAt(quantity, position, step) : -1));
  const each = pair.map((lane, i) => {
    const value = reading(run, lane, quantity, position, step, style);
    const guess = lane.guessAt(position, step);
    const said = value ? `${value} for ${quoted(run.text(guess))}` : standing(run, lane, position, step);
    return `${names[i]}: ${said}`;
  });
  const values = run.values[quantity];
  const last = one < 0 || other < 0 ? [] : [`difference ${signed(values[other] - values[one])}`];
  return [placeOf(position, step), ...each, ...last];
}

/** @param {number} position @param {number} step */
const placeOf = (position, step) => `token ${position}, step ${step}`;

/** What a lane has where it guesses nothing. @param {Run} run @param {Lane} lane @param {number} position @param {number} step */
function standing(run, lane, position, step) {
  const held = position < lane.length ? lane.tokenAt(position, Math.min(step, lane.steps)) : -1;
  return held < 0 ? "nothing recorded" : `${quoted(run.text(held))} was written`;
}

/** @param {Run} run @param {Lane} lane @param {string} plane @param {number} position @param {number} step @param {any} style */
function valueLine(run, lane, plane, position, step, style) {
  const value = reading(run, lane, plane, position, step, style);
  const byte = lane.byteAt(plane, position, step);
  const more = byte < 0 ? "" : meaning(plane, run.values[plane][byte]);
  return `${nameOf(plane)} ${value}${more}`;
}

/** What a number of nats comes to. @param {string} plane @param {number} value */
function meaning(plane, value) {
  if (plane === "boost") return `: odds ×${Math.exp(value).toFixed(2)}`;
  if (plane === "entropy") return `: like ${Math.exp(value).toFixed(1)} even guesses`;
  return "";
}

/** @param {Run} run @param {Lane} lane @param {number} position @param {number} step */
function flipLine(run, lane, position, step) {
  const before = guessBefore(lane, position, step);
  const changed = lane.byteAt("flips", position, step) > 0 ? `was ${quoted(run.text(before))}; ` : "";
  return `${changed}${counted(lane.flips[position], "change")} in all`;
}

/** @param {Lane} lane @param {number} position @param {number} step */
function guessBefore(lane, position, step) {
  for (let at = step - 1; at >= 1; at -= 1) if (lane.guessAt(position, at) >= 0) return lane.guessAt(position, at);
  return -1;
}

/**
 * A link: prompt, choice, model and view as a readable query string, and back. Pure functions over what the server says
 * of decoders and limits; knows no browser, no store, no views.
 *
 *   prompt=Tell a story&lane=vanilla&lane=credit;alpha=0.5;write=5.12.1234&length=128&step=9&token=12&model=embedded
 *
 * Lanes are always said, since what a server offers first may change; everything else only where it differs from the
 * defaults. `write=5.12.1234` writes token 1234 at position 12 by hand after step 5, `unwrite=5.12` takes it back.
 * What this version does not know is carried along as JSON under `also.NAME`. Lanes in front count from 1. A run that
 * was opened from a sweep says which of its settings it shows: `sweep=ID&row=12`, with `beside=7` in the first lane.
 */

import { inline } from "./text.js";

/** @typedef {import("./store.js").LaneChoice} LaneChoice */
/** @typedef {{lanes: LaneChoice[], [option: string]: any}} Choice as the server reads it */
/**
 * @typedef {{step?: number, token?: number | null, front?: number, map?: string, sweep?: string, row?: number,
 *   beside?: number}} View
 *   token null: none selected
 */
/** @typedef {{prompt: string | null, choice: Choice, model: string, view: View}} Shared */

/** Names of options in a link, where they differ. @type {Record<string, string>} */
const SHORT = { gen_length: "length", block_length: "block", early_stop: "early" };
const WRITE = "write";
const UNWRITE = "unwrite";
const ALSO = "also.";
const VIEW = ["step", "token", "front", "map", "sweep", "row", "beside"];
const PRETTY = /%(?:3B|3D|2C|2F|3A|3F|40|21|27|28|29)/g; // characters that are plain in a query's value
const LARGEST_SEED = 2 ** 31 - 1;

/** The model's name without its size. @param {string} name as the server shows it */
export const modelId = (name) => name.split(", ")[0].replace(/^embedded model$/, "embedded");

/**
 * The query string, without "?".
 * @param {any} boot @param {Shared} shared
 */
export function writeLink(boot, { prompt, choice, model, view }) {
  const query = new URLSearchParams();
  if (prompt !== null) query.set("prompt", prompt);
  const { lanes, ...options } = choice;
  for (const lane of lanes) query.append("lane", laneText(boot, lane));
  for (const [name, value] of Object.entries(options)) {
    const known = name in boot.choice;
    if (same(value, boot.choice[name])) continue;
    query.set(known ? (SHORT[name] ?? name) : ALSO + name, known ? plain(value) : JSON.stringify(value));
  }
  for (const name of VIEW) {
    const value = /** @type {any} */ (view)[name];
    if (value !== undefined) query.set(name, value === null ? "none" : String(value));
  }
  query.set("model", model);
  return query.toString().split("&").map(readable).join("&");
}

/** A pair of a query, with what may stay plain in it. @param {string} pair */
export function readable(pair) {
  const at = pair.indexOf("=");
  return pair.slice(0, at) + pair.slice(at).replace(PRETTY, decodeURIComponent);
}

/** What makes a run again, as a string: equal for equal runs. @param {any} boot @param {Omit<Shared, "view">} shared */
export const runKey = (boot, shared) => {
  const query = new URLSearchParams(writeLink(boot, { ...shared, view: {} }));
  query.sort();
  return query.toString();
};

/**
 * Read a query string. What is not valid is left out and named in `problems`, one sentence each.
 * @param {any} boot @param {string} query with or without "?" or "#"
 * @returns {(Shared & {problems: string[]}) | null} null where it says nothing of a run
 */
export function readLink(boot, query) {
  const read = new URLSearchParams(query.replace(/^[?#]/, ""));
  /** @type {string[]} */
  const problems = [];
  const problem = (/** @type {string} */ sentence) => problems.push(sentence);
  const shared = {
    prompt: read.get("prompt"),
    choice: { ...readOptions(boot, read, problem), lanes: readLanes(boot, read.getAll("lane"), problem) },
    model: read.get("model") ?? modelId(boot.model),
    view: readView(boot, read, problem),
    problems,
  };
  for (const name of unknownNames(boot, read)) problem(`The link's ${quote(name)} means nothing here.`);
  return ["prompt", "lane"].some((name) => read.has(name)) || problems.length ? shared : null;
}

// lanes ----------------------------------------------------------------------------------------------------------------

/** @param {any} boot @param {LaneChoice} lane */
function laneText(boot, lane) {
  const { decoder, settings, interventions = [], ...others } = /** @type {any} */ (lane);
  const knobs = boot.decoders[decoder]?.knobs ?? [];
  const defaults = Object.fromEntries(knobs.map((/** @type {any} */ knob) => [knob.name, knob.default]));
  const changed = Object.entries(settings ?? {}).filter(([name, value]) => !same(value, defaults[name]));
  const parts = [
    decoder,
    ...changed.map(([name, value]) => `${name}=${value === null ? "auto" : value}`),
    ...interventions.map(handText),
    ...Object.entries(others).map(([name, value]) => `${ALSO}${guarded(name, /[%=]/g)}=${JSON.stringify(value)}`),
  ];
  return parts.map((part) => guarded(part, /[%;]/g)).join(";");
}

/** @param {{step: number, position: number, token: number | null}} hand */
const handText = ({ step, position, token }) =>
  token === null ? `${UNWRITE}=${step}.${position}` : `${WRITE}=${step}.${position}.${token}`;

/** What separates parts, or a name from its value, is written as an escape. @param {string} text @param {RegExp} marks */
export const guarded = (text, marks) => text.replace(marks, encodeURIComponent);

/** @param {string} part */
export function unguarded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // not ours: it will be named
  }
}

/** @param {any} boot @param {string[]} texts @param {(sentence: string) => void} problem @returns {LaneChoice[]} */
function readLanes(boot, texts, problem) {
  const lanes = texts.map((text, i) => readLane(boot, text, i + 1, problem)).filter((lane) => lane !== null);
  const most = boot.limits.lanes;
  if (lanes.length > most) problem(`The link has ${lanes.length} lanes; only the first ${most} are kept.`);
  return lanes.length ? lanes.slice(0, most) : boot.choice.lanes;
}

/**
 * @param {any} boot @param {string} text @param {number} place @param {(sentence: string) => void} problem
 * @returns {LaneChoice | null}
 */
function readLane(boot, text, place, problem) {
  const [decoder, ...parts] = text.split(";").map(unguarded);
  if (!Object.hasOwn(boot.decoders, decoder)) {
    problem(`There is no decoder ${quote(decoder)} here; lane ${place} of the link is left out.`);
    return null;
  }
  /** @type {any} */
  const lane = { decoder, settings: {} };
  for (const part of parts) {
    const [name, value] = splitOnce(part);
    if (!readPart(lane, boot.decoders[decoder].knobs, name, value))
      problem(`${quote(part)} is nothing that lane ${place} (${boot.decoders[decoder].title}) can use.`);
  }
  return lane;
}

/** @param {any} lane changed @param {any[]} knobs @param {string} name @param {string} value @returns {boolean} was it valid? */
function readPart(lane, knobs, name, value) {
  if (name === WRITE || name === UNWRITE) {
    const hand = readHand(name, value);
    if (hand) lane.interventions = [...(lane.interventions ?? []), hand];
    return hand !== null;
  }
  if (name.startsWith(ALSO)) {
    const read = parsed(value);
    const key = unguarded(name.slice(ALSO.length));
    if (read === undefined || !key || key === "decoder" || key === "settings" || key === "interventions") return false;
    put(lane, key, read);
    return true;
  }
  const knob = knobs.find((each) => each.name === name);
  const read = knob && readKnob(knob, value);
  if (read === undefined) return false;
  lane.settings[name] = read;
  return true;
}

/** @param {any} knob @param {string} value @returns {number | string | null | undefined} undefined: not valid */
function readKnob(knob, value) {
  if (knob.choices.length) return knob.choices.includes(value) ? value : undefined;
  if (value === "auto") return knob.unset ? null : undefined;
  const number = value.trim() === "" ? NaN : Number(value);
  const valid = number >= knob.minimum && number <= knob.maximum && (!knob.integer || Number.isInteger(number));
  return valid ? number : undefined;
}

/** @param {string} name @param {string} value */
function readHand(name, value) {
  const numbers = value.split(".").map((digits) => whole(digits));
  if (numbers.length !== (name === WRITE ? 3 : 2) || numbers.includes(null)) return null;
  const [step, position, token = null] = numbers;
  return { step, position, token };
}

// options and view -----------------------------------------------------------------------------------------------------

/** @param {any} boot @param {URLSearchParams} read @param {(sentence: string) => void} problem */
function readOptions(boot, read, problem) {
  const { lanes: _, ...defaults } = boot.choice;
  /** @type {Record<string, any>} */
  const options = { ...defaults };
  for (const name of Object.keys(defaults)) {
    const text = read.get(SHORT[name] ?? name);
    if (text === null) continue;
    const value = readOption(boot, name, text);
    if (value === undefined) problem(`The link's ${SHORT[name] ?? name} is ${quote(text)}, which is not valid here.`);
    else options[name] = value;
  }
  for (const [key, text] of read) {
    const name = key.slice(ALSO.length);
    if (!key.startsWith(ALSO) || !name || name === "lanes" || name === "ticket") continue;
    const value = parsed(text);
    if (value === undefined) problem(`The link's ${quote(key)} is ${quote(text)}, which is not valid here.`);
    else put(options, name, value);
  }
  return options;
}

/** @param {any} boot @param {string} name @param {string} text @returns {any} undefined: not valid */
function readOption(boot, name, text) {
  if (name === "cache") return boot.caches.includes(text) ? text : undefined;
  const kind = typeof boot.choice[name];
  if (kind === "boolean") return { 1: true, 0: false }[text];
  if (kind === "string") return text;
  if (kind !== "number") return parsed(text);
  const number = whole(text);
  const [least, most] = name === "seed" ? [0, LARGEST_SEED] : [1, boot.limits.length];
  return number !== null && number >= least && number <= most ? number : undefined;
}

/** @param {any} boot @param {URLSearchParams} read @param {(sentence: string) => void} problem @returns {View} */
function readView(boot, read, problem) {
  /** @type {View} */
  const view = {};
  for (const name of VIEW) {
    const text = read.get(name);
    if (text === null) continue;
    const value = readViewPart(boot, name, text);
    if (value === undefined) problem(`The link's ${name} is ${quote(text)}, which is not valid here.`);
    else /** @type {any} */ (view)[name] = value;
  }
  return view;
}

/** @param {any} boot @param {string} name @param {string} text @returns {any} undefined: not valid */
function readViewPart(boot, name, text) {
  if (name === "map") return Object.hasOwn(boot.style.maps, text) ? text : undefined;
  if (name === "token" && text === "none") return null;
  if (name === "sweep") return /^[\w.-]{1,100}$/.test(text) ? text : undefined;
  const number = whole(text);
  return number === null || (name === "front" && (number < 1 || number > boot.limits.lanes)) ? undefined : number;
}

/** Names that are neither ours nor the platform's or a mailing's. @param {any} boot @param {URLSearchParams} read */
function unknownNames(boot, read) {
  const options = Object.keys(boot.choice).map((name) => SHORT[name] ?? name);
  const ours = new Set(["prompt", "lane", "model", "at", ...VIEW, ...options.filter((name) => name !== "lanes")]);
  const foreign = /^(__|utm_|also\.)|^(view|ui|deep_link|write_token|fbclid|gclid|logs)$/;
  return [...new Set(read.keys())].filter((name) => !ours.has(name) && !foreign.test(name));
}

// values ---------------------------------------------------------------------------------------------------------------

/** @param {any} value */
const plain = (value) =>
  typeof value === "boolean" ? String(Number(value)) : typeof value === "object" ? JSON.stringify(value) : String(value);

/** @param {any} one @param {any} other */
const same = (one, other) => one === other || (one !== undefined && JSON.stringify(one) === JSON.stringify(other));

/** @param {string} text @returns {any} undefined where it is no JSON */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Also names like __proto__ are only names. @param {any} object @param {string} name @param {any} value */
export const put = (object, name, value) =>
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });

/** A whole number from 0 on, null where it is none. @param {string} text */
const whole = (text) => (/^\d{1,15}$/.test(text) ? Number(text) : null);

/** @param {string} text @returns {[string, string]} */
function splitOnce(text) {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** Someone else's words, short and visible. @param {string} text */
export function quote(text) {
  const characters = [...text];
  return `“${inline(characters.length > 40 ? `${characters.slice(0, 40).join("")}…` : text)}”`;
}

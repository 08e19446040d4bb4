/**
 * What of a sweep is on show, as the lab's address says it, and back. Pure functions over the lab's state and its table;
 * the address bar is address.js's work.
 *
 *   keep.decoder=credit&keep.alpha=0.7,auto&show.heatmap=x:alpha,metric:exact_match&tab=contour&pair=3,12&brushed=3,7-9
 *
 * What is not chosen says nothing. Settings are said by their rows, in ranges; where they are too many and too scattered
 * for a link, it leaves them out. What a link says and the sweep does not have is left out and named.
 */

import { KINDS } from "./labkinds.js";
import { valueText, words } from "./labrows.js";
import { noFilters } from "./labstate.js";
import { guarded, put, quote, readable, unguarded } from "./link.js";
import { counted } from "./text.js";

/** @typedef {import("./labstate.js").LabState} LabState */
/** @typedef {Pick<LabState, "filters" | "brushed" | "pair" | "options" | "pictures">} Shown */
/** @typedef {import("./labrows.js").Table} Table */

/** Keys of the lab's state that the address depends on. @type {(keyof LabState)[]} */
export const SEEN = ["filters", "brushed", "pair", "options", "pictures", "wished"];

const LONGEST = 1700; // characters; chats and mail programs cut links beyond 2,000
const MOST_NAMED = 3;
const KEEP = "keep.";
const SHOW = "show.";

/**
 * @param {Shown & Pick<LabState, "wished">} state
 * @returns {{text: string, left: string[]}} the query without sweep, and what it leaves out
 */
export function viewText({ wished, filters, brushed, pair, options, pictures }) {
  if (wished !== null) return { text: wished, left: [] };
  const list = (/** @type {string[]} */ texts) => texts.map((text) => guarded(text, /[%,]/g)).join(",");
  const chosen = (/** @type {[string, any][]} */ pairs) =>
    pairs.map(([name, value]) => `${name}:${guarded(String(value), /[%,:]/g)}`).join(",");
  const query = new URLSearchParams([
    ...Object.entries(filters.columns).map(([column, values]) => [KEEP + column, list(values.map(token))]),
    ...Object.entries(options).map(([figure, own]) => [SHOW + figure, chosen(Object.entries(own))]),
    ...(pictures.length ? [["tab", list(pictures)]] : []),
    ...(pair ? [["pair", pair.join(",")]] : []),
  ]);
  const parts = query.toString().split("&").filter(Boolean).map(readable);
  const left = [];
  for (const [name, rows, what] of /** @type {const} */ ([
    ["rows", filters.rows, "which settings are kept"],
    ["brushed", brushed, "which settings are brushed"],
  ])) {
    if (!rows?.length) continue;
    const part = `${name}=${ranges(rows)}`;
    if ([...parts, part].join("&").length <= LONGEST) parts.push(part);
    else left.push(what);
  }
  return { text: parts.join("&"), left };
}

/**
 * What a link asks for, as far as the sweep has it.
 * @param {string} text @param {Table} table of the whole sweep
 * @returns {Shown & {note: string}} note: what is left out, in a sentence; "" for nothing
 */
export function shownBy(text, table) {
  /** @type {Shown} */
  const shown = { filters: noFilters(), brushed: null, pair: null, options: {}, pictures: [] };
  /** @type {string[]} */
  const missing = [];
  const lacks = (/** @type {string} */ what) => void missing.push(what);
  for (const [name, value] of new URLSearchParams(text)) {
    if (name.startsWith(KEEP)) keep(shown.filters.columns, name.slice(KEEP.length), value, table, lacks);
    else if (name.startsWith(SHOW)) choose(shown.options, name.slice(SHOW.length), value, table, lacks);
    else if (name === "rows") shown.filters.rows = rowsIn(value, table, lacks);
    else if (name === "brushed") shown.brushed = rowsIn(value, table, lacks);
    else if (name === "pair") shown.pair = pairIn(value, table, lacks);
    else if (name === "tab") shown.pictures = known(value.split(","), Object.keys(KINDS), "picture", lacks);
  }
  return { ...shown, note: missing.length ? `${LEFT_OUT}: ${someOf(missing)}.` : "" };
}

const LEFT_OUT = "Left out of what the link shows, because this sweep does not have it";

/** @param {string[]} names */
const someOf = (names) =>
  [...names.slice(0, MOST_NAMED), ...(names.length > MOST_NAMED ? [`${names.length - MOST_NAMED} more`] : [])].join(", ");

/** A value, such that different values differ. @param {unknown} value */
function token(value) {
  if (typeof value !== "string") return valueText(value) === "auto" ? "auto" : String(value);
  return value === "" || value === "auto" || /^["\d.+-]|^(true|false|NaN|Infinity)$/.test(value) ? JSON.stringify(value) : value;
}

/**
 * @param {Record<string, any[]>} columns filled @param {string} column @param {string} text
 * @param {Table} table @param {(what: string) => void} lacks
 */
function keep(columns, column, text, { filterable }, lacks) {
  if (!Object.hasOwn(filterable, column)) return lacks(`column ${quote(column)}`);
  const valid = filterable[column];
  const named = known(text.split(",").map(unguarded), valid.map(token), words(column), lacks);
  const kept = valid.filter((value) => named.includes(token(value)));
  if (kept.length && kept.length < valid.length) put(columns, column, kept);
}

/**
 * @param {LabState["options"]} options filled @param {string} figure @param {string} text
 * @param {Table} table @param {(what: string) => void} lacks
 */
function choose(options, figure, text, { knobs, metrics, filterable }, lacks) {
  if (!Object.hasOwn(KINDS, figure)) return lacks(`picture ${quote(figure)}`);
  const names = metrics.map(({ name }) => name);
  /** @type {Record<string, string[] | undefined>} */
  const valid = { x: knobs, y: knobs, metric: names, quality: names, decoder: filterable.decoder };
  /** @type {Record<string, string>} */
  const own = {};
  for (const pair of text.split(",")) {
    const [name, value] = [pair.slice(0, pair.indexOf(":")), unguarded(pair.slice(pair.indexOf(":") + 1))];
    if (!Object.hasOwn(valid, name)) lacks(quote(pair));
    else if (!valid[name] || valid[name]?.includes(value)) own[name] = value; // one decoder only: there is no choice
    else lacks(`${words(name)} ${quote(value)}`);
  }
  if (Object.keys(own).length) options[figure] = own;
}

/** @param {string[]} texts @param {string[]} valid @param {string} kind @param {(what: string) => void} lacks */
function known(texts, valid, kind, lacks) {
  for (const text of texts) if (!valid.includes(text)) lacks(`${kind} ${quote(text)}`);
  return texts.filter((text) => valid.includes(text));
}

// settings -------------------------------------------------------------------------------------------------------------

/** [0, 1, 2, 9] -> "0-2,9" @param {number[]} rows @returns {string} */
export function ranges(rows) {
  /** @type {[number, number][]} */
  const found = [];
  for (const row of [...rows].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && row === last[1] + 1) last[1] = row;
    else found.push([row, row]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

/** @param {string} text @param {Table} table @param {(what: string) => void} lacks @returns {number[] | null} null for none */
function rowsIn(text, { columns }, lacks) {
  const parts = text.split(",").map((part) => /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part) ?? []);
  const read = parts.map(([, from, to = from]) => [Number(from), Number(to)]);
  const asked = read.filter(([from, to]) => from <= to);
  const found = [...columns.number]
    .filter((/** @type {number} */ row) => asked.some(([from, to]) => row >= from && row <= to))
    .sort((a, b) => a - b);
  const lost = asked.reduce((sum, [from, to]) => sum + to - from + 1, 0) - found.length;
  if (lost > 0) lacks(counted(lost, "setting"));
  if (asked.length < read.length) lacks(`settings ${quote(text)}`);
  return found.length ? found : null;
}

/** @param {string} text @param {Table} table @param {(what: string) => void} lacks @returns {LabState["pair"]} */
function pairIn(text, { columns }, lacks) {
  const [one, other, ...more] = text.split(",").map(Number);
  const both = columns.number.includes(one) && columns.number.includes(other) && one !== other && !more.length;
  if (!both) lacks(`settings ${quote(text)}`);
  return both ? [one, other] : null;
}

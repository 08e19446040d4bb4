/**
 * The table of settings, as words and orders: names, numbers with their intervals, what is brushed. Pure functions of
 * what `lab_table` answers. A setting is known by its number, its row in the unfiltered table.
 */

import { percent } from "./labwords.js";
import { counted, inline } from "./text.js";

/**
 * @typedef {{name: string, title: string, better: "more" | "less" | null, unit: string}} Metric
 * @typedef {object} Table what `lab_table` answers
 * @property {number} rows
 * @property {Record<string, any[]>} columns with `number` and `name` of each row
 * @property {string[]} knobs
 * @property {Metric[]} metrics
 * @property {string | null} quality the metric that says most about quality
 * @property {boolean[]} unbeaten by row
 * @property {Record<string, any[]>} filterable
 */

const PASSES = "forward_passes";
/** Metrics of the table of settings beside passes and quality, in this order. */
const SHOWN = ["content_tokens_per_forward", "mean_wait", "redundant_guesses", "log_likelihood"];

/** Numbers of the rows on show. @param {Table} table @returns {number[]} */
export const numbersOf = ({ columns }) => columns.number;

/** Where a setting stands among the rows on show, -1 for nowhere. @param {Table} table @param {number} number */
export const placeOf = ({ columns }, number) => columns.number.indexOf(number);

/** A knob's value with six digits at most; one that is unset is "auto", as in the figures. @param {unknown} value */
export const valueText = (value) =>
  value === null || value === undefined ? "auto" : String(typeof value === "number" ? +value.toPrecision(6) : value);

/** A setting with what else sets its row apart. @param {Table} table @param {number} place */
export const nameOf = ({ columns }, place) => inline(String(columns.name[place]));

/** A column's name for people. @param {string} name */
export const words = (name) => name.replaceAll("_", " ");

/** Is a metric a share, which reads best in per cent? @param {Metric} metric */
const isShare = ({ unit }) => unit === "share";

/** Without its unit, as reports write it. @param {Metric} metric @param {number | null | undefined} value */
export function numberText(metric, value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (isShare(metric)) return percent(value);
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** What stands behind a number. @param {Metric} metric */
export const unitText = (metric) => (isShare(metric) ? " %" : "");

/** "9.30". @param {Table} table @param {Metric} metric @param {number} place */
export function meanText({ columns }, metric, place) {
  const mean = columns[metric.name]?.[place];
  return `${numberText(metric, mean)}${Number.isFinite(mean) ? unitText(metric) : ""}`;
}

/** "[8.90, 9.70]"; empty where there is no interval. @param {Table} table @param {Metric} metric @param {number} place */
export function intervalText({ columns }, metric, place) {
  const [low, high] = ["_low", "_high"].map((end) => columns[`${metric.name}${end}`]?.[place]);
  return Number.isFinite(low) && Number.isFinite(high)
    ? `[${numberText(metric, low)}, ${numberText(metric, high)}]`
    : "";
}

/** The metrics that the table of settings and the notes show: passes, quality, and a few more. @param {Table} table */
export function shownMetrics({ metrics, quality }) {
  const named = (/** @type {string} */ name) => metrics.filter((metric) => metric.name === name);
  return [PASSES, quality ?? "", ...SHOWN.filter((name) => name !== quality)].flatMap(named);
}

/** Lines of a note on one setting. @param {Table} table @param {number} number @returns {string[]} */
export function settingLines(table, number) {
  const place = placeOf(table, number);
  if (place < 0) return [];
  const metrics = shownMetrics(table).slice(0, 3);
  const said = (/** @type {Metric} */ metric) =>
    `${metric.title} ${meanText(table, metric, place)} ${intervalText(table, metric, place)}`.trim();
  return [nameOf(table, place), ...metrics.map(said)];
}

/** "9–12", or "9" where both ends read the same. @param {Table} table @param {Metric} metric @param {number[]} places */
function rangeText({ columns }, metric, places) {
  const values = places.map((place) => columns[metric.name]?.[place]).filter((value) => Number.isFinite(value));
  if (!values.length) return "";
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => numberText(metric, value));
  return `${metric.title} ${low === high ? low : `${low}–${high}`}${unitText(metric)}`;
}

/** Settings that are among the rows on show; null for none. @param {Table} table @param {number[]} numbers */
export function stillShown(table, numbers) {
  const left = numbers.filter((number) => placeOf(table, number) >= 0);
  if (!left.length) return null;
  return left.length === numbers.length ? numbers : left;
}

/** What is brushed, in a line. @param {Table} table @param {number[]} brushed numbers */
export function brushedLine(table, brushed) {
  const places = brushed.map((number) => placeOf(table, number)).filter((place) => place >= 0);
  const of = `${places.length} of ${counted(table.rows, "setting")} brushed`;
  const ranges = shownMetrics(table)
    .slice(0, 2)
    .map((metric) => rangeText(table, metric, places))
    .filter(Boolean);
  return ranges.length ? `${of}: ${ranges.join(", ")}` : of;
}

/**
 * Places of the rows on show in the order of a column; brushed ones first, those without a value last.
 * @param {Table} table @param {{column: string, descending: boolean}} order column "" for the plan's
 * @param {number[] | null} brushed numbers
 */
export function orderedPlaces(table, { column, descending }, brushed) {
  const numbers = numbersOf(table);
  const first = new Set(brushed ?? []);
  const values = table.columns[column];
  const sign = descending ? -1 : 1;
  const compare = (/** @type {number} */ a, /** @type {number} */ b) => {
    const front = Number(first.has(numbers[b])) - Number(first.has(numbers[a]));
    if (front || !values) return front || sign * (a - b);
    const [one, other] = [values[a], values[b]];
    if (one === other) return a - b;
    if (one === null || other === null) return one === null ? 1 : -1;
    return sign * (one < other ? -1 : 1);
  };
  return numbers.map((_, place) => place).sort(compare);
}

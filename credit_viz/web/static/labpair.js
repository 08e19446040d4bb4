/**
 * Which two settings are compared, A and B: those that were chosen, else the setting of the answer beside its fairest
 * rival. Pure functions of the lab's state and of what `lab_table` answers.
 */

import { numbersOf } from "./labrows.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labrows.js").Table} Table */
/** @typedef {[number, number]} Pair numbers of settings: A, then B */

export const SIDES = /** @type {const} */ (["A", "B"]);

const PASSES = "forward_passes";
const RULE = "threshold"; // the decoder that credit is most easily mistaken for
const CREDIT = "credit"; // in the name of every decoder that uses it
/** What a race has one of. */
const SHARED = ["gen_length", "block_length", "early_stop", "cache"];

/**
 * The two that are compared, null where there are none.
 * @param {{pair: Pair | null, table: Table | null}} state @returns {Pair | null}
 */
export const pairOf = ({ pair, table }) => pair ?? (table && defaultPair(table));

/**
 * A pair with another setting at one side; one that stands at the other side changes places.
 * @param {Pair | null} pair @param {0 | 1} side @param {number} number @returns {Pair | null}
 */
export function withSide(pair, side, number) {
  if (!pair) return null;
  const other = pair[1 - side] === number ? pair[side] : pair[1 - side];
  return side ? [other, number] : [number, other];
}

/** The last two that were asked for. @param {Pair | null} pair @param {number} number @returns {Pair | null} */
export const withNext = (pair, number) => (pair && number !== pair[1] ? [pair[1], number] : pair);

/**
 * The fewest passes without a loss beside what needs about as few: credit beside the rule alone, any other decoder
 * beside credit, else beside any other setting. Of several rivals the nearest in passes, with the same options where
 * there is one.
 * @param {Table} table @returns {Pair | null}
 */
export function defaultPair(table) {
  const { columns, quality } = table;
  const passes = columns[PASSES] ?? [];
  const good = quality ? columns[quality] : passes.map(() => 0);
  const places = numbersOf(table)
    .map((_, place) => place)
    .filter((place) => isNumber(passes[place]) && isNumber(good[place]));
  const best = fewestWithoutLoss(places, columns, passes, good);
  if (best === undefined) return null;
  const others = places.filter((place) => place !== best);
  const fair = first(
    others.filter((place) => rivals(columns.decoder[best], columns.decoder[place])),
    others.filter((place) => columns.decoder[place] !== columns.decoder[best]),
    others,
  );
  const alike = fair.filter((place) => SHARED.every((name) => columns[name]?.[place] === columns[name]?.[best]));
  const away = (/** @type {number} */ place) => Math.abs(passes[place] - passes[best]);
  const [rival] = first(alike, fair).sort((a, b) => away(a) - away(b) || good[b] - good[a]);
  return rival === undefined ? null : [columns.number[rival], columns.number[best]];
}

/** @param {unknown} value */
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** The first list with something in it. @param {...number[]} lists @returns {number[]} */
const first = (...lists) => lists.find((list) => list.length) ?? [];

/** @param {string} one @param {string} other names of decoders */
const rivals = (one, other) => (one.includes(CREDIT) ? other === RULE : other.includes(CREDIT));

/**
 * As the answer at the top of the page reads a table: held against vanilla with one token per pass at its best, else
 * any vanilla at its best, or against the best of all.
 * @param {number[]} places @param {Table["columns"]} columns @param {number[]} passes @param {number[]} good
 * @returns {number | undefined}
 */
function fewestWithoutLoss(places, { decoder, steps }, passes, good) {
  const best = [...places].sort((a, b) => good[b] - good[a] || passes[a] - passes[b]);
  const vanilla = best.filter((place) => decoder[place] === "vanilla");
  const reference = vanilla.find((place) => !isNumber(steps?.[place])) ?? vanilla[0] ?? best[0];
  const fewer = best.filter((place) => passes[place] < passes[reference]);
  const lossless = fewer.filter((place) => good[place] >= good[reference]);
  const closest = vanilla.length ? (fewer[0] ?? best.find((place) => place !== reference)) : reference;
  return lossless.sort((a, b) => passes[a] - passes[b])[0] ?? closest ?? reference;
}

/** Compare a setting as A or B. @param {Lab} lab @param {0 | 1} side @param {number} number */
export function choose({ store }, side, number) {
  const pair = withSide(pairOf(store.state), side, number);
  if (pair) store.set({ pair });
}

/** Compare a setting with the one that was chosen before it. @param {Lab} lab @param {number} number */
export function chooseNext({ store }, number) {
  const pair = withNext(pairOf(store.state), number);
  if (pair) store.set({ pair });
}

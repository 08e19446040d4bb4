/** Two settings compared: which two, what is told of their differences, how prompts came out. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as differ from "../../credit_viz/web/static/labdiffer.js";
import { choose, chooseNext, defaultPair, pairOf, withNext, withSide } from "../../credit_viz/web/static/labpair.js";
import { promptFilters } from "../../credit_viz/web/static/labcontrast.js";
import { newLab } from "../../credit_viz/web/static/labstate.js";

/** @param {[string, number | null, number | null, number][]} rows decoder, passes, exact match, block length @returns {any} */
const tableOf = (rows, quality = "exact_match") => ({
  quality,
  columns: {
    number: rows.map((_, i) => 10 + i),
    decoder: rows.map(([decoder]) => decoder),
    forward_passes: rows.map(([, passes]) => passes),
    exact_match: rows.map(([, , exact]) => exact),
    block_length: rows.map(([, , , block]) => block),
  },
});

/** @param {any} [changes] @returns {import("../../credit_viz/web/static/labdiffer.js").Measure} */
const measure = (changes = {}) => ({
  name: "forward_passes",
  title: "forward passes",
  unit: "passes",
  better: "less",
  values: [9.2, 8.46],
  difference: { value: -0.74, low: -1.2, high: -0.31 },
  ...changes,
});

const difference = (/** @type {any} */ value, /** @type {any} */ low, /** @type {any} */ high) => ({ difference: { value, low, high } });

/** @returns {any} */
const contrastOf = (/** @type {[number, number, number | null, number | null][]} */ prompts, names = ["forward_passes", "exact_match"]) => ({
  measures: names.map((name) => measure({ name })),
  pairs: prompts.map(([a, b, one, other], i) => ({ prompt: `p${i}`, text: "", passes: [a, b], quality: [one, other], same_text: i === 0 })),
});

test("what is compared first is the fewest passes without a loss beside the rule alone at about as few", () => {
  const table = tableOf([
    ["vanilla", 64, 0.82, 64],
    ["threshold", 8.5, 0.8, 32],
    ["threshold", 9.5, 0.82, 64],
    ["threshold", 8.9, 0.7, 64],
    ["credit", 8.4, 0.82, 64],
    ["credit", 6, 0.5, 64],
  ]);
  assert.deepEqual(defaultPair(table), [13, 14]); // 11 is nearer, but in other blocks: no race has both
});

test("where credit has lost, its best is put beside what won; where all lose, the best of the others", () => {
  const rows = /** @type {[string, number, number, number][]} */ ([
    ["vanilla", 64, 0.8, 8],
    ["threshold", 7, 0.8, 8],
    ["credit", 8, 0.7, 8],
    ["entropy-bound", 7.1, 0.8, 8],
  ]);
  assert.deepEqual(defaultPair(tableOf(rows)), [12, 11]);
  assert.deepEqual(defaultPair(tableOf([rows[0], ["margin", 9, 0.5, 8]])), [10, 11]);
});

test("what is lost is lost against vanilla with one token per pass, as the answer has it", () => {
  const table = tableOf([
    ["vanilla", 64, 0.8, 8],
    ["vanilla", 64, 0.8, 16],
    ["vanilla", 32, 0.84, 8],
    ["threshold", 9, 0.78, 8],
    ["credit", 8, 0.82, 8],
  ]);
  table.columns.steps = [null, null, 32, null, null];
  assert.deepEqual(defaultPair(table), [13, 14]); // credit loses to 32 passes, and nothing to 64
  table.columns.exact_match = [0.8, 0.8, 0.5, 0.78, 0.7];
  assert.deepEqual(defaultPair(table), [14, 13]); // another 64 passes are no rival of fewer
});

test("runs without a result are never compared, and one setting with nothing", () => {
  assert.equal(defaultPair(tableOf([])), null);
  assert.equal(defaultPair(tableOf([["vanilla", 64, 0.8, 8]])), null);
  assert.equal(defaultPair(tableOf([["vanilla", 64, 0.8, 8], ["credit", null, null, 8]])), null);
  assert.deepEqual(defaultPair(tableOf([["threshold", 9, null, 8], ["credit", 8, null, 8]], "")), [10, 11]);
});

test("a setting takes a side; one from the other side changes places", () => {
  assert.deepEqual(withSide([1, 2], 0, 5), [5, 2]);
  assert.deepEqual(withSide([1, 2], 1, 5), [1, 5]);
  assert.deepEqual(withSide([1, 2], 0, 2), [2, 1]);
  assert.deepEqual(withSide([1, 2], 1, 1), [2, 1]);
  assert.deepEqual(withSide([1, 2], 1, 2), [1, 2]);
  assert.deepEqual(withNext(withNext([1, 2], 3), 4), [3, 4]);
  assert.deepEqual(withNext([1, 2], 2), [1, 2]);
  assert.deepEqual([withSide(null, 0, 1), withNext(null, 1)], [null, null]);
});

test("what was chosen outlasts another table; what was not follows it", () => {
  const race = /** @type {any} */ ({ state: { place: "race" } });
  const lab = newLab(race, null, "");
  const table = tableOf([["vanilla", 64, 0.8, 8], ["threshold", 9, 0.8, 8], ["credit", 8, 0.8, 8]]);
  lab.store.schedule = () => {};
  choose(lab, 0, 10);
  assert.equal(pairOf(lab.store.state), null);
  lab.store.set({ table });
  assert.deepEqual([pairOf(lab.store.state), lab.store.state.pair], [[11, 12], null]);
  choose(lab, 0, 10);
  lab.store.set({ table: tableOf([["vanilla", 64, 0.8, 8], ["threshold", 9, 0.8, 8]]) });
  assert.deepEqual(pairOf(lab.store.state), [10, 12]);
  chooseNext(lab, 11);
  assert.deepEqual(pairOf(lab.store.state), [12, 11]);
});

test("of the filters, only those of prompts count", () => {
  const columns = { task: ["story"], decoder: ["credit"], alpha: [0.5] };
  assert.deepEqual(promptFilters({ columns, rows: [1, 2] }), { columns: { task: ["story"] }, rows: null });
  assert.deepEqual(promptFilters({ columns: { decoder: ["credit"] }, rows: null }), { columns: {}, rows: null });
});

test("a difference is told apart from none only where its interval is", () => {
  assert.equal(differ.toldOf(measure()), "apart");
  for (const [low, high] of [[-1, 0.1], [0, 1], [-1, 0], [0, 0]])
    assert.equal(differ.toldOf(measure(difference(0.1, low, high))), "alike", `${low} ${high}`);
  assert.equal(differ.toldOf(measure(difference(1, null, null))), "unknown");
});

test("which of the two is better is said in words, never where that is not known", () => {
  const said = (/** @type {any} */ changes) => differ.verdictText(measure(changes));
  assert.equal(said({}), "B is better");
  assert.equal(said({ better: "more" }), "B is worse");
  assert.equal(said({ better: null }), "B has less");
  assert.equal(said({ better: null, ...difference(2, 1, 3) }), "B has more");
  assert.equal(said(difference(2, 1, 3)), "B is worse");
  assert.equal(said(difference(2, -1, 3)), "not told apart");
  assert.equal(said(difference(2, null, null)), "");
});

test("numbers keep their signs; shares are points; a zero has none", () => {
  assert.equal(differ.rangeText(measure()), "[−1.20, −0.31]");
  assert.equal(differ.rangeText(measure({ unit: "share", ...difference(0.02, -0.02, 0.061) })), "[−2.0, +6.1]");
  assert.equal(differ.rangeText(measure(difference(1, null, null))), "");
  assert.deepEqual([0, -0.0001, 12.34, null].map((value) => differ.signedText({ unit: "passes" }, value)), ["0.00", "0.00", "+12.3", "–"]);
  assert.deepEqual([0.84, null].map((value) => differ.valueText({ unit: "share" }, value)), ["84 %", "–"]);
});

test("an interval is drawn on a scale of its own, with nothing in the middle", () => {
  const { from, to, at } = /** @type {any} */ (differ.whisker(measure(difference(1, -1, 3))));
  assert.ok(from > 0 && from < 50 && at > 50 && to > at && to < 100);
  assert.ok(Math.abs(50 - from - (at - 50)) < 1e-9);
  assert.deepEqual(differ.whisker(measure(difference(0, 0, 0))), { from: 50, to: 50, at: 50 });
  assert.equal(differ.whisker(measure(difference(1, null, null))), null);
});

test("prompts are counted by which of the two is right", () => {
  const found = contrastOf([[9, 8, 1, 1], [9, 7, 0, 1], [9, 9, 1, 0], [9, 12, 0, 0], [8, 8, null, 1], [8, 7, 0.5, 0.5]]);
  assert.deepEqual(differ.outcomes(found), [["B", 1], ["A", 1], ["both", 1], ["neither", 1], ["alike", 1], ["unknown", 1]]);
  assert.equal(differ.outcomeText(found, "B"), "only B right");
  assert.deepEqual([1, 0, 0.5, null].map((quality) => differ.qualityText(found, quality)), ["right", "wrong", "50 % right", ""]);
});

test("where nobody can say what is right, prompts are nearer to vanilla, or alike", () => {
  const found = contrastOf([[9, 8, 0.9, 0.9], [9, 7, 0.5, 0.8]], ["forward_passes", "token_agreement"]);
  assert.deepEqual(differ.outcomes(found), [["B", 1], ["alike", 1]]);
  assert.equal(differ.qualityText(found, 0.93), "93 % as vanilla");
  assert.equal(differ.outcomeText(found, "B"), "B is better");
});

test("bars go from what saves most to what costs most, and words count them", () => {
  const { pairs } = contrastOf([[9, 8, 1, 1], [9, 12, 1, 1], [9, 4, 1, 1], [7, 7, 1, 1]]);
  assert.deepEqual(differ.ranked(pairs).map(differ.stepOf), [-5, -1, 0, 3]);
  assert.equal(differ.spreadText(pairs), "B needs fewer passes on 2 of 4 prompts, as many on 1, more on 1; both wrote the same text on 1.");
});

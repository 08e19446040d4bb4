/** The lab's address: what of a sweep is on show comes back as it was; what the sweep does not have is named. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { feedTable } from "../../credit_viz/web/static/labfeed.js";
import { ranges, shownBy, viewText } from "../../credit_viz/web/static/lablink.js";
import { emptyLab, newLab, noFilters, showSweep } from "../../credit_viz/web/static/labstate.js";
import { randomText, randomness } from "./random.js";

/** @param {any} [filterable] @param {number} [rows] @returns {any} */
const table = (filterable = {}, rows = 40) => ({
  rows,
  columns: { number: Array.from({ length: rows }, (_, i) => i), name: [] },
  knobs: ["alpha", "threshold"],
  metrics: ["forward_passes", "exact_match"].map((name) => ({ name })),
  filterable: { decoder: ["vanilla", "credit"], alpha: [null, 0.1, 0.7], early_stop: [false, true], ...filterable },
});

/** @param {any} [changes] */
const shown = (changes = {}) => ({ filters: noFilters(), brushed: null, pair: null, options: {}, pictures: [], ...changes });

/** @param {any} state @returns {string} */
const text = (state) => viewText({ wished: null, ...shown(state) }).text;

test("nothing chosen says nothing; what is chosen can be read", () => {
  assert.equal(text(shown()), "");
  const state = shown({
    filters: { columns: { decoder: ["credit"], alpha: [null, 0.7] }, rows: [0, 1, 2, 3, 9] },
    brushed: [9, 3],
    pair: [9, 3],
    options: { heatmap: { x: "alpha", metric: "exact_match" } },
    pictures: ["contour"],
  });
  assert.equal(
    text(state),
    "keep.decoder=credit&keep.alpha=auto,0.7&show.heatmap=x:alpha,metric:exact_match&tab=contour&pair=9,3&rows=0-3,9&brushed=3,9",
  );
  assert.deepEqual(shownBy(text(state), table()), { ...state, brushed: [3, 9], note: "" });
});

test("settings are said in ranges", () => {
  assert.equal(ranges([]), "");
  assert.equal(ranges([5]), "5");
  assert.equal(ranges([9, 0, 1, 2, 4, 5]), "0-2,4-5,9");
});

/** Some of a list, in its order. @param {ReturnType<typeof randomness>} random @param {any[]} list */
const some = (random, list) => list.filter(() => random.chance());

/** @param {ReturnType<typeof randomness>} random @param {any} sweep */
function randomShown(random, sweep) {
  const columns = Object.fromEntries(
    Object.entries(sweep.filterable)
      .map(([column, valid]) => [column, some(random, valid)])
      .filter(([column, kept]) => kept.length && kept.length < sweep.filterable[column].length),
  );
  const rows = () => (random.chance() ? some(random, sweep.columns.number) : []);
  const [kept, brushed] = [rows(), rows()];
  const knob = () => random.pick(sweep.knobs);
  const options = {
    ...(random.chance() ? { heatmap: { x: knob(), y: knob(), metric: "exact_match" } } : {}),
    ...(random.chance() ? { front: { quality: "exact_match" }, slices: { decoder: random.pick(sweep.filterable.decoder) } } : {}),
  };
  return shown({
    filters: { columns, rows: kept.length ? kept : null },
    brushed: brushed.length ? brushed : null,
    pair: random.chance() ? [random.below(20), 20 + random.below(20)] : null,
    options,
    pictures: random.chance() ? ["contour"] : [],
  });
}

test("2,000 random views of sweeps with hostile names come back as they were", () => {
  const random = randomness(11);
  for (let i = 0; i < 2000; i += 1) {
    const word = () => `${randomText(random).toWellFormed()}${random.below(99)}`;
    const values = [null, 0.1, 1e-7, 3, true, false, "auto", "true", "0.1", "", ",", "%2C", '"x"', "a:b", word()];
    const sweep = table({ [word()]: values, [word()]: [word(), `${word()}x`] });
    sweep.knobs = [...sweep.knobs, word()];
    const before = randomShown(random, sweep);
    const said = text(before);
    assert.deepEqual(shownBy(said, sweep), { ...before, note: "" }, said);
    assert.match(said, /^[\w\-.~!*'();:@&=+$,/?%]*$/, "only characters that may stand in a query");
    assert.equal(new URL(`https://example.org/?at=lab&${said}`).hash, "");
  }
});

for (const [query, words] of /** @type {[string, RegExp][]} */ ([
  ["keep.beta=1", /column “beta”/],
  ["keep.toString=1", /column “toString”/],
  ["keep.alpha=0.3", /alpha “0.3”/],
  ["keep.decoder=%3Cimg%20src%3Dx%3E", /decoder “<img src=x>”/],
  ["rows=40-49", /: 10 settings\./],
  ["rows=9-3", /settings “9-3”/],
  ["brushed=1e9", /settings “1e9”/],
  ["brushed=-1", /settings “-1”/],
  ["pair=3", /settings “3”/],
  ["pair=3,3", /settings “3,3”/],
  ["pair=3,400", /settings “3,400”/],
  ["tab=treasure", /picture “treasure”/],
  ["show.treasure=x:alpha", /picture “treasure”/],
  ["show.heatmap=x:beta", /x “beta”/],
  ["show.heatmap=colour:red", /“colour:red”/],
  ["keep.a=1&keep.b=1&keep.c=1&keep.d=1&keep.e=1", /column “a”, column “b”, column “c”, 2 more\./],
  [`keep.${"x".repeat(500)}=1`, /“x{40}…”/],
]))
  test(`what the sweep does not have is left out and named: ${query.slice(0, 50)}`, () => {
    const { note, ...rest } = shownBy(query, table());
    assert.match(note, words);
    assert.match(note, /^Left out of what the link shows, because this sweep does not have it: /);
    assert.deepEqual(rest, shown());
  });

test("what is there is kept beside what is not; what is not the lab's is none of its business", () => {
  const { note, filters, brushed } = shownBy("keep.alpha=0.7,9&brushed=39-41&utm_source=x&logs=1", table());
  assert.deepEqual([filters.columns, brushed], [{ alpha: [0.7] }, [39]]);
  assert.match(note, /: alpha “9”, 2 settings\.$/);
  assert.equal(shownBy("utm_source=x&logs=1", table()).note, "");
  assert.equal(shownBy("keep.decoder=credit,vanilla", table()).filters.columns.decoder, undefined, "all: nothing is kept");
});

test("a link stays short enough to be sent: too many scattered settings are left out and named", () => {
  const every = (/** @type {number} */ n) => Array.from({ length: 2500 }, (_, i) => n * i);
  const wide = viewText({ wished: null, ...shown({ brushed: every(2), filters: { columns: {}, rows: every(1) } }) });
  assert.deepEqual(wide, { text: "rows=0-2499", left: ["which settings are brushed"] });
  const both = viewText({ wished: null, ...shown({ brushed: every(2), filters: { columns: {}, rows: every(3) } }) });
  assert.deepEqual(both, { text: "", left: ["which settings are kept", "which settings are brushed"] });
});

test("what a link asks for is shown once it is known what there is, asked about twice at most", async () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 200));
  /** @type {any[]} */
  const asked = [];
  const answer = async (/** @type {any} */ question) => {
    asked.push(question.filters);
    return { ...table(), rows: 40 - asked.length };
  };
  const race = /** @type {any} */ ({ state: { place: "race" } });
  const lab = newLab(race, { lab_table: answer }, "");
  lab.store.schedule = (draw) => void setTimeout(draw);
  feedTable(lab);
  showSweep(lab, "a", "keep.alpha=0.7,9&brushed=3");
  assert.equal(viewText(lab.store.state).text, "keep.alpha=0.7,9&brushed=3", "the address stays until then");
  await pause();
  const { wished, filters, brushed, note } = lab.store.state;
  assert.deepEqual([wished, filters.columns, brushed], [null, { alpha: [0.7] }, [3]]);
  assert.match(note, /alpha “9”/);
  await pause();
  assert.deepEqual(asked, [noFilters(), { columns: { alpha: [0.7] }, rows: null }]);
  assert.equal(lab.store.state.table.rows, 38);
  showSweep(lab, "b");
  assert.deepEqual({ ...lab.store.state }, { ...emptyLab(), sweep: "b" });
});

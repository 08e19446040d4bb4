import assert from "node:assert/strict";
import { test } from "node:test";

import { feedTable } from "../../credit_viz/web/static/labfeed.js";
import { Latest } from "../../credit_viz/web/static/lablatest.js";
import { isFiltered, toggled } from "../../credit_viz/web/static/labfilters.js";
import {
  axesOf,
  boxOf,
  holds,
  markAt,
  marksOf,
  passes,
  settingsOf,
  touches,
} from "../../credit_viz/web/static/labmarks.js";
import { chosen } from "../../credit_viz/web/static/laboptions.js";
import { fitted, rowsOf } from "../../credit_viz/web/static/labpanels.js";
import { newLab } from "../../credit_viz/web/static/labstate.js";
import {
  brushedLine,
  intervalText,
  numberText,
  orderedPlaces,
  settingLines,
  shownMetrics,
  stillShown,
} from "../../credit_viz/web/static/labrows.js";

const PASSES = { name: "forward_passes", title: "forward passes", better: "less", unit: "passes" };
const MATCH = { name: "exact_match", title: "exact match", better: "more", unit: "share" };
const WAIT = { name: "mean_wait", title: "mean wait (steps)", better: "less", unit: "steps" };

/** Settings 2, 5, 7 and 9 of a filtered sweep. */
function table() {
  return {
    rows: 4,
    columns: {
      number: [2, 5, 7, 9],
      name: ["vanilla", "credit alpha=0.7", "credit <b>alpha</b>", "credit alpha=\n2"],
      forward_passes: [64, 12.25, 9.3, null],
      forward_passes_low: [64, 11, 8.9, null],
      forward_passes_high: [64, 13, 9.7, null],
      exact_match: [0.996, 0.93, 0.5, null],
      exact_match_low: [0.98, 0.9, null, null],
      exact_match_high: [1, 0.96, null, null],
    },
    knobs: ["alpha"],
    metrics: [MATCH, WAIT, PASSES],
    quality: "exact_match",
    unbeaten: [true, true, false, false],
    filterable: {},
  };
}

test("numbers are written as reports write them", () => {
  assert.deepEqual(
    [64, 12.25, 9.3, 0, 128.4, null, NaN].map((value) => numberText(PASSES, value)),
    ["64.0", "12.3", "9.30", "0.00", "128", "–", "–"],
  );
  assert.deepEqual(
    [1, 0.996, 0.93, 0].map((value) => numberText(MATCH, value)),
    ["100", "99.6", "93", "0"],
  );
});

test("a setting is told by name, passes and quality; what is missing is left out", () => {
  assert.deepEqual(
    shownMetrics(table()).map(({ name }) => name),
    ["forward_passes", "exact_match", "mean_wait"],
  );
  assert.equal(intervalText(table(), MATCH, 2), "");
  assert.deepEqual(settingLines(table(), 5).slice(0, 3), [
    "credit alpha=0.7",
    "forward passes 12.3 [11.0, 13.0]",
    "exact match 93 % [90, 96]",
  ]);
  assert.deepEqual(settingLines(table(), 3), []);
  assert.equal(settingLines(table(), 7)[0], "credit <b>alpha</b>");
  assert.equal(settingLines(table(), 9)[0], "credit alpha=↵2");
});

test("the line says how many settings are brushed and what they span", () => {
  assert.equal(
    brushedLine(table(), [5, 7]),
    "2 of 4 settings brushed: forward passes 9.30–12.3, exact match 50–93 %",
  );
  assert.equal(brushedLine(table(), [2]), "1 of 4 settings brushed: forward passes 64.0, exact match 99.6 %");
  assert.equal(brushedLine(table(), [9]), "1 of 4 settings brushed");
  assert.equal(brushedLine({ ...table(), quality: null }, [5]), "1 of 4 settings brushed: forward passes 12.3");
});

test("what is filtered away is brushed no longer", () => {
  const brushed = [2, 7];
  assert.equal(stillShown(table(), brushed), brushed);
  assert.deepEqual(stillShown(table(), [1, 7]), [7]);
  assert.equal(stillShown(table(), [1, 3]), null);
});

test("rows are ordered by a column, brushed ones first, unknown ones last", () => {
  const order = (column, descending, brushed = null) => orderedPlaces(table(), { column, descending }, brushed);
  assert.deepEqual(order("forward_passes", false), [2, 1, 0, 3]);
  assert.deepEqual(order("forward_passes", true), [0, 1, 2, 3]);
  assert.deepEqual(order("exact_match", true, [7, 9]), [2, 3, 0, 1]);
  assert.deepEqual(order("", false), [0, 1, 2, 3]);
  assert.deepEqual(order("", true), [3, 2, 1, 0]);
});

test("chips keep values; none pressed, or all, keeps everything", () => {
  const nothing = { columns: {}, rows: null };
  const valid = [null, 0.7, 1];
  const one = toggled(nothing, "alpha", 0.7, valid);
  assert.deepEqual(one, { columns: { alpha: [0.7] }, rows: null });
  const two = toggled(one, "alpha", null, valid);
  assert.deepEqual(two.columns.alpha, [null, 0.7]);
  assert.deepEqual(toggled(two, "alpha", 1, valid), nothing);
  assert.deepEqual(toggled(one, "alpha", 0.7, valid), nothing);
  assert.deepEqual([nothing, one, { columns: {}, rows: [1] }].map(isFiltered), [false, true, true]);
});

test("choosing the other axis' knob swaps both", () => {
  const options = { x: "alpha", y: "beta", metric: "mean_wait" };
  assert.deepEqual(chosen(options, "x", "beta"), { x: "beta", y: "alpha", metric: "mean_wait" });
  assert.deepEqual(chosen(options, "y", "tau"), { x: "alpha", y: "tau", metric: "mean_wait" });
});

test("an answer that a later question has overtaken is dropped", async () => {
  const latest = new Latest();
  const taken = [];
  let finish = (_) => {};
  const slow = latest.ask(() => new Promise((resolve) => (finish = resolve)), (answer) => taken.push(answer));
  await latest.ask(async () => "new", (answer) => taken.push(answer));
  finish("old");
  await slow;
  assert.deepEqual(taken, ["new"]);
  const unwanted = latest.ask(async () => "unwanted", (answer) => taken.push(answer));
  latest.drop();
  await unwanted;
  assert.deepEqual(taken, ["new"]);
});

test("the table is asked for again once its answer is there, however often runs come", async () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 160));
  /** @type {((answer: any) => void)[]} */
  const answers = [];
  const lab = newLab(/** @type {any} */ (null), { lab_table: () => new Promise((resolve) => answers.push(resolve)) }, "");
  lab.store.schedule = (draw) => void setTimeout(draw);
  feedTable(lab);
  lab.store.set({ sweep: "a", version: 1 });
  await pause();
  lab.store.set({ version: 2 });
  await pause();
  lab.store.set({ version: 3 });
  await pause();
  assert.equal(answers.length, 1);
  answers[0]({ columns: { number: [0] }, version: 1 });
  await pause();
  assert.equal(lab.store.state.table.version, 1);
  assert.equal(answers.length, 2);
  lab.store.set({ filters: { columns: { task: ["json"] }, rows: null } });
  await pause();
  assert.equal(answers.length, 3);
  answers[1]({ columns: { number: [0] }, version: 3 });
  answers[2](null);
  await pause();
  assert.equal(lab.store.state.table.version, 1);
  assert.equal(lab.store.state.error, "The server did not answer.");
});

// marks -------------------------------------------------------------------------------------------------------------

/** An axis of 10 pixels per unit, from 100. */
const axis = (text, along = 1, values = []) => ({
  title: { text },
  _offset: 100,
  _length: 200,
  d2l: (value) => (typeof value === "string" ? values.indexOf(value) : value),
  l2p: (place) => place * 10 * along,
});

function drawn(traces, layout = {}) {
  return {
    data: traces,
    _fullData: traces.map((trace) => ({ visible: true, xaxis: "x", yaxis: "y", ...trace })),
    _fullLayout: { xaxis: axis("forward passes"), yaxis: axis("exact match"), ...layout },
  };
}

const DOTS = {
  type: "scatter",
  mode: "markers",
  x: [1, 2, NaN],
  y: [1, 5, 2],
  customdata: [4, [6], [7]],
  text: ["credit &lt;b&gt;<br>9.30 passes", "", ""],
  marker: { color: "#111111", size: [8, 10, 8], symbol: "diamond" },
};

test("dots, lines and cells know their settings and places", () => {
  const lines = { type: "scatter", mode: "lines", x: [0, 1, null, 0, 1], y: [1, 2, null, 3, 4], line: { color: "#222222", width: 1 } };
  const band = { ...lines, customdata: undefined };
  const marks = marksOf(drawn([DOTS, { ...lines, customdata: [[1], [1], [], [2], [2]] }, band]));
  assert.deepEqual(
    marks.map(({ kind, rows, points }) => [kind, rows, points]),
    [
      ["dot", [4], [[110, 110]]],
      ["dot", [6], [[120, 150]]],
      ["line", [1], [[100, 110], [110, 120]]],
      ["line", [2], [[100, 130], [110, 140]]],
    ],
  );
  assert.deepEqual([marks[1].size, marks[1].symbol, marks[1].color], [10, "diamond", "#111111"]);
  assert.deepEqual(marks[0].lines, ["credit <b>", "9.30 passes"]);
  assert.deepEqual(marks[1].lines, []);
});

test("cells are boxes; a cell without runs is none, and names are plain text", () => {
  const heatmap = {
    type: "heatmap",
    x: ["0", "0.7"],
    y: ["a", "b"],
    z: [
      [9.123456, null],
      [7, 8],
    ],
    customdata: [
      [[1, 2], []],
      [[3], [4]],
    ],
    hovertext: [
      ["&lt;img onerror&gt; 0, beta a<br>9.12 &amp; more", ""],
      ["", ""],
    ],
  };
  const axes = { xaxis: axis("alpha", 1, heatmap.x), yaxis: axis("beta", 1, heatmap.y) };
  const [first, ...others] = marksOf(drawn([heatmap], axes));
  assert.equal(others.length, 2);
  assert.deepEqual(first.box, { left: 95, top: 95, right: 105, bottom: 105 });
  assert.deepEqual(first.lines, ["<img onerror> 0, beta a", "9.12 & more"]);
  assert.deepEqual(first.rows, [1, 2]);
});

test("the nearest mark under a pointer is found, lines also between their corners", () => {
  const marks = marksOf(drawn([DOTS]));
  assert.deepEqual(markAt(marks, [112, 112])?.rows, [4]);
  assert.equal(markAt(marks, [150, 150]), null);
  assert.deepEqual(markAt(marks, [143, 150], true)?.rows, [6]);
  const line = { ...marks[0], kind: "line", points: [[100, 100], [200, 200]] };
  assert.equal(markAt([line], [150, 156]), line);
  assert.equal(markAt([line], [150, 180]), null);
});

test("boxes, lassos and ranges along axes hold settings", () => {
  const marks = marksOf(drawn([DOTS]));
  assert.deepEqual(settingsOf(marks, touches(boxOf([125, 160], [100, 105]))), [4, 6]);
  assert.deepEqual(settingsOf(marks, touches(boxOf([100, 100], [115, 115]))), [4]);
  assert.deepEqual(settingsOf(marks, holds([[100, 100], [130, 100], [100, 130]])), [4]);
  const line = (rows, heights) => ({ ...marks[0], kind: "line", rows, points: heights.map((y, i) => [i * 50, y]) });
  const lines = [line([1], [10, 90]), line([2], [20, 20]), line([3], [80, 15])];
  assert.deepEqual(axesOf(lines), [0, 50]);
  assert.deepEqual(settingsOf(lines, passes(new Map([[0, [5, 25]]]))), [1, 2]);
  assert.deepEqual(settingsOf(lines, passes(new Map([[0, [5, 25]], [50, [10, 30]]]))), [2]);
});

// layouts -----------------------------------------------------------------------------------------------------------

test("panels stand side by side where they can be read, in rows that are equally full", () => {
  assert.deepEqual(rowsOf(4, 1000), { rows: 1, columns: 4 });
  assert.deepEqual(rowsOf(4, 800), { rows: 2, columns: 2 });
  assert.deepEqual(rowsOf(5, 800), { rows: 2, columns: 3 });
  assert.deepEqual(rowsOf(3, 330), { rows: 3, columns: 1 });
});

test("a layout fits its room; axes that no data use are left out", () => {
  const data = ["x4", "x", "x2"].map((xaxis) => ({ xaxis }));
  const axes = Object.fromEntries(["", "2", "3", "4"].flatMap((end) => [`xaxis${end}`, `yaxis${end}`]).map((name) => [name, {}]));
  const figure = { data, layout: { ...axes, yaxis: { title: { text: "passes" } }, margin: { l: 8 } } };
  const wide = fitted(figure, 1000).layout;
  assert.equal(wide.xaxis3.visible, false);
  assert.equal(wide.xaxis4.domain[1], 1);
  assert.deepEqual([wide.yaxis.title.text, wide.yaxis2.title.text], ["passes", ""]);
  const narrow = fitted(figure, 330);
  assert.deepEqual(narrow.layout.xaxis2.domain, [0, 1]);
  assert.ok(narrow.layout.yaxis.domain[0] > narrow.layout.yaxis2.domain[1]);
  assert.ok(narrow.height > 3 * 200);
});

test("a picture without a legend has no empty head", () => {
  const { layout, height } = fitted({ data: [{}], layout: { height: 400, margin: { t: 40 } } }, 1000);
  assert.deepEqual([height, layout.margin.t, layout.width], [372, 12, 1000]);
  const legend = fitted({ data: [{}], layout: { height: 400, margin: { t: 40 }, showlegend: true } }, 1000);
  assert.deepEqual([legend.height, legend.layout.margin.t], [400, 40]);
});

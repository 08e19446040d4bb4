import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ticks } from "../../credit_viz/web/static/axes.js";
import { Frame, magnified, moved, within } from "../../credit_viz/web/static/frame.js";
import { ALONE, NONE, colorsOf, darkInk, layerOf } from "../../credit_viz/web/static/layers.js";
import { cellLines, differenceLines, formatted, reading, signed } from "../../credit_viz/web/static/reading.js";
import { rgb } from "../../credit_viz/web/static/scales.js";
import { worded } from "../../credit_viz/web/static/text.js";
import { data, finishedRun, names } from "./fixture.js";

const style = JSON.parse(readFileSync(new URL("../../credit_viz/figures/style.json", import.meta.url), "utf-8"));
const { maps } = style;

/** All codes of a layer, step after step. @param {any} layer */
function codes(layer) {
  return Array.from({ length: layer.steps }, (_, k) => {
    const out = new Int16Array(layer.length);
    layer.column(k + 1, out);
    return Array.from(out);
  });
}

for (const name of names)
  test(`${name}: every map of one lane shows Python's bytes where something was recorded, and nothing elsewhere`, async () => {
    const run = await finishedRun(name);
    run.lanes.forEach((lane, i) => {
      const { top, planes } = data[name].expected[i];
      for (const map of Object.values(maps).filter((each) => each.plane)) {
        const layer = layerOf(run, map, [lane], "fused");
        if (!layer.known) {
          assert.ok(["credit", "boost"].includes(map.plane) && !lane.planes[map.plane]);
          continue;
        }
        let cell = 0;
        codes(layer).forEach((column, k) => {
          const [positions] = top[k];
          const expected = new Array(lane.length).fill(NONE);
          positions.forEach((position, m) => (expected[position] = planes[map.plane][cell + m]));
          assert.deepEqual(column, expected);
          column.forEach((code, position) => assert.equal(layer.code(position, k + 1), code));
          cell += positions.length;
        });
      }
    });
  });

test("flips add up to how often each guess changed", async () => {
  for (const name of names) {
    const run = await finishedRun(name);
    run.lanes.forEach((lane, i) => {
      const columns = codes(layerOf(run, maps.flips, [lane], ""));
      const sums = Array.from({ length: lane.length }, (_, p) => columns.reduce((sum, c) => sum + (c[p] === 1), 0));
      assert.deepEqual(sums, data[name].expected[i].flips);
    });
  }
});

test("the difference is the second lane minus the first, and says where only one was open", async () => {
  const run = await finishedRun("rewriting");
  const [one, other] = run.lanes;
  const layer = layerOf(run, maps.difference, [one, other], "fused");
  const back = layerOf(run, maps.difference, [other, one], "fused");
  const seen = { both: 0, alone: 0, none: 0 };
  codes(layer).forEach((column, k) =>
    column.forEach((code, position) => {
      const [a, b] = [one, other].map((lane) => lane.byteAt("fused", position, k + 1));
      assert.equal(layer.code(position, k + 1), code);
      if (a < 0 && b < 0) assert.equal(code, NONE);
      else if (a < 0 || b < 0) assert.equal(code, ALONE);
      else {
        assert.ok(Math.abs(layer.values[code] - (run.values.fused[b] - run.values.fused[a])) < 1e-12);
        assert.ok(Math.abs(layer.values[code] + back.values[back.code(position, k + 1)]) < 1e-12);
      }
      seen[code === NONE ? "none" : code === ALONE ? "alone" : "both"] += 1;
    }),
  );
  assert.ok(Math.min(...Object.values(seen)) > 0, JSON.stringify(seen));
});

test("a lane differs from itself nowhere, and that is the neutral colour", async () => {
  const run = await finishedRun();
  const layer = layerOf(run, maps.difference, [run.lanes[1], run.lanes[1]], "confidence");
  const shown = new Set(codes(layer).flat());
  assert.deepEqual([...shown].sort(), [NONE, 255].sort());
  assert.equal(layer.values[255], 0);
  const { colors } = style.scales.difference;
  const pixel = colorsOf(layer, maps.difference, style)[255];
  assert.deepEqual([pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255], rgb(colors[(colors.length - 1) / 2]));
});

test("a statistic that was not sent is unknown, not zero", async () => {
  const run = await finishedRun();
  assert.equal(layerOf(run, maps.credit, [run.lanes[0]], "").known, false);
  delete run.values.entropy;
  delete run.lanes[0].planes.entropy;
  const layer = layerOf(run, maps.entropy, [run.lanes[0]], "");
  assert.deepEqual([layer.known, new Set(codes(layer).flat()).size], [false, 1]);
});

test("ink is dark on bright cells and bright on dark ones", () => {
  assert.deepEqual([darkInk(0, maps.fused, style, false), darkInk(1, maps.fused, style, false)], [false, true]);
  assert.deepEqual([darkInk(0, maps.entropy, style, false), darkInk(6, maps.entropy, style, false)], [true, false]);
  assert.deepEqual([darkInk(1, maps.waiting, style, false), darkInk(1, maps.waiting, style, true)], [true, false]);
});

const FULL = /** @type {import("../../credit_viz/web/static/frame.js").Zoom} */ ([
  [0.5, 64.5],
  [-0.5, 31.5],
]);

test("a zoom stays inside, is not too deep, and is none where it is everything", () => {
  assert.equal(within(null, FULL), null);
  assert.equal(within(FULL, FULL), null);
  assert.equal(
    within(
      [
        [-100, 200],
        [-9, 99],
      ],
      FULL,
    ),
    null,
  );
  const [x, y] = within(
    [
      [60, 80],
      [4, 4.1],
    ],
    FULL,
  );
  assert.deepEqual(x, [44.5, 64.5]);
  assert.ok(y[0] < 4 && y[1] > 4.1 && y[1] - y[0] >= 5);
});

test("magnifying keeps its point in place, moving keeps its size", () => {
  const [x, y] = magnified(FULL, 2, [10, 0]);
  assert.deepEqual([x[1] - x[0], y[1] - y[0]], [32, 16]);
  assert.equal((10 - x[0]) / 32, (10 - 0.5) / 64);
  assert.deepEqual(moved([x, y], [3, -1]), [x.map((edge) => edge + 3), y.map((edge) => edge - 1)]);
  const back = magnified([x, y], 0.5, [10, 0]).flat();
  back.forEach((edge, i) => assert.ok(Math.abs(edge - FULL.flat()[i]) < 1e-9));
});

test("a frame finds the cell under a point again", () => {
  const frame = new Frame({ left: 46, top: 4, width: 640, height: 320 }, ...FULL);
  for (const [step, position] of [
    [1, 0],
    [64, 31],
    [17, 5],
  ])
    assert.deepEqual(frame.cell(frame.x(step), frame.y(position)), { step, position });
  assert.equal(frame.cell(45, 100), null);
  assert.deepEqual(frame.cells, [
    [1, 64],
    [0, 31],
  ]);
  const close = new Frame(frame.area, [9.7, 20.2], [2.4, 6.6]);
  assert.deepEqual(close.cells, [
    [10, 20],
    [2, 7],
  ]);
});

test("ticks are whole, few and even", () => {
  assert.deepEqual(ticks(1, 64.5, 6), [20, 40, 60]);
  assert.deepEqual(ticks(3.2, 8.9, 10), [4, 5, 6, 7, 8]);
  assert.deepEqual(ticks(0, 0.4, 5), [0]);
  for (const span of [1, 7, 63, 255, 1023, 4096]) {
    const found = ticks(1, span + 0.5, 8);
    assert.ok(found.length <= 9 && found.every(Number.isInteger), String(found));
  }
});

test("values read as people write them", () => {
  assert.deepEqual(
    [signed(0.1234), signed(-0.5), signed(0), signed(-0.0001)],
    ["+0.123", "−0.500", "0", "0"],
  );
  assert.deepEqual(
    ["confidence", "entropy", "boost", "credit"].map((name) => formatted(0.999, name, style)),
    [">0.99", "1.00 nats", "1.00 nats", "1.00"],
  );
  assert.deepEqual([worded(" the"), worded("  the"), worded(" "), worded("")], ["the", "␣␣the", "␣", "(empty)"]);
});

test("the note says what the cell holds, in all maps", async () => {
  const run = await finishedRun();
  const [vanilla, credit] = run.lanes;
  const position = credit.settled.findIndex((step, i) => credit.flips[i] > 1 && step > 1);
  const step = Array.from({ length: credit.steps }, (_, k) => k + 1).find((s) => credit.byteAt("flips", position, s) > 0);
  const lines = Object.fromEntries(
    Object.keys(maps)
      .filter((tab) => maps[tab].plane)
      .map((tab) => [tab, cellLines(run, credit, position, step, style, tab)]),
  );
  assert.equal(lines.fused[0], `token ${position}, step ${step}`);
  assert.match(lines.fused.at(-1), /^fused confidence (\d\.\d\d|>0\.99|<0\.01)$/);
  assert.match(lines.entropy.join("\n"), /entropy \d\.\d\d nats: like \d\.\d even guesses/);
  assert.match(lines.boost.join("\n"), /boost \d\.\d\d nats: odds ×\d\.\d\d/);
  assert.match(lines.flips.join("\n"), new RegExp(`was .+; ${credit.flips[position]} changes? in all`));
  assert.match(cellLines(run, vanilla, position, 1, style, "credit").join("\n"), /none in this lane/);
  assert.equal(cellLines(run, vanilla, position, vanilla.steps + 9, style, "fused").length, 2);
  const open = differenceLines(run, run.lanes, ["one", "other"], "fused", position, 1, style);
  assert.match(open[1], /^one: \d\.\d\d for /);
  const [a, b] = run.lanes.map((lane) => run.values.fused[lane.byteAt("fused", position, 1)]);
  assert.equal(open.at(-1), `difference ${signed(b - a)}`);
  const late = differenceLines(run, run.lanes, ["one", "other"], "fused", position, vanilla.steps + 1, style);
  assert.match(late[1], /^one: .+ was written$/);
  assert.equal(reading(run, credit, "fused", 10_000, 1, style), "");
});

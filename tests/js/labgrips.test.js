/** Grips along an axis: what they say of a height, and how far they go. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { moved, wordsAt } from "../../credit_viz/web/static/labgrips.js";
import { axesIn } from "../../credit_viz/web/static/labmarks.js";

const TICKS = [
  { at: 100, text: "0.99" },
  { at: 200, text: "0.9" },
  { at: 300, text: "0.5" },
];
const axis = { at: 40, name: "threshold", top: 90, bottom: 310, ticks: TICKS };

test("a height is said by the values around it", () => {
  const words = [90, 20, 310, 100, 203, 150, 250, 95, 306].map((y) => wordsAt(axis, y));
  const around = ["between 0.9 and 0.99", "between 0.5 and 0.9"];
  assert.deepEqual(words, ["no limit", "no limit", "no limit", "0.99", "0.9", ...around, "above 0.99", "below 0.5"]);
  assert.equal(wordsAt({ ...axis, ticks: [] }, 150), "");
});

test("an end goes as far as the axis and the other end; the whole axis is no range", () => {
  assert.deepEqual(moved(axis, [90, 310], 0, 150), [150, 310]);
  assert.deepEqual(moved(axis, [90, 310], 1, 150), [90, 150]);
  assert.deepEqual(moved(axis, [150, 200], 0, 500), [192, 200]);
  assert.deepEqual(moved(axis, [150, 200], 1, -5), [150, 158]);
  assert.deepEqual(moved(axis, [150, 310], 1, 900), [150, 310]);
  assert.equal(moved(axis, [150, 310], 0, -5), null);
});

test("axes are read from what is drawn, with their names and ticks", () => {
  const linear = (/** @type {number} */ offset, /** @type {number} */ length, /** @type {number} */ from, /** @type {number} */ to) => ({
    _offset: offset,
    _length: length,
    d2l: (/** @type {any} */ value) => value,
    l2p: (/** @type {number} */ value) => ((value - from) / (to - from)) * length,
  });
  const xaxis = { ...linear(10, 200, 0, 2), ticktext: ["threshold", "mean wait<br>(steps)"] };
  const annotations = [
    { x: 0, y: 0, text: "0.5" },
    { x: 0, y: 1, text: "a &lt; b" },
    { x: 1, y: 0.5, text: "7" },
  ];
  const drawn = /** @type {any} */ ({ _fullLayout: { xaxis, yaxis: linear(20, 112, 1.06, -0.06), annotations } });
  const [first, second, ...more] = axesIn(drawn);
  assert.deepEqual([first.at, first.name, second.at, second.name, more], [10, "threshold", 110, "mean wait (steps)", []]);
  assert.deepEqual(first.ticks.map(({ at, text }) => [Math.round(at), text]), [[126, "0.5"], [26, "a < b"]]);
  assert.deepEqual([first.top, first.bottom].map(Math.round), [23, 129]);
  assert.deepEqual(axesIn(/** @type {any} */ ({ _fullLayout: { xaxis: linear(0, 1, 0, 1), yaxis: linear(0, 1, 0, 1) } })), []);
});

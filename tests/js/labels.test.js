import assert from "node:assert/strict";
import { test } from "node:test";

import { rowsOf, spread } from "../../credit_viz/web/static/labels.js";

test("names that would cover each other move apart and stay in the room", () => {
  assert.deepEqual(spread([10, 50], 16, 100), [10, 50]);
  assert.deepEqual(spread([10, 12, 11], 16, 100), [10, 42, 26]);
  assert.deepEqual(spread([98, 99], 16, 100), [84, 100]);
  assert.deepEqual(spread([-5], 16, 100), [0]);
  assert.deepEqual(spread([], 16, 100), []);
});

test("names on a line take further rows where they would overlap", () => {
  const at = (/** @type {number[][]} */ ...spans) => rowsOf(spans.map(([from, to]) => ({ from, to })));
  assert.deepEqual(at([0, 10], [20, 30]), [0, 0]);
  assert.deepEqual(at([0, 10], [5, 15], [12, 20], [8, 9]), [0, 1, 0, 2]);
  assert.deepEqual(at(), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { alone, binned, effectiveThreshold, explain, indexAt } from "../../credit_viz/web/static/explain.js";

const moment = {
  step: 3,
  p: 0.8,
  credit: 2.4,
  boost: 0.7 * Math.log1p(2.4),
  fused: 0.904,
  threshold: 0.9,
  active: true,
  reason: 2,
};

test("the sum is spelled out with its numbers", () => {
  assert.equal(
    explain(moment),
    "p 0.800, credit 2.40 → odds ×2.36 → fused 0.904 ≥ 0.90: written: only Trace Credit lifts it over the threshold",
  );
});

test("what is not written says why", () => {
  const waiting = { ...moment, fused: 0.62, p: 0.41, reason: 0 };
  assert.match(explain(waiting), /fused 0\.620 < 0\.90: not yet$/);
  assert.match(explain({ ...waiting, active: false }), /its block is not being written/);
  assert.match(explain({ ...waiting, threshold: null, boost: 0 }), /other guesses were more confident/);
});

test("rivals' credit is mentioned where it matters", () => {
  assert.match(
    explain({ ...moment, fused: 0.85, reason: 3 }),
    /rivals' credit takes some back\) < 0\.90: written all the same/,
  );
});

test("a schedule compares with no threshold", () => {
  assert.doesNotMatch(explain({ ...moment, boost: 0, reason: 4 }), /[≥<]/);
});

test("the threshold falls as credit grows, and is where the fused probability meets tau", () => {
  assert.ok(Math.abs(effectiveThreshold(0.9, 0) - 0.9) < 1e-12);
  const boost = 0.7 * Math.log1p(5);
  const enough = effectiveThreshold(0.9, boost);
  assert.ok(enough < 0.9);
  assert.ok(Math.abs(alone(enough, boost) - 0.9) < 1e-12);
});

test("the last recorded step up to a step", () => {
  assert.deepEqual(
    [0, 2, 4, 9].map((step) => indexAt([2, 3, 5], step)),
    [-1, 0, 1, 2],
  );
});

test("waits fall into shared bins and none is lost", () => {
  const waits = [
    [0, 1, 2, 50],
    [3, 3],
  ];
  const { size, counts } = binned(waits, 10);
  assert.equal(size, 6);
  assert.deepEqual(
    counts.map((lane) => lane.reduce((a, b) => a + b, 0)),
    [4, 2],
  );
  assert.deepEqual(binned([[], []]).counts, [[0], [0]]);
});

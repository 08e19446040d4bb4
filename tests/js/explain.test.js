import assert from "node:assert/strict";
import { test } from "node:test";

import { readFileSync } from "node:fs";

import {
  alone,
  comparedWith,
  effectiveThreshold,
  indexAt,
  sumParts,
  verdict,
} from "../../credit_viz/web/static/explain.js";

const style = new URL("../../credit_viz/figures/style.json", import.meta.url);
const { reasons } = JSON.parse(readFileSync(style, "utf-8"));

const moment = {
  step: 3,
  p: 0.8,
  credit: 2.4,
  boost: 0.7 * Math.log1p(2.4),
  fused: 0.904,
  bar: 0.9,
  score: null,
  scoreName: "probability",
  active: true,
  standing: false,
  scheduled: false,
  reason: 2,
};

/** The sum and what followed, in one line. @param {object} changes */
function told(changes) {
  const parts = sumParts({ ...moment, ...changes });
  const line = parts.map(({ kind, text, of }, i) => `${i && kind !== "bar" ? "→ " : ""}${text}${of ? ` (${of})` : ""}`);
  return `${line.join(" ")}: ${verdict({ ...moment, ...changes }, reasons)}`;
}

test("the sum is spelled out with its numbers", () => {
  assert.equal(
    told({}),
    "p 0.800 → odds ×2.36 (credit 2.40) → fused 0.904 ≥ 0.90: written: only Trace Credit lifted it over the bar",
  );
});

test("what is not written says why", () => {
  const waiting = { fused: 0.62, p: 0.41, reason: 0 };
  assert.match(told(waiting), /fused 0\.620 < 0\.90: not yet$/);
  assert.match(told({ ...waiting, active: false }), /its block is not being written/);
  assert.match(told({ ...waiting, scheduled: true }), /other guesses came first/);
  assert.match(told({ ...waiting, bar: Infinity }), /: not yet: no probability is enough in this step$/);
  assert.match(told({ ...waiting, standing: true }), /: it stands$/);
});

test("rivals' credit is mentioned where it matters", () => {
  assert.match(
    told({ fused: 0.85, reason: 3 }),
    /fused 0\.850 \(rivals' credit takes some back\) < 0\.90: written all the same: nothing was sure enough/,
  );
});

test("nothing is compared where nothing was judged, or where a schedule set the bar itself", () => {
  assert.doesNotMatch(told({ boost: 0, bar: NaN, reason: 0 }), /[≥<]/);
  assert.doesNotMatch(told({ boost: 0, reason: 4, scheduled: true }), /[≥<]/);
});

test("a bar of its own per step is told exactly", () => {
  const plain = { boost: 0, fused: 0.8 };
  assert.match(told({ ...plain, bar: 0.6667 }), /p 0\.800 ≥ 0\.667:/);
  assert.match(told({ ...plain, bar: Math.fround(0.75) }), /p 0\.800 ≥ 0\.75:/);
});

test("another score than the probability is named and compared", () => {
  const margin = { boost: 0, p: 0.6, score: 0.31, scoreName: "margin", bar: 0.8, reason: 0 };
  assert.equal(told(margin), "p 0.600 → margin 0.310 < 0.80: not yet");
  assert.match(told({ ...margin, scoreName: "−entropy", score: -0.2, bar: -0.1 }), /−entropy −0\.200 < −0\.10/);
  assert.match(told({ ...margin, scoreName: "probability; or another" }), /→ score 0\.310 < 0\.80/);
});

test("a score that is the shown probability is not told twice", () => {
  assert.match(told({ boost: 0, score: 0.904, scoreName: "probability; or another" }), /^p 0\.800 ≥ 0\.90:/);
});

test("a token is taken back by its own score, not by the mask's probability", () => {
  const back = { boost: 0, p: 0.001, fused: 0.001, reason: 6, standing: true, back: true };
  assert.match(told({ ...back, score: 0.31, scoreName: "support" }), /^support 0\.310 < 0\.90: taken back: /);
  assert.match(told({ ...back, score: null }), /^p 0\.001 < 0\.90: taken back: /);
});

test("an edit says so", () => {
  assert.match(told({ boost: 0, fused: 0.97, p: 0.97, reason: 7, standing: true }), /≥ 0\.90: edited: another token/);
});

test("the threshold falls as credit grows, and is where the fused probability meets tau", () => {
  assert.ok(Math.abs(effectiveThreshold(0.9, 0) - 0.9) < 1e-12);
  const boost = 0.7 * Math.log1p(5);
  const enough = effectiveThreshold(0.9, boost);
  assert.ok(enough < 0.9);
  assert.ok(Math.abs(alone(enough, boost) - 0.9) < 1e-12);
  assert.deepEqual(
    [0, 1, 1.5].map((bar) => effectiveThreshold(bar, boost)),
    [0, 1, 1.5],
  );
});

test("the last recorded step up to a step", () => {
  assert.deepEqual(
    [0, 2, 4, 9].map((step) => indexAt([2, 3, 5], step)),
    [-1, 0, 1, 2],
  );
});

test("what was written says how it stands to the first lane", () => {
  assert.equal(comparedWith({ earlier: 6, token: -1 }, "Vanilla", ""), "6 steps before Vanilla");
  assert.equal(comparedWith({ earlier: -1, token: -1 }, "Vanilla", ""), "1 step after Vanilla");
  assert.equal(comparedWith({ earlier: 0, token: -1 }, "Vanilla", ""), "in the same step as Vanilla");
  assert.equal(
    comparedWith({ earlier: 2, token: 7 }, "Vanilla", "she"),
    "2 steps before Vanilla, which wrote she here",
  );
  assert.equal(comparedWith(null, "Vanilla", ""), "");
  assert.match(
    verdict(moment, reasons, "6 steps before Vanilla"),
    /^written 6 steps before Vanilla: only Trace Credit/,
  );
});

import assert from "node:assert/strict";
import test from "node:test";

import { saying, unsayable } from "../../credit_viz/web/static/samestate.js";

/** A lane of which token 1 stands at the position from step 3 on. */
const lane = {
  steps: 5,
  tokenAt: (/** @type {number} */ _position, /** @type {number} */ step) => (step >= 3 ? 1 : -1),
  idOf: (/** @type {number} */ token) => token,
};

const other = (/** @type {any} */ judgement, /** @type {any} */ more = {}) => ({
  decoder: "x",
  title: "X",
  settings: {},
  score_name: "probability",
  why: "",
  position: null,
  writes: [7],
  judgement: judgement && {
    position: 7,
    writes: true,
    token_id: 1,
    text: " she",
    raw_p: 0.81,
    fused: 0.93,
    score: 0.93,
    bar: 0.9,
    reason: 2,
    active: true,
    ...judgement,
  },
  ...more,
});

const said = (/** @type {any} */ judgement, /** @type {any} */ more) => {
  const { does, words } = saying(other(judgement, more), /** @type {any} */ (lane), 7, 2);
  return `${does}: ${words}`;
};

test("what a decoder would do is said with its numbers", () => {
  assert.equal(said({}), "write: write it: fused 0.93 ≥ 0.90");
  assert.equal(said({ fused: 0.81, score: 0.81, writes: false, reason: 0 }), "wait: wait: p 0.81 < 0.90");
  assert.equal(said({ token_id: 2 }), "other: write ␣she instead: fused 0.93 ≥ 0.90");
  assert.equal(said({ token_id: 2, writes: false, reason: 0, score: 0.5, fused: 0.5 }), "wait: wait with ␣she: fused 0.50 < 0.90");
});

test("numbers that nearly tie get the digits that tell them apart", () => {
  assert.equal(said({ fused: 0.90004, score: 0.90004 }), "write: write it: fused 0.90004 ≥ 0.90000");
  assert.equal(said({ fused: 0.9, score: 0.9 }), "write: write it: fused 0.90 ≥ 0.90");
});

test("each reason has its words", () => {
  const low = { raw_p: 0.5, fused: 0.5, score: 0.5 };
  assert.equal(said({ ...low, reason: 3 }), "write: write it: nothing is sure enough, this is the best (p 0.50 < 0.90)");
  assert.equal(said({ ...low, reason: 4 }), "write: write it: its turn: p 0.50");
  assert.equal(said({ ...low, reason: 4 }, { writes: [3, 7] }), "write: write it: its turn: p 0.50, one of 2");
  assert.equal(said({ ...low, reason: 8 }), "write: write it: the guesses have settled, all that is left goes at once");
  const margin = { score_name: "margin" };
  assert.equal(said({ ...low, score: 0.85, bar: 0.8, reason: 1 }, margin), "write: write it: margin 0.85 ≥ 0.80");
  const entropy = { score_name: "−summed entropy" };
  const lost = { ...low, score: -10.64, bar: -0.1, writes: false, reason: 0 };
  assert.equal(said(lost, entropy), "wait: wait: −summed entropy −10.64 < −0.10");
});

test("what is not to be decided is said too", () => {
  assert.equal(said(null), "wait: wait: its block is not being written yet");
  assert.equal(said({ active: false, writes: false, reason: 0 }), "wait: wait: its block is not being written yet");
  assert.equal(said({ bar: null, writes: false, reason: 0 }), "wait: wait: fused 0.93, no probability is enough yet");
  const standing = saying(other(null), /** @type {any} */ (lane), 7, 4);
  assert.deepEqual(standing, { does: "wait", words: "let it stand" });
  assert.equal(unsayable([]), "");
  assert.equal(
    unsayable([other(null, { why: "it asks more" }), other(null, { title: "Y", why: "too few", position: 3 })]),
    "Cannot be said from the record: X (it asks more); Y (too few, token 3).",
  );
});

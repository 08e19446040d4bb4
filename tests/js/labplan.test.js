/** A new sweep as it is typed and as the server takes it, and back. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { suggested } from "../../credit_viz/web/static/labarms.js";
import { armText, formOf, listOf, outlookWords, planOf, readArm } from "../../credit_viz/web/static/labplan.js";
import { QUICK, quickStarts } from "../../credit_viz/web/static/labquick.js";
import { grouped, inTime } from "../../credit_viz/web/static/labwords.js";

/** @type {import("../../credit_viz/web/static/labplan.js").PlanForm} */
const empty = {
  title: "",
  arms: [],
  tasks: [],
  count: "20",
  split: "held-out",
  prompts: "",
  file: null,
  gen_length: "64",
  block_length: "32",
  seeds: "0",
  early_stop: false,
  cache: ["none"],
};

for (const text of [
  "vanilla",
  "credit[paper]",
  "credit: alpha=0.7",
  "credit: alpha=0..2/5, threshold=0.8, 0.9, 0.95",
  "credit[no history]: alpha=unset, 0.7, temperature=0",
  "credit: alpha=0..2, beta=0..1, random 20 seed 1",
  "entropy-bound: order=confidence, entropy, gamma=0.1",
])
  test(`an arm is read as it was written: ${text}`, () => assert.equal(armText(readArm(text)), text));

test("an arm is a decoder, a preset and values per knob", () => {
  assert.deepEqual(readArm(" credit [paper] : alpha = 0..2/5,threshold=0.8,  0.9 , random 3"), {
    decoder: "credit",
    preset: "paper",
    knobs: [
      { name: "alpha", values: "0..2/5" },
      { name: "threshold", values: "0.8, 0.9" },
      { name: "random", values: "3" },
    ],
  });
});

test("a knob with nothing typed has its default", () => {
  assert.equal(armText({ decoder: "credit", preset: "", knobs: [{ name: "alpha", values: "  " }] }), "credit");
});

test("lists are numbers, and what is none is left for the server to name", () => {
  assert.deepEqual(listOf(" 32, 64,, 1e2 "), [32, 64, 100]);
  assert.deepEqual(listOf("32, many"), [32, "many"]);
  assert.deepEqual(listOf(""), []);
});

test("a plan becomes a form and the same plan again", () => {
  const plan = planOf({
    ...empty,
    arms: [readArm("vanilla"), readArm("credit: alpha=0..2/5")],
    tasks: ["story"],
    count: "7",
    prompts: "one\n\n  two ",
    file: { name: "mine.jsonl", text: '{"prompt": "x"}' },
    block_length: "16, 32",
    early_stop: true,
    cache: ["none", "dual"],
  });
  assert.deepEqual(plan.prompts, ["one", "two"]);
  assert.deepEqual(plan.tasks, { tasks: ["story"], count: 7, split: "held-out" });
  assert.deepEqual(planOf(formOf(plan, empty)), plan);
});

test("what a plan does not say is taken from the form before it", () => {
  const form = formOf({ arms: ["vanilla"] }, { ...empty, tasks: ["json"], seeds: "1, 2" });
  assert.deepEqual([form.arms.length, form.tasks, form.seeds], [1, ["json"], "1, 2"]);
  assert.deepEqual(formOf({ tasks: null }, form).tasks, []);
});

test("questions to start from keep the decoders that are there", () => {
  const decoders = { vanilla: {}, threshold: {} };
  const starts = quickStarts(decoders);
  assert.deepEqual(starts.map(({ title }) => title), ["Which decoder?", "Which block length?"]);
  for (const { arms } of starts) assert.ok(arms.every((arm) => readArm(arm).decoder in decoders));
  assert.equal(quickStarts(Object.fromEntries(QUICK.flatMap(({ arms }) => arms).map((arm) => [readArm(arm).decoder, {}]))).length, QUICK.length);
  assert.deepEqual(quickStarts({ vanilla: {} }), []);
});

test("what a knob begins with are values of its own", () => {
  const knob = /** @type {any} */ ({ choices: [], slider: [0, 2], integer: false });
  assert.equal(suggested(knob), "0..2/5");
  assert.equal(suggested({ ...knob, slider: [1, 8], integer: true }), "1, 5, 8");
  assert.equal(suggested({ ...knob, slider: [1, 2], integer: true }), "1, 2");
  assert.equal(suggested({ ...knob, choices: ["entropy", "margin"] }), "entropy, margin");
});

test("what a sweep comes to is one line", () => {
  const outlook = { runs: 26000, settings: 520, prompts: 50, seconds: 520 };
  assert.equal(outlookWords(outlook, grouped, inTime), "26,000 runs: 520 settings on 50 prompts, about 9 min");
  const one = { runs: 1, settings: 1, prompts: 1, seconds: null };
  assert.equal(outlookWords(one, grouped, inTime), "1 run: 1 setting on 1 prompt");
});

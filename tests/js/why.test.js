import assert from "node:assert/strict";
import { test } from "node:test";

import { REASON } from "../../credit_viz/web/static/lane.js";
import { controlOf, missingControls, story, subjects, writtenBy } from "../../credit_viz/web/static/why.js";

const { CONFIDENT, CREDIT, FORCED, SCHEDULED } = REASON;
const SET = { alpha: 0.7, beta: 0.8, gamma: 0.2, threshold: 0.9, temperature: 0 };
const WHY = [CREDIT, CREDIT, CONFIDENT, FORCED];

/** A finished lane of four tokens. */
const laneOf = (decoder, settings, steps, reasons = WHY, tokens = [1, 2, 3, 4], more = {}) => ({
  info: { decoder, settings },
  steps,
  complete: true,
  length: 4,
  given: new Map(),
  written: reasons.map((reason) => Number(reason > 0)),
  writeAt: (position) => ({ reason: reasons[position] }),
  tokenAt: (position) => tokens[position],
  isEnd: () => false,
  textEnd: 4,
  ...more,
});

const vanilla = () => laneOf("vanilla", { tokens_per_step: 1 }, 20, [SCHEDULED, SCHEDULED, SCHEDULED, SCHEDULED]);
const credit = (settings = {}, steps = 13, tokens = [1, 2, 3, 4]) =>
  laneOf("credit", { ...SET, ...settings }, steps, settings.alpha === 0 ? [1, 1, 3, 3] : WHY, tokens);
const runOf = (...lanes) => ({ lanes, baseline: lanes[0] });

/** What is said of the lane of a race of vanilla, credit, and these. */
const said = (...controls) => {
  const lane = credit();
  return story(runOf(vanilla(), lane, ...controls), lane, "Vanilla");
};

const START = "takes 13 passes, 7 fewer than Vanilla. Credit wrote 2 of 4 tokens before their own confidence was enough.";

test("tokens are counted by the reason of their last write; masks are not", () => {
  assert.deepEqual([...writtenBy(credit())], [[1, 1], [2, 2], [3, 1]]);
  assert.deepEqual([...writtenBy(laneOf("credit", SET, 3, [0, 2, 0, 0]))], [[2, 1]]);
});

test("without a control nobody knows whether it was memory", () => {
  assert.equal(said(), `${START} That is a lower bar or memory: the same without history tells.`);
});

test("the same without history says how much memory saved in this run", () => {
  const history = (steps) => credit({ beta: 0 }, steps);
  assert.equal(said(history(13)), `${START} The same without history takes 13 passes, too: nothing here came from memory.`);
  assert.equal(said(history(17)), `${START} The same without history takes 17 passes: memory saved 4 passes here.`);
  assert.equal(said(history(12)), `${START} The same without history takes 12 passes: memory cost 1 pass here.`);
});

test("the same without credit does not tell memory from a lower bar", () => {
  const plain = (steps) => credit({ alpha: 0 }, steps);
  const tells = "the same without history tells";
  assert.equal(
    said(plain(18)),
    `${START} The same without credit takes 18 passes: credit saved 5 passes here, by a lower bar or by memory: ${tells}.`,
  );
  assert.equal(said(plain(13)), `${START} The same without credit takes 13 passes, too: credit saved nothing here.`);
  assert.equal(said(plain(11)), `${START} The same without credit takes 11 passes: credit cost 2 passes here.`);
});

test("both controls share what was saved between a lower bar and memory", () => {
  assert.equal(
    said(credit({ alpha: 0 }, 20), credit({ beta: 0 }, 17)),
    `${START} The same takes 20 passes without credit and 17 without history: here a lower bar saved 3 passes, and memory saved 4 passes.`,
  );
  assert.match(said(credit({ alpha: 0 }, 13), credit({ beta: 0 }, 13)), /lower bar saved nothing, and memory saved nothing\.$/);
});

test("another text of a control is said", () => {
  assert.match(said(credit({ beta: 0 }, 15, [1, 2, 3, 9])), /here\. Not all of these texts are the same\.$/);
});

test("a lane that forgets has no memory to ask for", () => {
  const lane = credit({ beta: 0 });
  const run = runOf(vanilla(), lane);
  assert.match(story(run, lane, "Vanilla"), /It forgets after every step \(β 0\): that is a lower bar, and no memory\.$/);
  assert.deepEqual(missingControls(run, lane), ["alpha"]);
});

test("a lane is its own control never, and one changed by hand or of other knobs is none", () => {
  const lane = credit();
  const others = [
    credit(),
    credit({ beta: 0, threshold: 0.8 }),
    { ...credit({ beta: 0 }), info: { decoder: "credit", settings: { ...SET, beta: 0 }, interventions: [{ step: 1 }] } },
    laneOf("credit-margin", { ...SET, beta: 0 }, 9),
  ];
  for (const other of others) assert.equal(controlOf(runOf(lane, other), lane, "beta"), null);
  assert.deepEqual(missingControls(runOf(lane, ...others), lane), ["beta", "alpha"]);
  assert.deepEqual(subjects(runOf(credit({ beta: 0 }), credit({ beta: 0 }))).length, 2, "two that are alike");
});

test("without credit it does not matter how credit would be kept", () => {
  const lane = credit();
  const plain = credit({ alpha: 0, beta: 0.3, gamma: 1 });
  assert.equal(controlOf(runOf(lane, plain), lane, "alpha"), plain);
});

test("credit that follows the text is credit", () => {
  const lane = credit({ alpha: null, beta: null });
  assert.deepEqual(missingControls(runOf(lane), lane), ["beta", "alpha"]);
});

test("controls are spoken of with their lane, and the first lane only where it has credit", () => {
  const lanes = [vanilla(), credit(), credit({ beta: 0 }, 15), credit({ alpha: 0 }, 15)];
  assert.deepEqual(subjects(runOf(...lanes)), [lanes[1]]);
  assert.deepEqual(missingControls(runOf(...lanes), lanes[1]), []);
  const [first, second] = [credit(), laneOf("threshold", { threshold: 0.9 }, 15, [1, 1, 1, 3])];
  assert.deepEqual(subjects(runOf(first, second)), [first, second]);
  assert.equal(story(runOf(first, second), second, "Credit"), "takes 15 passes, 2 more than Credit. It wrote 3 of 4 tokens for their own confidence.");
  assert.match(story(runOf(first, second), first, "Credit"), /^takes 13 passes\. Credit wrote/);
});

test("a run that was stopped tells nothing", () => {
  const lane = { ...credit(), complete: false };
  assert.equal(story(runOf(vanilla(), lane), lane, "Vanilla"), "was stopped before its end, so its passes tell nothing.");
  const stopped = { ...credit({ beta: 0 }, 3), complete: false };
  assert.equal(said(stopped), `${START} That is a lower bar or memory: the same without history tells.`);
});

/** What the next run will use: lanes added, copied, removed, changed; nothing is changed in place. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  added,
  choiceFromRun,
  duplicated,
  freshLane,
  hasRoom,
  removed,
  untouched,
  withDecoder,
  withKnob,
  withSettings,
} from "../../credit_viz/web/static/choice.js";
import { finishedRun } from "./fixture.js";

const boot = {
  decoders: { vanilla: {}, credit: {}, threshold: {}, klass: {} },
  settings: { credit: { threshold: 0.99 } },
  limits: { lanes: 4 },
};
const vanilla = Object.freeze({ decoder: "vanilla", settings: Object.freeze({}) });
const changes = Object.freeze([{ step: 5, position: 12, token: 7 }]);
const byHand = Object.freeze({ decoder: "credit", settings: Object.freeze({ alpha: 0.5 }), interventions: changes });
const lanes = Object.freeze([vanilla, byHand]);

test("a lane is added with a decoder that none has, and the knobs that suit the model", () => {
  assert.deepEqual(added(boot, [vanilla]).at(-1), { decoder: "credit", settings: { threshold: 0.99 } });
  const decoders = added(boot, added(boot, lanes)).map(({ decoder }) => decoder);
  assert.deepEqual(decoders, ["vanilla", "credit", "threshold", "klass"]);
  const all = ["credit", "vanilla", "threshold", "klass"].map((decoder) => freshLane(boot, decoder));
  assert.equal(added({ ...boot, limits: { lanes: 5 } }, all).at(-1).decoder, "credit");
});

test("there is room for as many lanes as the server says", () => {
  const full = [...lanes, ...lanes];
  assert.deepEqual([hasRoom(boot, lanes), hasRoom(boot, full)], [true, false]);
  assert.equal(added(boot, full), full);
  assert.equal(duplicated(boot, full, 0), full);
});

test("a copy stands behind its lane, with all that was changed in it", () => {
  assert.deepEqual(duplicated(boot, lanes, 0), [vanilla, vanilla, byHand]);
  assert.deepEqual(duplicated(boot, lanes, 1)[2], byHand);
});

test("any lane goes but the last", () => {
  assert.deepEqual(removed(lanes, 0), [byHand]);
  assert.deepEqual(removed([byHand], 0), [byHand]);
});

test("what was changed by hand outlives a changed knob, not another decoder", () => {
  assert.equal(withKnob(lanes, 1, "alpha", 0.9)[1].interventions, changes);
  assert.equal(withSettings(lanes, 1, {})[1].interventions, changes);
  assert.deepEqual(withDecoder(boot, lanes, 1, "threshold")[1], { decoder: "threshold", settings: {} });
  assert.deepEqual(untouched(lanes, 1)[1], { decoder: "credit", settings: { alpha: 0.5 } });
});

test("a knob is set, left to the decoder, and given its default again", () => {
  assert.deepEqual(withKnob(lanes, 1, "beta", null)[1].settings, { alpha: 0.5, beta: null });
  assert.deepEqual(withKnob(lanes, 1, "alpha", undefined)[1].settings, {});
  assert.deepEqual(byHand.settings, { alpha: 0.5 });
});

test("a run says what makes it again", async () => {
  const run = await finishedRun();
  const made = choiceFromRun(run, { gen_length: 64, block_length: 32, seed: 3, unknown: 1 });
  assert.deepEqual(
    made.lanes.map(({ decoder }) => decoder),
    ["vanilla", "credit"],
  );
  assert.deepEqual(made.options, { gen_length: 24, block_length: 12, seed: run.lanes[0].info.seed, unknown: 1 });
});

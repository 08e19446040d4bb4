/** What a link says of the run on show, and which recording a link asks for. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { choiceOfRun, sharedOf } from "../../credit_viz/web/static/address.js";
import { Gallery, named } from "../../credit_viz/web/static/gallery.js";
import { Store } from "../../credit_viz/web/static/store.js";
import { finishedRun } from "./fixture.js";

const threshold = { name: "threshold", minimum: 0, maximum: 1, default: 0.9, choices: [], unset: "", integer: false };
const boot = {
  model: "embedded model, 2.4 M parameters",
  decoders: { vanilla: { title: "Vanilla", knobs: [] }, credit: { title: "Credit", knobs: [threshold] } },
  choice: { lanes: [{ decoder: "vanilla", settings: {} }], gen_length: 64, seed: 0 },
  caches: ["none"],
  limits: { lanes: 4, length: 4096 },
  style: { maps: { waiting: {}, fused: {} } },
  gallery: [
    {
      name: "hero",
      model: "embedded",
      prompt: "kite",
      choice: { gen_length: 64, seed: 0, lanes: [{ decoder: "credit", settings: { threshold: 0.9 } }] },
    },
  ],
};

/** @param {any} [changes] */
async function shown(changes = {}) {
  const run = await finishedRun();
  const first = run.telling;
  const state = { step: run.steps, selected: first?.position ?? null, lane: first?.lane ?? 1, tab: "waiting" };
  return /** @type {any} */ ({ boot, run, options: { gen_length: 64, seed: 0 }, ...state, ...changes });
}

test("what a finished run shows first need not be said", async () => {
  const state = await shown();
  const shared = sharedOf(state);
  assert.deepEqual(shared?.view, {});
  assert.equal(shared?.prompt, state.run.about.prompt);
  assert.equal(shared?.model, state.run.lanes[0].info.model);
});

test("step, token, lane in front and map are said where they differ", async () => {
  const { lane } = await shown();
  const view = async (/** @type {any} */ changes) => sharedOf(await shown(changes))?.view;
  assert.deepEqual(await view({ step: 0 }), { step: 0 });
  assert.deepEqual(await view({ selected: null }), { token: null });
  assert.deepEqual(await view({ selected: 1, tab: "fused" }), { token: 1, map: "fused" });
  assert.deepEqual(await view({ lane: 1 - lane }), { front: 2 - lane });
});

test("a run without a prompt in words has no link, nor has none at all", async () => {
  const state = await shown();
  state.run.about = { prompt: "" };
  assert.equal(sharedOf(state), null);
  assert.equal(sharedOf({ ...state, run: null }), null);
});

test("a run's choice is the one it was made with, else what its lanes say", async () => {
  const { run, options } = await shown();
  const lanes = choiceOfRun(run, options).lanes;
  assert.deepEqual(
    lanes.map(({ decoder }) => decoder),
    run.lanes.map((/** @type {any} */ lane) => lane.info.decoder),
  );
  assert.equal(choiceOfRun(run, options).gen_length, run.lanes[0].info.gen_length);
  run.about = { ...run.about, choice: { lanes: [{ decoder: "credit", settings: {} }], infill: true } };
  assert.equal(choiceOfRun(run, options), run.about.choice);
});

test("a recording is found by what it was asked for, whatever says the same", () => {
  const gallery = new Gallery(new Store(/** @type {any} */ ({ boot, run: null }), () => {}), /** @type {any} */ ({}), "");
  const asked = (/** @type {any} */ changes) => {
    const choice = { ...boot.choice, lanes: [{ decoder: "credit", settings: {} }] };
    return gallery.recordingOf(/** @type {any} */ ({ prompt: "kite", choice, model: "embedded", ...changes }))?.name;
  };
  assert.equal(asked({}), "hero");
  assert.equal(asked({ prompt: "boat" }), undefined);
  assert.equal(asked({ model: "other" }), undefined);
  assert.equal(asked({ choice: boot.choice }), undefined);
  assert.equal(gallery.shown, undefined);
});

test("models in running text", () => {
  assert.equal(named("embedded"), "the embedded model");
  assert.equal(named("GSAI-ML/LLaDA-8B"), "GSAI-ML/LLaDA-8B");
});

/** Keys, terms and what is said aloud: the lists are whole, and each entry does what it says. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { choice, result } from "../../credit_viz/web/static/announce.js";
import { COMMANDS } from "../../credit_viz/web/static/commands.js";
import { GLOSSARY, about } from "../../credit_viz/web/static/glossary.js";
import { grouped } from "../../credit_viz/web/static/help.js";
import { nameOf } from "../../credit_viz/web/static/keyboard.js";
import { nextLane, selectNext, showMap } from "../../credit_viz/web/static/selection.js";
import { Store } from "../../credit_viz/web/static/store.js";
import { finishedRun } from "./fixture.js";

const boot = {
  decoders: { vanilla: { title: "Vanilla", knobs: [] }, credit: { title: "CreditDecoding", knobs: [] } },
  style: { maps: { waiting: {}, confidence: {} } },
};

/** @param {any} state */
const storeOf = async (state = {}) => {
  const run = await finishedRun();
  return new Store(/** @type {any} */ ({ boot, run, step: 1, lane: 0, selected: null, tab: "waiting", ...state }), () => {});
};

/** @param {string} key */
const command = (key) => {
  const found = COMMANDS.find(({ keys }) => keys.includes(key));
  assert.ok(found, key);
  return found;
};

test("no key stands for two things, and every command has words and a group", () => {
  const keys = COMMANDS.flatMap((each) => each.keys);
  assert.equal(new Set(keys).size, keys.length);
  for (const { shown, words, group } of COMMANDS) assert.ok(shown && words && group);
});

test("keys are named with Shift only where it does not make the character", () => {
  const pressed = (key, shiftKey) => nameOf(/** @type {KeyboardEvent} */ ({ key, shiftKey }));
  assert.deepEqual([pressed("ArrowLeft", true), pressed("ArrowLeft", false), pressed("?", true)], ["Shift+ArrowLeft", "ArrowLeft", "?"]);
});

test("home and end go to both ends of the run, tens stay inside it", async () => {
  const store = await storeOf();
  command("End").run(store, "End");
  assert.equal(store.state.step, store.state.run?.steps);
  command("Shift+ArrowRight").run(store, "ArrowRight");
  assert.equal(store.state.step, store.state.run?.steps);
  command("Home").run(store, "Home");
  assert.equal(store.state.step, 0);
});

test("j and k walk over the tokens and stop at both ends; given tokens are passed over", async () => {
  const store = await storeOf();
  selectNext(store, 1);
  assert.equal(store.state.selected, 0);
  selectNext(store, -1);
  assert.equal(store.state.selected, 0);
  store.set({ selected: null });
  selectNext(store, -1);
  const lane = /** @type {any} */ (store.state.run).lanes[0];
  assert.equal(store.state.selected, lane.length - 1);
  lane.given.set(1, 0);
  store.set({ selected: 0 });
  selectNext(store, 1);
  assert.equal(store.state.selected, 2);
});

test("lanes come to the front in a circle; without a run nothing happens", async () => {
  const store = await storeOf();
  const count = /** @type {any} */ (store.state.run).lanes.length;
  for (let i = 0; i < count; i += 1) nextLane(store, 1);
  assert.equal(store.state.lane, 0);
  nextLane(store, -1);
  assert.equal(store.state.lane, count - 1);
  const bare = await storeOf({ run: null });
  for (const way of [1, -1]) {
    nextLane(bare, way);
    selectNext(bare, way);
  }
  assert.deepEqual([bare.state.lane, bare.state.selected], [0, null]);
});

test("a digit shows the map at its place, if there is one", async () => {
  const store = await storeOf();
  command("2").run(store, "2");
  assert.equal(store.state.tab, "confidence");
  showMap(store, 8);
  assert.equal(store.state.tab, "confidence");
});

test("groups keep the order of the list and lose nothing", () => {
  const groups = grouped(COMMANDS);
  assert.equal(groups[0][0], COMMANDS[0].group);
  assert.equal(groups.flatMap(([, commands]) => commands).length, COMMANDS.length);
});

test("every term is one sentence or more, with the field's word where it differs", () => {
  for (const [name, { word, field, words }] of Object.entries(GLOSSARY)) {
    assert.match(words, /^[A-Z0-9].*\.$/s, name);
    assert.notEqual(word, field);
  }
  assert.match(about("settled"), /from this step on \(converge step\)\.$/);
  assert.equal(about("flip"), GLOSSARY.flip.words);
});

test("a finished run is told in forward passes, a stopped one says so first", async () => {
  const { state } = await storeOf();
  const run = /** @type {any} */ (state.run);
  assert.match(result(state), new RegExp(`^Vanilla.* ${run.lanes[0].steps} forward passes.*\\.$`));
  run.state = "cancelled";
  assert.match(result(state), /^Stopped\. /);
});

test("a chosen token is told with its text and the step that wrote it", async () => {
  const { state } = await storeOf({ selected: 1 });
  const lane = /** @type {any} */ (state.run).lanes[0];
  assert.ok(choice(state).startsWith("Token 1, "));
  assert.match(choice(state), new RegExp(`written in step ${lane.written[1]}\\.`));
});

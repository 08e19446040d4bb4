/** When a changed knob is run, and that the last run has the latest values. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { isStale, rerunWhenChanged, wish } from "../../credit_viz/web/static/rerun.js";
import { Store } from "../../credit_viz/web/static/store.js";

/** A page at rest, with a clock of its own. @param {any} t @param {object} [patch] */
function page(t, patch = {}) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const lanes = [{ decoder: "credit", settings: {} }];
  const state = { boot: { quick: true }, run: {}, live: "idle", behind: false, atOnce: true, lanes, options: {}, wanted: 0 };
  const store = new Store(/** @type {any} */ ({ asked: "", ...state, ...patch }), (draw) => draw());
  const ran = [];
  rerunWhenChanged(store, () => {
    ran.push(store.state.lanes[0].settings.alpha);
    store.set({ asked: wish(store.state), behind: true });
  });
  const set = (/** @type {number} */ alpha) => store.set({ lanes: [{ decoder: "credit", settings: { alpha } }] });
  const wait = () => t.mock.timers.tick(1000);
  wait();
  return { store, ran, set, wait };
}

test("what nobody chose is not run", (t) => {
  const { store, ran } = page(t);
  assert.deepEqual(ran, []);
  assert.equal(isStale(store.state), false);
});

test("changes in a burst are one run, with the latest values", (t) => {
  const { ran, set, wait } = page(t);
  for (const alpha of [0.1, 0.2, 0.3]) set(alpha);
  wait();
  assert.deepEqual(ran, [0.3]);
});

test("while one is being made others wait, and only the latest is run", (t) => {
  const { store, ran, set, wait } = page(t);
  set(0.1);
  wait();
  set(0.2);
  wait();
  set(0.4);
  wait();
  assert.deepEqual(ran, [0.1]);
  store.set({ behind: false });
  wait();
  assert.deepEqual(ran, [0.1, 0.4]);
  store.set({ behind: false });
  wait();
  assert.deepEqual(ran, [0.1, 0.4]);
});

test("a value that came back needs no run", (t) => {
  const { store, ran, set, wait } = page(t);
  set(0.1);
  wait();
  store.set({ behind: false });
  set(0.2);
  set(0.1);
  wait();
  assert.deepEqual(ran, [0.1]);
});

for (const [words, patch] of [
  ["the model is large", { boot: { quick: false } }],
  ["that is wanted", { atOnce: false }],
]) {
  test(`changes wait where ${words}; new lanes do not`, (t) => {
    const { store, ran, set, wait } = page(t, /** @type {object} */ (patch));
    set(0.1);
    wait();
    assert.deepEqual(ran, []);
    assert.equal(isStale(store.state), true);
    store.set({ wanted: 1 });
    wait();
    assert.deepEqual(ran, [0.1]);
  });
}

test("lanes that are wanted during a run come after it", (t) => {
  const { store, ran, wait } = page(t, { live: "running" });
  store.set({ wanted: 1 });
  wait();
  assert.deepEqual(ran, []);
  store.set({ live: "idle" });
  wait();
  assert.equal(ran.length, 1);
});

test("a refused run is not tried again and again", (t) => {
  const { store, ran, set, wait } = page(t);
  set(9);
  wait();
  store.set({ behind: false, error: "alpha=9 is out of range" });
  wait();
  assert.deepEqual(ran, [9]);
});

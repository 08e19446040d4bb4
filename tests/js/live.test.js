/** The link to the server, without one: what happens when it is gone. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Live } from "../../credit_viz/web/static/live.js";
import { Store } from "../../credit_viz/web/static/store.js";

/** @param {any} state */
function linked(state) {
  const store = new Store(state, () => {});
  return { store, live: new Live(store, /** @type {any} */ ({})) };
}

const gone = () => Promise.reject(new Error("no connection"));

test("a dead server ends the run and keeps what has arrived", async () => {
  const run = { state: "running", steps: 7 };
  const { store, live } = linked({ live: "running", run, version: 1, error: "" });
  await live.guard(gone);
  assert.equal(store.state.live, "idle");
  assert.equal(store.state.run, run);
  assert.equal(run.state, "cancelled");
  assert.match(store.state.error, /no longer answers/);
});

test("a dead server ends a quick run, too: the next change starts another", async () => {
  const { store, live } = linked({ live: "idle", run: { state: "done" }, version: 1, error: "" });
  live.behind.expect("mine");
  store.set({ live: "asked" });
  await live.guard(gone);
  assert.deepEqual([store.state.live, store.state.behind], ["idle", false]);
  assert.match(store.state.error, /no longer answers/);
});

test("a slow server is left alone", async () => {
  const { store, live } = linked({ live: "running", run: { state: "running" }, version: 1, error: "" });
  await live.guard(() => Promise.resolve());
  assert.equal(store.state.live, "running");
  assert.equal(store.state.error, "");
});

test("what is put on show is not replaced by a run that was asked for before", async () => {
  const { store, live } = linked({ live: "idle", run: null, version: 1, step: 0, lane: 0, selected: 5, error: "" });
  live.behind.expect("mine");
  await live.show([]);
  assert.equal(store.state.behind, false);
  assert.ok(live.behind.owns(/** @type {any} */ ({ kind: "start", run: "late", seq: 0, about: { ticket: "mine" } })));
});

test("nothing is asked while nothing runs", async () => {
  const { store, live } = linked({ live: "idle", run: null, version: 1, error: "" });
  await live.guard(() => assert.fail("asked"));
  assert.equal(store.state.error, "");
});

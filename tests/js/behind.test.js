/** A run that is made behind the one on show: it comes whole or not at all, and takes little with it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Behind, inPlaceOf } from "../../credit_viz/web/static/behind.js";
import { Store } from "../../credit_viz/web/static/store.js";
import { finishedRun, openAll } from "./fixture.js";

/** @param {any} run on show @param {object} [patch] */
function page(run, patch = {}) {
  const state = { run, version: 1, step: run.steps, selected: null, lane: 1, live: "idle", behind: false, error: "" };
  const store = new Store(/** @type {any} */ ({ ...state, ...patch }), () => {});
  /** @type {any[]} */
  const asked = [];
  const behind = new Behind(store, {
    refetch: async (missing) => {
      asked.push(missing.next);
      for (const packet of (await packets()).slice(missing.next)) missing.apply(packet);
    },
    exact: async (_, position) => ({ position }),
  });
  return { store, behind, asked };
}

/** Packets of a run with a ticket. */
async function packets() {
  const opened = await openAll("rewriting");
  opened[0].header.about.ticket = "mine";
  return opened.map(({ header, arrays }) => ({ header: { ...header, run: "new" }, arrays }));
}

test("nothing changes before it is whole; then it takes the other's place", async () => {
  const shown = await finishedRun();
  const { store, behind } = page(shown, { selected: 5 });
  behind.expect("mine");
  assert.equal(store.state.behind, true);
  for (const packet of await packets()) {
    assert.equal(store.state.run, shown);
    assert.ok(behind.owns(packet.header));
    await behind.take(packet);
  }
  const { run, selected, exact, lane, behind: busy, live, step } = store.state;
  assert.equal(run.id, "new");
  assert.deepEqual([selected, exact, lane, busy, live], [5, { position: 5 }, 1, false, "idle"]);
  assert.equal(step, run.steps, "the end stays the end");
});

test("packets of other runs are none of its business", async () => {
  const { behind } = page(await finishedRun());
  const [start, steps] = await packets();
  assert.equal(behind.owns(start.header), false);
  behind.expect("other");
  assert.equal(behind.owns(start.header), false);
  assert.equal(behind.owns(steps.header), false);
  assert.equal(behind.owns({ kind: "end", run: "x", seq: 0, ticket: "other" }), true);
});

test("what comes of a run that nobody waits for any more is dropped", async () => {
  const shown = await finishedRun();
  const { store, behind } = page(shown);
  behind.expect("mine");
  behind.forget();
  assert.equal(store.state.behind, false);
  const [start] = await packets();
  assert.ok(behind.owns(start.header), "it is not shown as a run of its own either");
  await behind.take(start);
  assert.deepEqual([store.state.run, behind.run], [shown, null]);
  behind.expect("next");
  assert.equal(behind.owns({ kind: "end", run: "x", seq: 0, ticket: "next" }), true);
});

test("a refusal is said, and everything stays", async () => {
  const shown = await finishedRun();
  const { store, behind } = page(shown, { step: 3 });
  behind.expect("mine");
  const header = { kind: "end", run: "x", seq: 0, ticket: "mine", state: "refused", message: "alpha=9 is too much" };
  await behind.take({ header, arrays: {} });
  assert.deepEqual([store.state.error, store.state.run, store.state.step], ["alpha=9 is too much", shown, 3]);
  assert.equal(store.state.behind, false);
});

test("one that was cancelled or failed is never shown", async () => {
  const shown = await finishedRun();
  for (const [state, error] of [
    ["cancelled", ""],
    ["failed", "The run stopped: out of memory"],
  ]) {
    const { store, behind } = page(shown);
    behind.expect("mine");
    for (const packet of (await packets()).slice(0, -1)) await behind.take(packet);
    const last = (await packets()).at(-1);
    await behind.take({ ...last, header: { ...last.header, state, message: "out of memory" } });
    assert.deepEqual([store.state.run, store.state.error, store.state.behind], [shown, error, false]);
  }
});

test("what was lost on the way is asked for, at the latest when Gradio is done", async () => {
  const all = await packets();
  const late = page(await finishedRun());
  late.behind.expect("mine");
  await late.behind.take(all[0]);
  await late.behind.take(all[2]);
  assert.deepEqual(late.asked, [1]);
  assert.equal(late.store.state.run.id, "new");
  const lost = page(await finishedRun());
  lost.behind.expect("mine");
  await lost.behind.take(all[0]);
  await lost.behind.settle();
  assert.equal(lost.store.state.run.id, "new");
  const silent = page(await finishedRun());
  silent.behind.expect("mine");
  await silent.behind.settle();
  assert.match(silent.store.state.error, /busy or the connection was lost/);
});

test("a step that is not the end stays that step, and what is gone is let go", async () => {
  const [shown, next] = [await finishedRun(), await finishedRun("rewriting")];
  const state = /** @type {any} */ ({ run: shown, version: 1, step: 2, selected: 20, lane: 3 });
  const after = inPlaceOf(state, next, null);
  assert.deepEqual([after.step, after.selected, after.lane], [2, null, 1]);
  assert.equal(inPlaceOf({ ...state, step: shown.steps - 1 }, next, null).step, Math.min(shown.steps - 1, next.steps));
});

/** The lab's words, its state, and where the page begins. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { labIn, labLink } from "../../credit_viz/web/static/address.js";
import { sentences } from "../../credit_viz/web/static/labhead.js";
import { noteWords, sizeWords } from "../../credit_viz/web/static/lablist.js";
import { keepOwn, ownSweeps } from "../../credit_viz/web/static/labown.js";
import { canGoOn, progressWords } from "../../credit_viz/web/static/labprogress.js";
import { emptyLab, isUnderWay, showSweep } from "../../credit_viz/web/static/labstate.js";
import { grouped, inTime, onDay, percent } from "../../credit_viz/web/static/labwords.js";
import { firstPlace } from "../../credit_viz/web/static/places.js";
import { Store } from "../../credit_viz/web/static/store.js";

/** @param {any} changes @returns {any} */
const status = (changes) => ({
  state: "running",
  done: 312,
  total: 1480,
  failed: 0,
  seconds: 6,
  seconds_left: 7.2,
  ahead: 0,
  error: "",
  ...changes,
});

test("progress is said in runs, with the time that is left", () => {
  assert.equal(progressWords(status({})), "312 of 1,480 runs, 7 s left");
  assert.equal(progressWords(status({ seconds_left: null })), "312 of 1,480 runs");
  assert.equal(progressWords(status({ failed: 3 })), "312 of 1,480 runs, 3 failed, 7 s left");
  assert.equal(progressWords(status({ state: "queued", ahead: 2 })), "Waiting for 2 sweeps before it");
  assert.equal(progressWords(status({ state: "loading" })), "Loading the model");
});

test("what ended early says so; what is done says nothing unless runs failed", () => {
  assert.match(progressWords(status({ state: "elsewhere" })), /^312 of 1,480 runs\. Another program/);
  assert.match(progressWords(status({ state: "cancelled" })), /^Stopped after 312 of 1,480 runs\./);
  assert.match(progressWords(status({ state: "failed", error: "no memory is left" })), /no memory is left$/);
  assert.equal(progressWords(status({ state: "done", done: 1480 })), "");
  assert.match(progressWords(status({ state: "done", done: 1480, failed: 2 })), /^2 of 1,480 runs failed/);
});

test("what ended early goes on where its model is served, and where it is nobody else's", () => {
  const own = { lasting: false, can_race: true };
  const all = ["queued", "loading", "running", "elsewhere", "done", "cancelled", "failed"];
  assert.deepEqual(all.filter((state) => canGoOn({ state }, own)), ["cancelled", "failed"]);
  assert.equal(canGoOn({ state: "cancelled" }, { ...own, lasting: true }), false);
  assert.equal(canGoOn({ state: "cancelled" }, { ...own, can_race: false }), false);
});

test("only what is settled is not under way", () => {
  const all = ["queued", "loading", "running", "elsewhere", "done", "cancelled", "failed"];
  assert.deepEqual(all.filter((state) => isUnderWay({ state })), ["queued", "loading", "running", "elsewhere"]);
});

test("numbers and times are as exact as anybody needs them", () => {
  assert.deepEqual([7, 999, 1000, 26000, 1234567].map(grouped), ["7", "999", "1,000", "26,000", "1,234,567"]);
  assert.deepEqual([0.2, 7.4, 89, 100, 5399, 5400, 40000].map(inTime), ["a second", "7 s", "89 s", "2 min", "90 min", "1.5 h", "11 h"]);
});

test("a share is never rounded to all or nothing", () => {
  const shares = [0, 0.0001, 0.0005, 0.004, 0.01, 0.5, 0.874, 0.99, 0.996, 0.9994, 0.9996, 1];
  const said = ["0", "0.1", "0.1", "0.4", "1", "50", "87", "99", "99.6", "99.9", "99.9", "100"];
  assert.deepEqual(shares.map(percent), said);
});

test("a day is named, today by its time", () => {
  const now = new Date(2026, 10, 22, 18, 0);
  assert.equal(onDay(new Date(2026, 10, 22, 9, 5), now), "today, 09:05");
  assert.equal(onDay(new Date(2026, 10, 3), now), "3 November 2026");
  assert.equal(onDay(new Date("")), "");
});

test("a sweep of the list says its size and how it is doing", () => {
  const sweep = /** @type {any} */ ({ settings: 1520, prompts: 50, model: "embedded", made: "2020-05-06T10:00:00Z", state: "done" });
  assert.equal(sizeWords(sweep), "1,520 settings on 50 prompts");
  assert.equal(noteWords(sweep, null), "embedded · 6 May 2020");
  assert.equal(noteWords(sweep, status({ done: 74, total: 148 })), "running, 50 %");
  assert.equal(noteWords({ ...sweep, state: "elsewhere" }, null), "running elsewhere");
  assert.equal(noteWords(sweep, status({ state: "elsewhere", done: 74, total: 148 })), "running elsewhere, 50 %");
  assert.match(noteWords({ ...sweep, state: "cancelled" }, null), /^stopped early · embedded/);
});

test("the answer is the first sentence, whatever numbers are in it", () => {
  const [answer, ...rest] = sentences("Credit needs 9.4 passes [8.5, 10.4]. Measured on 50 prompts. Again.");
  assert.equal(answer, "Credit needs 9.4 passes [8.5, 10.4].");
  assert.equal(rest.length, 2);
  assert.deepEqual(sentences(""), [""]);
});

test("another sweep is shown whole, with nothing brushed", () => {
  const store = new Store(emptyLab(), () => {});
  const lab = /** @type {any} */ ({ store, race: new Store({ place: "race" }, () => {}) });
  store.set({ sweep: "a", brushed: [1], filters: { columns: { decoder: ["credit"] }, rows: [1] }, version: 7, asking: true });
  showSweep(lab, "a");
  assert.deepEqual([store.state.asking, store.state.brushed], [false, [1]]);
  showSweep(lab, "b");
  assert.deepEqual(
    [store.state.sweep, store.state.brushed, store.state.filters, store.state.version],
    ["b", null, { columns: {}, rows: null }, 0],
  );
});

test("a page begins where its address says, where it can", () => {
  const begins = (/** @type {any} */ can, /** @type {string} */ query) => firstPlace({ can }, query);
  assert.equal(begins({ race: true, lab: true }, "?at=lab&sweep=x"), "lab");
  assert.equal(begins({ race: true, lab: true }, "?prompt=x"), "race");
  assert.equal(begins({ race: true, lab: false }, "?at=lab"), "race");
  assert.equal(begins({ race: false, lab: true }, ""), "lab");
  assert.equal(begins({ race: true }, "?at=lab"), "race");
});

test("the lab's address names its sweep and what of it; a run's address may name one, too", () => {
  assert.deepEqual(labIn("?at=lab&sweep=5f"), { sweep: "5f", seen: "" });
  assert.deepEqual(labIn("?__theme=dark&at=lab&sweep=5f&rows=1-3"), { sweep: "5f", seen: "rows=1-3" });
  assert.deepEqual(labIn("?at=lab"), { sweep: null, seen: "" });
  assert.deepEqual(labIn("?prompt=x&sweep=5f&row=3"), { sweep: null, seen: "" });
  for (const said of [labIn("?at=lab&sweep=5f&rows=1-3"), labIn("?at=lab"), { sweep: "a/ö", seen: "tab=contour" }])
    assert.deepEqual(labIn(`?${labLink(said)}`), said);
});

test("a tab keeps its newest sweeps, as many as the server reads", (t) => {
  /** @type {Map<string, string>} */
  const kept = new Map();
  const storage = {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => kept.set(key, value),
  };
  Object.defineProperty(globalThis, "sessionStorage", { value: storage, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "sessionStorage"));
  const ids = Array.from({ length: 250 }, (_, i) => `sweep-${i}`);
  keepOwn(ids.slice(0, 3));
  assert.deepEqual(ownSweeps(), ids.slice(0, 3));
  keepOwn(ids);
  assert.deepEqual(ownSweeps(), ids.slice(50));
});

/** The way from the lab to a run: what a link says of it, what the sweep says, and whether a run is the one meant. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { goTo, leadsTo, look, promptName, verdictOf, verdictsOf } from "../../credit_viz/web/static/labwalk.js";
import { readLink, writeLink } from "../../credit_viz/web/static/link.js";
import { Store } from "../../credit_viz/web/static/store.js";
import { trailOf } from "../../credit_viz/web/static/trail.js";

const boot = {
  model: "embedded model, 2.4 M parameters",
  decoders: { vanilla: { title: "Vanilla", knobs: [] }, credit: { title: "Credit", knobs: [] } },
  choice: { lanes: [{ decoder: "vanilla", settings: {} }], gen_length: 64, seed: 0 },
  caches: ["none"],
  limits: { lanes: 4, length: 4096 },
  style: { maps: { waiting: {} } },
};
const CHOICE = { lanes: [{ decoder: "credit", settings: {} }], gen_length: 32, seed: 0 };
const RUNS = [
  { row: 3, prompt: "story-2", task: "story", seed: 0, text: "Tom has a boat.", passes: 9, exact_match: 0 },
  { row: 3, prompt: "story-1", task: "story", seed: 0, text: "Mia has a kite.", passes: 7, exact_match: 1 },
];

/** @param {any} [changes] @returns {import("../../credit_viz/web/static/trail.js").Trail} */
const trail = (changes = {}) => ({
  sweep: "abc",
  row: 3,
  rows: [3, 4],
  beside: null,
  filters: null,
  prompt: null,
  seed: null,
  text: null,
  found: null,
  ...changes,
});

/** @param {any} [answers] */
function serverWith(answers = {}) {
  /** @type {[string, any][]} */
  const asked = [];
  const chosen = { name: "credit", choice: CHOICE, passes: [32, 9] };
  /** @type {any} */
  const told = { lab_runs: { runs: RUNS }, lab_choice: chosen, ...answers };
  const ask = (/** @type {string} */ name) => async (/** @type {any} */ question) => {
    asked.push([name, question]);
    return told[name];
  };
  return { asked, lab_runs: ask("lab_runs"), lab_choice: ask("lab_choice") };
}

test("a link says which setting of which sweep its run is from", () => {
  const link = writeLink(boot, { prompt: "Mia", choice: CHOICE, model: "embedded", view: { sweep: "abc-1", row: 12 } });
  assert.match(link, /&sweep=abc-1&row=12&/);
  const read = readLink(boot, link);
  assert.deepEqual(read?.problems, []);
  assert.deepEqual(read && trailOf(read), trail({ sweep: "abc-1", row: 12, rows: [12], seed: 0, text: "Mia" }));
});

test("a link of a pair says which setting stands in the first lane", () => {
  const view = { sweep: "abc", row: 12, beside: 0 };
  const link = writeLink(boot, { prompt: "Mia", choice: CHOICE, model: "embedded", view });
  assert.match(link, /&row=12&beside=0&/);
  const read = readLink(boot, link);
  assert.deepEqual(read && trailOf(read), trail({ row: 12, rows: [12], beside: 0, seed: 0, text: "Mia" }));
  assert.match(readLink(boot, "prompt=Mia&sweep=abc&row=1&beside=b")?.problems[0] ?? "", /beside is “b”/);
});

test("runs of two settings meet on the prompts that both have, those first that differ most", async () => {
  const others = [
    { ...RUNS[0], row: 5, passes: 10, exact_match: 1 },
    { ...RUNS[1], row: 5, passes: 12 },
    { ...RUNS[1], row: 5, prompt: "story-3" },
  ];
  const server = serverWith({ lab_runs: { runs: [...RUNS, ...others] } });
  const found = await look(server, trail({ row: 3, rows: [3], beside: 5 }));
  assert.deepEqual(server.asked[0][1].rows, [5, 3]);
  assert.deepEqual(server.asked[1][1], { sweep: "abc", row: 3, prompt: "story-1", seed: 0, beside: 5 });
  assert.deepEqual(
    found.runs.map(({ row, prompt, beside }) => [row, prompt, beside?.row, beside?.passes]),
    [
      [3, "story-1", 5, 12],
      [3, "story-2", 5, 10],
    ],
  );
  assert.deepEqual(found.runs.map((run) => verdictsOf(run).words), ["both right", "right and wrong"]);
});

test("a link of half a trail, or of none, has none; what is no number is named", () => {
  const read = (/** @type {string} */ query) => readLink(boot, query);
  for (const query of ["prompt=Mia&sweep=abc", "prompt=Mia&row=2", "prompt=Mia", "lane=credit&sweep=abc&row=2"]) {
    const link = read(query);
    assert.equal(link && trailOf(link), null, query);
  }
  assert.match(read("prompt=Mia&sweep=abc&row=x")?.problems[0] ?? "", /row is “x”/);
  assert.match(read("prompt=Mia&sweep=a/b&row=1")?.problems[0] ?? "", /sweep is “a\/b”/);
});

test("the first run is the one worth a look; others are found by name or by text", async () => {
  const server = serverWith();
  const first = await look(server, trail());
  assert.deepEqual([first.at, first.name, first.passes, first.wish], [0, "credit", [32, 9], ""]);
  assert.deepEqual(server.asked, [
    ["lab_runs", { sweep: "abc", rows: [3], filters: { columns: {}, rows: null } }],
    ["lab_choice", { sweep: "abc", row: 3, prompt: "story-2", seed: 0, beside: null }],
  ]);
  assert.equal((await look(server, trail({ prompt: "story-1", seed: 0 }))).at, 1);
  assert.equal((await look(server, trail({ prompt: "story-1" }))).at, 1);
  assert.equal((await look(server, trail({ text: "Mia has a kite.", seed: 0 }))).at, 1);
  await assert.rejects(look(server, trail({ text: "unheard of" })), /no run on this prompt/);
});

test("what the server cannot answer is said", async () => {
  await assert.rejects(look(serverWith({ lab_runs: { error: "no such sweep" } }), trail()), /no such sweep/);
  await assert.rejects(look(serverWith({ lab_runs: { runs: [] } }), trail()), /no runs yet/);
  await assert.rejects(look(serverWith({ lab_choice: { error: "gone" } }), trail()), /gone/);
});

test("a walk that leads nowhere leaves everything as it was", async () => {
  const here = trail({ found: { runs: RUNS } });
  const store = new Store(/** @type {any} */ ({ boot, trail: here, place: "lab" }), () => {});
  const server = serverWith({ lab_choice: { error: "gone" } });
  await assert.rejects(goTo({ store, server }, trail({ row: 4 })), /gone/);
  assert.equal(store.state.trail, here);
  assert.equal(store.state.place, "lab");
});

test("a walk that another has overtaken changes nothing", async () => {
  const store = new Store(/** @type {any} */ ({ boot, trail: null, place: "lab" }), () => {});
  const walk = goTo({ store, server: serverWith() }, trail());
  const other = trail({ row: 9 });
  store.set({ trail: other });
  await walk;
  assert.equal(store.state.trail, other);
  assert.equal(store.state.place, "lab");
});

test("a run is the one meant when prompt, lanes and options are", () => {
  const found = /** @type {any} */ ({ runs: RUNS, at: 0, choice: CHOICE });
  const made = (/** @type {any} */ prompt, /** @type {any} */ changes = {}) =>
    leadsTo(boot, /** @type {any} */ ({ about: { prompt, choice: { ...CHOICE, ...changes } } }), found);
  assert.equal(made("Tom has a boat."), true);
  assert.equal(made("Mia has a kite."), false);
  assert.equal(made("Tom has a boat.", { gen_length: 64 }), false);
  assert.equal(made("Tom has a boat.", { lanes: [{ decoder: "vanilla", settings: {} }] }), false);
  const info = { decoder: "credit", settings: {}, gen_length: 32, seed: 0 };
  const opened = /** @type {any} */ ({ about: { prompt: "Tom has a boat." }, lanes: [{ info }] });
  assert.equal(leadsTo(boot, opened, found), true);
});

test("a run is named by its seed where there are several", () => {
  const runs = /** @type {any[]} */ ([{ prompt: "story-1", seed: 0 }, { prompt: "story-1", seed: 4 }]);
  assert.equal(promptName(runs, runs[1]), "story-1, seed 4");
  assert.equal(promptName(runs.slice(1), runs[1]), "story-1");
});

test("right and wrong in words", () => {
  const unjudged = { exact_match: null, token_agreement: null };
  const words = (/** @type {any} */ run) => Object.values(verdictOf({ ...unjudged, ...run }));
  assert.deepEqual(words({ exact_match: 1 }), ["yes", "right"]);
  assert.deepEqual(words({ exact_match: 0 }), ["no", "wrong"]);
  assert.deepEqual(words({ token_agreement: 0.874 }), ["unknown", "87 % as vanilla"]);
  assert.deepEqual(words({ token_agreement: 0.996 }), ["unknown", "99.6 % as vanilla"]);
  assert.deepEqual(words({}), ["unknown", "not judged"]);
  assert.deepEqual(words({ failed: "ValueError: x" }), ["no", "failed"]);
});

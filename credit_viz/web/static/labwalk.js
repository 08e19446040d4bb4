/**
 * Walks along the runs of a sweep: asks what the sweep says of one of them, puts its prompt, lanes and options into the
 * page's form, and starts it. Knows the page's store and the server; draws nothing.
 */

import { choiceOfRun } from "./address.js";
import { pressRun } from "./ask.js";
import { fillForm } from "./gallery.js";
import { answerOf } from "./labfeed.js";
import { noFilters } from "./labstate.js";
import { percent } from "./labwords.js";
import { runKey } from "./link.js";
import { wish } from "./rerun.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./trail.js").Trail} Trail */
/** @typedef {import("./link.js").Choice} Choice */
/**
 * One run of the sweep, as `lab_runs` lists it.
 * @typedef {{row: number, prompt: string, task: string | null, seed: number, text: string, passes: number | null,
 *   exact_match: number | null, token_agreement: number | null, failed: string | boolean | null,
 *   beside?: SweptRun}} SweptRun beside: the other setting's run on the same prompt, where two are compared
 */
/**
 * What the sweep says of the run on show.
 * @typedef {object} Found
 * @property {SweptRun[]} runs of this setting, in the order in which one wants to look
 * @property {number} at which of them
 * @property {string} name of the setting
 * @property {Choice} choice lanes and options
 * @property {(number | null)[]} passes of the lanes in the sweep, null where it has none
 * @property {string} note why the passes here may be others, "" where nothing is known
 * @property {string} wish what the form says, see rerun.js; "" until it is filled in
 * @property {import("./run.js").Run | null} before the run that was on show then
 */

/** @typedef {{store: Store, server: any}} Walker */

const TRIES = 40;
const PAUSE = 60; // milliseconds; Gradio reads its prompt box a moment after it changed

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

/**
 * What the sweep says of a trail's run.
 * @param {any} server @param {Trail} trail
 * @returns {Promise<Found>}
 * @throws {Error} with a sentence
 */
export async function look(server, trail) {
  const { sweep, row, beside, filters } = trail;
  const swept = await runsOf(server, sweep, beside === null ? [row] : [beside, row], filters);
  const runs = beside === null ? swept : paired(swept, beside, row);
  const at = placeOf(runs, trail);
  if (at < 0) throw new Error(trail.text === null ? "this setting has no runs yet" : "it has no run on this prompt");
  const { prompt, seed } = runs[at];
  const { name, choice, passes, note } = await answered(server, "lab_choice", { sweep, row, prompt, seed, beside });
  return { runs, at, name, choice, passes, note, wish: "", before: null };
}

/**
 * Runs of some settings, in the order in which one wants to look.
 * @param {any} server @param {string} sweep @param {number[]} rows @param {import("./labstate.js").Filters | null} filters
 * @returns {Promise<SweptRun[]>}
 */
export async function runsOf(server, sweep, rows, filters) {
  const asked = { sweep, rows, filters: filters ?? noFilters() };
  return (await answered(server, "lab_runs", asked)).runs;
}

/**
 * Runs of two settings on the same prompts, those first whose passes differ most, of equals whose answers do.
 * @param {SweptRun[]} runs of both @param {number} first @param {number} second settings
 * @returns {SweptRun[]} the second's, each with the first's beside it
 */
export function paired(runs, first, second) {
  const key = (/** @type {SweptRun} */ { prompt, seed }) => JSON.stringify([prompt, seed]);
  const others = new Map(runs.filter(({ row }) => row === first).map((run) => [key(run), run]));
  const apart = (/** @type {SweptRun} */ { beside, ...run }, /** @type {"passes" | "exact_match"} */ name) =>
    Math.abs((run[name] ?? 0) - (beside?.[name] ?? 0));
  const both = runs.filter((run) => run.row === second && others.has(key(run)));
  const order = (/** @type {SweptRun} */ a, /** @type {SweptRun} */ b) =>
    apart(b, "passes") - apart(a, "passes") || apart(b, "exact_match") - apart(a, "exact_match");
  return both.map((run) => ({ ...run, beside: others.get(key(run)) })).sort(order);
}

/** Which of the runs a trail leads to. @param {SweptRun[]} runs @param {Trail} trail @returns {number} -1 for none */
function placeOf(runs, { prompt, seed, text }) {
  if (text !== null) return runs.findIndex((run) => run.text === text && run.seed === seed);
  const at = runs.findIndex((run) => run.prompt === prompt && (seed === null || run.seed === seed));
  return Math.min(Math.max(0, at), runs.length - 1); // another setting may not have this run yet
}

/** @param {any} server @param {string} name @param {any} asked */
async function answered(server, name, asked) {
  const answer = await answerOf(/** @type {any} */ ({ server }), name, asked);
  if (answer?.error) throw new Error(answer.error);
  return answer;
}

/**
 * Go to a run: look it up, fill in the form, start it. Whoever goes elsewhere meanwhile is left alone.
 * @param {Walker} walker @param {Trail} trail
 * @throws {Error} with a sentence; then nothing has changed
 */
export async function goTo({ store, server }, trail) {
  const before = store.state.trail;
  store.set({ trail: { ...trail, found: before?.found ?? null } });
  const asked = store.state.trail;
  let found;
  try {
    found = await look(server, trail);
  } catch (error) {
    if (store.state.trail === asked) store.set({ trail: before });
    throw error;
  }
  if (store.state.trail !== asked) return;
  const known = arrived(trail, found);
  const arrives = store.state.place !== "race";
  store.set({ trail: known, place: "race", notice: null, error: "" });
  await drawn(); // the prompt box must be on show to find its height
  if (arrives) void showStrip();
  await start(store, known);
}

/** A trail of which everything is known. @param {Trail} trail @param {Found} found @returns {Trail} */
export function arrived(trail, found) {
  const { prompt, seed } = found.runs[found.at];
  return { ...trail, prompt, seed, text: null, found };
}

/** The name of a run's prompt, with its seed where there are several. @param {SweptRun[]} runs @param {SweptRun} run */
export const promptName = (runs, { prompt, seed }) =>
  runs.some((other) => other.seed !== seed) ? `${prompt}, seed ${seed}` : prompt;

/** Whoever comes from the lab begins at the strip, at the top of the page where there is room for both. */
async function showStrip() {
  window.scrollTo({ top: 0, behavior: "instant" });
  /** @type {HTMLElement | null} */
  let strip = null;
  for (let tries = 0; tries < TRIES && !strip; tries += 1) {
    await pause(50);
    strip = document.querySelector("#view .cv-trail:not([hidden])");
  }
  strip?.focus({ preventScroll: true });
  if (strip && strip.getBoundingClientRect().bottom > innerHeight) strip.scrollIntoView({ block: "start" });
}

/**
 * How a run came out in the sweep.
 * @param {SweptRun} run
 * @returns {{right: "yes" | "no" | "unknown", words: string}}
 */
export function verdictOf({ failed, exact_match: right, token_agreement: agreement }) {
  if (failed) return { right: "no", words: "failed" };
  if (right !== null) return right ? { right: "yes", words: "right" } : { right: "no", words: "wrong" };
  if (agreement === null) return { right: "unknown", words: "not judged" };
  return { right: "unknown", words: `${percent(agreement)} % as vanilla` };
}

/**
 * How a run came out, and the one beside it where there is one.
 * @param {SweptRun} run @returns {ReturnType<typeof verdictOf>}
 */
export function verdictsOf(run) {
  const own = verdictOf(run);
  if (!run.beside) return own;
  const other = verdictOf(run.beside);
  if (other.words === own.words) return { ...own, words: `both ${own.words}` };
  return { right: "unknown", words: `${other.words} and ${own.words}` };
}

/** Run what a trail leads to. @param {Store} store @param {Trail} trail of which everything is known */
async function start(store, trail) {
  const { runs, at, choice } = /** @type {Found} */ (trail.found);
  await stopped(store);
  if (store.state.trail !== trail) return;
  const before = store.state.run;
  fillForm(store, runs[at].text, { ...store.state.boot.choice, ...choice });
  Object.assign(/** @type {Found} */ (trail.found), { wish: wish(store.state), before });
  await pause(PAUSE);
  const waiting = () => store.state.trail === trail && store.state.live === "idle" && store.state.run === before;
  for (let tries = 0; tries < TRIES && waiting() && !store.state.error; tries += 1) {
    pressRun();
    await pause(100);
  }
}

/** Stop what runs; at once where nothing does. @param {Store} store */
async function stopped({ state }) {
  for (let tries = 0; tries < TRIES && state.live !== "idle"; tries += 1) {
    if (state.live !== "cancelling") document.getElementById("cancel")?.click();
    await pause(100);
  }
}

/**
 * Is a run the one that a trail leads to?
 * @param {any} boot @param {import("./run.js").Run} run @param {Found} found
 */
export function leadsTo(boot, run, { runs, at, choice }) {
  const key = (/** @type {string} */ prompt, /** @type {any} */ chosen) =>
    runKey(boot, { prompt, choice: { ...boot.choice, ...chosen }, model: "" });
  return key(run.about.prompt, choiceOfRun(run, boot.choice)) === key(runs[at].text, choice);
}

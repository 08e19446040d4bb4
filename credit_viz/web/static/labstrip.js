/**
 * The strip above a run that was opened from the lab: which setting, which prompt, right or wrong there, whether it
 * took as many passes as in the sweep, and the ways on and back. Knows the page's store; walking is labwalk.js's work.
 */

import { fill, h, refill } from "./dom.js";
import { RunsSheet } from "./labruns.js";
import { stepper } from "./labstepper.js";
import { arrived, goTo, leadsTo, look, promptName, verdictsOf } from "./labwalk.js";
import { wish } from "./rerun.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./trail.js").Trail} Trail */
/** @typedef {import("./labwalk.js").Found} Found */
/** @typedef {import("./run.js").Run} Run */

const ROUNDING = "Other devices or versions round differently: where two guesses tie, a run goes another way.";

/**
 * @param {Store} store @param {any} server @param {string} base folder of the page's files
 * @returns {Node}
 */
export function stripView(store, server, base) {
  const root = h("section", { class: "cv-trail", "aria-label": "From the lab", tabindex: "-1", hidden: true });
  const style = h("link", { rel: "stylesheet", href: `${base}labstrip.css` });
  let styled = false;
  const facts = h("p", { class: "cv-trail-facts", role: "status" });
  const draw = () => {
    const { trail } = store.state;
    root.hidden = !styled || !trail?.found;
    document.documentElement.classList.toggle("cv-trail-ahead", isAhead(store.state));
    if (!trail?.found) return;
    fillFacts(facts, store, trail.found);
    refill(root, title(trail.found), facts, waysOn(store, server, base, trail, trail.found), waysOut(store, trail));
  };
  style.addEventListener("load", () => {
    styled = true;
    draw();
  });
  store.view(["trail", "run", "live", "error"], draw);
  store.view(["trail"], ({ trail }) => void (trail && !trail.found && catchUp(store, server, trail)));
  store.view(["run", "lanes", "options"], () => leaveWhenElsewhere(store));
  return h("div", {}, style, root);
}

/** A link says of its sweep only where to look. @param {Store} store @param {any} server @param {Trail} trail */
async function catchUp(store, server, trail) {
  if (trail.text === null) return; // whoever goes there looks it up
  try {
    const found = await look(server, trail);
    found.wish = wish(store.state);
    if (store.state.trail === trail) store.set({ trail: arrived(trail, found) });
    leaveWhenElsewhere(store);
  } catch (error) {
    const words = `This run is from a sweep that is not to be had here: ${/** @type {Error} */ (error).message}.`;
    if (store.state.trail === trail) store.set({ trail: null, notice: { words } });
  }
}

/** The strip is gone as soon as something else is on show, or shall be. @param {Store} store */
function leaveWhenElsewhere(store) {
  const { boot, trail, run } = store.state;
  if (!trail?.found?.wish) return;
  const changed = trail.found.wish !== wish(store.state);
  const other = run !== null && run !== trail.found.before && !leadsTo(boot, run, trail.found);
  if (changed || other) store.set({ trail: null });
}

/** Is another run still on show than the one that is said? @param {import("./store.js").State} state */
const isAhead = ({ boot, trail, run, error }) =>
  Boolean(trail?.found && run && !error && !leadsTo(boot, run, trail.found));

// what it says --------------------------------------------------------------------------------------------------------

/** @param {Found} found */
function title({ name, runs, at }) {
  const from = h("span", { class: "cv-trail-from" }, "From the lab");
  return h("p", { class: "cv-trail-title" }, from, h("b", {}, name), " on ", h("b", {}, promptName(runs, runs[at])));
}

/** @param {Element} facts @param {Store} store @param {Found} found */
function fillFacts(facts, { state }, found) {
  const run = state.run && leadsTo(state.boot, state.run, found) ? state.run : null;
  const { right, words } = verdictsOf(found.runs[found.at]);
  const sentence = passesSentence(run, found);
  if (facts.textContent === `${words} there · ${sentence}`) return;
  fill(facts, h("span", { class: "cv-trail-verdict", data: { right } }, `${words} there`), " · ", sentence);
}

/**
 * Are the forward passes those of the sweep?
 * @param {Run | null} run the run on show, null while it is not the one that is meant @param {Found} found
 */
function passesSentence(run, { passes, note }) {
  const known = passes.map((_, i) => i).filter((i) => passes[i] !== null);
  const swept = known.map((i) => passes[i]).join(" and ");
  if (!run || run.state !== "done") return `${swept} passes in the sweep`;
  const here = known.map((i) => run.lanes[i]?.steps).join(" and ");
  if (here === swept) return `${here} passes, as in the sweep`;
  return `${here} passes here, ${swept} in the sweep. ${note || ROUNDING}`;
}

// where it leads ------------------------------------------------------------------------------------------------------

/** @param {Store} store @param {any} server @param {string} base @param {Trail} trail @param {Found} found */
function waysOn(store, server, base, trail, found) {
  const failed = (/** @type {Error} */ error) => store.set({ error: error.message });
  const walk = (/** @type {Partial<Trail>} */ to) => void goTo({ store, server }, { ...trail, ...to }).catch(failed);
  const { runs } = found;
  const { row, rows } = trail;
  const at = runs.findIndex(({ prompt, seed }) => prompt === trail.prompt && seed === trail.seed);
  const [listed, head] =
    trail.beside === null ? ["All runs of this setting"] : ["All prompts of these two", "Runs of two settings"];
  const open = () =>
    new RunsSheet(base, head).show({ name: found.name, runs, at, open: ({ prompt, seed }) => walk({ prompt, seed }) });
  return h(
    "div",
    { class: "cv-trail-on" },
    stepper("Prompt", at, runs.length, (to) => walk({ prompt: runs[to].prompt, seed: runs[to].seed })),
    rows.length > 1 &&
      stepper("Setting", rows.indexOf(row), rows.length, (to) => walk({ row: rows[to] }), "of this mark"),
    h("button", { class: "cv-link", type: "button", data: { key: "list" }, onclick: open }, listed),
  );
}

/** @param {Store} store @param {Trail} trail */
function waysOut(store, { sweep }) {
  const back = () => store.set(sweep === store.state.sweep ? { place: "lab" } : { place: "lab", sweep, seen: "" });
  const close = () => store.set({ trail: null });
  return h(
    "div",
    { class: "cv-trail-out" },
    h("button", { class: "cv-preset", type: "button", data: { key: "back" }, onclick: back }, "Back to the lab"),
    h("button", { class: "cv-notice-close", type: "button", "aria-label": "Close this strip", onclick: close }, "×"),
  );
}

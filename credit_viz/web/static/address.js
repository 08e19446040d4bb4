/**
 * The address bar follows what is on show, and a link is read from it. Knows the store and the browser's history; what
 * a link says is link.js's work.
 */

import { choiceFromRun } from "./choice.js";
import { modelId, readLink, writeLink } from "./link.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */

const PAUSE = 500; // milliseconds between two changes of the address
const LONGEST_QUERY = 4000; // servers and proxies refuse longer ones; what follows # is never sent to them
const FOREIGN = /^__/; // the platform's own names, e.g. Gradio's __theme
const LAB = /^\?(.*&)?at=lab(&|$)/;

/** What a link to the run on show says; null where no link can make it again. @param {State} state */
export function sharedOf({ boot, run, step, selected, lane, tab, options, trail }) {
  if (!run?.about.prompt) return null;
  return {
    prompt: run.about.prompt,
    choice: choiceOfRun(run, options),
    model: modelId(run.lanes[0].info.model),
    view: viewOf({ boot, run, step, selected, lane, tab, trail }),
  };
}

/**
 * What the run was asked for: as it was asked where that is known, else what its lanes say.
 * @param {import("./run.js").Run} run @param {Record<string, any>} options of the page
 * @returns {import("./link.js").Choice}
 */
export function choiceOfRun(run, options) {
  if (run.about.choice?.lanes) return run.about.choice;
  const made = choiceFromRun(run, options);
  return { ...made.options, lanes: made.lanes };
}

/**
 * Step, token, lane and map, where they are not what a finished run shows first; the sweep that the run is from.
 * @param {Pick<State, "boot" | "step" | "selected" | "lane" | "tab" | "trail"> & {run: import("./run.js").Run}} shown
 * @returns {import("./link.js").View}
 */
function viewOf({ boot, run, step, selected, lane, tab, trail }) {
  /** @type {import("./link.js").View} */
  const view = {};
  const first = run.telling;
  if (run.state !== "running" && step !== run.steps) view.step = step;
  if (selected !== (first?.position ?? null)) view.token = selected;
  if (lane !== (first?.lane ?? Math.min(1, run.lanes.length - 1))) view.front = lane + 1;
  if (tab !== Object.keys(boot.style.maps)[0]) view.map = tab;
  if (trail?.found?.wish) {
    [view.sweep, view.row] = [trail.sweep, trail.row];
    if (trail.beside !== null) view.beside = trail.beside;
  }
  return view;
}

/** The link to what is on show, "" where there can be none. @param {State} state */
export function linkOf(state) {
  const shared = sharedOf(state);
  return shared ? `${location.origin}${location.pathname}${suffix(writeLink(state.boot, shared))}` : "";
}

/** @param {string} link @param {string[]} [foreign] */
function suffix(link, foreign = []) {
  if (link.length <= LONGEST_QUERY) return `?${[...foreign, link].join("&")}`;
  return `${foreign.length ? `?${foreign.join("&")}` : ""}#${link}`;
}

/** The link to a run that this page was opened by, null where it was none. @param {any} boot */
export const linkHere = (boot) =>
  readLink(boot, location.hash) ?? (LAB.test(location.search) ? null : readLink(boot, location.search));

/** What the lab's address says. @param {Pick<State, "sweep" | "seen">} state */
export const labLink = ({ sweep, seen }) =>
  ["at=lab", sweep !== null && `sweep=${encodeURIComponent(sweep)}`, seen].filter(Boolean).join("&");

/**
 * The sweep that the lab's address names, and what of it; see lablink.js.
 * @param {string} query @returns {Pick<State, "sweep" | "seen">}
 */
export function labIn(query) {
  if (!LAB.test(query)) return { sweep: null, seen: "" };
  const others = query.slice(1).split("&").filter((pair) => !/^(at|sweep)=|^__/.test(pair));
  return { sweep: new URLSearchParams(query).get("sweep"), seen: others.join("&") };
}

/**
 * Keep the address in step with what is on show, from the first change on: a plain visit keeps its plain address. Race
 * and lab are entries of the browser's history: Back goes from one to the other.
 * @param {Store} store
 */
export function followAddress(store) {
  /** @type {string | null} what a plain visit showed first; null until it shows something */
  let first = linkHere(store.state.boot) ? "" : null;
  let waiting = false;
  const said = () => {
    const { state } = store;
    if (state.playing || state.live !== "idle") return ""; // changes once more when that is over
    const shared = sharedOf(state);
    return shared ? writeLink(state.boot, shared) : "";
  };
  const address = (place = store.state.place) => {
    const foreign = location.search.slice(1).split("&").filter((pair) => FOREIGN.test(pair));
    const link = place === "lab" ? labLink(store.state) : said();
    if (link && link !== first) return location.pathname + suffix(link, foreign);
    return location.pathname + (foreign.length ? `?${foreign.join("&")}` : "");
  };
  const write = () => {
    waiting = false;
    const link = said();
    if (store.state.place === "race" && (!link || link === first)) return;
    if (store.state.place === "race") first = "";
    if (address() !== location.pathname + location.search + location.hash)
      history.replaceState(history.state, "", address());
  };
  store.view(["run", "version", "step", "selected", "lane", "tab", "playing", "live", "trail", "sweep", "seen"], () => {
    if (!store.state.trail) first ??= said() || null;
    if (!waiting) setTimeout(write, PAUSE);
    waiting = true;
  });
  if (store.state.boot.can.lab) followPlace(store, address);
  // a link that was pasted over this page's own differs in its end only: the browser does not load the page again
  addEventListener("hashchange", () => history.state?.place || location.reload());
}

/**
 * An entry of the history for each visit of a place; Back and Forward go to theirs.
 * @param {Store} store @param {(place?: State["place"]) => string} address of what is on show
 */
function followPlace(store, address) {
  history.replaceState({ ...history.state, place: store.state.place }, "");
  let shown = store.state.place;
  store.view(["place"], ({ place }) => {
    if (place === shown) return;
    const left = shown;
    shown = place;
    const state = { ...history.state, place };
    // after Back the entry is there already, with the address of what was on show when it was left
    if (history.state?.place === place) return history.replaceState(state, "", address());
    if (left === "lab") history.replaceState(history.state, "", address(left)); // the latest may not be said yet
    history.pushState(state, "", address());
  });
  addEventListener("popstate", () => {
    const place = history.state?.place;
    if (!place) return; // not ours
    const { sweep, seen } = labIn(location.search);
    store.set(sweep === null ? { place } : { place, sweep, seen });
  });
}

/**
 * The lab's own state: which sweep is on show, what of it is kept, brushed and pointed at. Knows no view.
 *
 * A setting is known by its row in the unfiltered table of its sweep, everywhere.
 */

import { Latest } from "./lablatest.js";
import { Store } from "./store.js";

/**
 * @typedef {object} Filters what the server aggregates; empty: everything
 * @property {Record<string, (string | number | boolean | null)[]>} columns values that are kept, by column
 * @property {number[] | null} rows settings that are kept, null for all
 */

/**
 * @typedef {object} Sweep as `lab_sweeps` lists it
 * @property {string} id
 * @property {string} title
 * @property {string} model
 * @property {string} made when, ISO 8601
 * @property {string} state "done", "running", ...
 * @property {number} settings
 * @property {number} prompts
 * @property {number} runs that are there
 * @property {number} total runs that it is to have
 * @property {number} failed runs that failed
 * @property {boolean} lasting it is there for everybody, and stays
 * @property {boolean} can_race its runs can be made again here
 * @property {string} note
 */

/**
 * @typedef {object} Status as `lab_status` says
 * @property {"queued" | "loading" | "running" | "elsewhere" | "done" | "cancelled" | "failed"} state
 * @property {number} done runs
 * @property {number} total runs
 * @property {number} failed runs
 * @property {number | null} seconds since it began
 * @property {number} ahead sweeps that are computed before it
 * @property {number | null} seconds_left
 * @property {string} error "" when all is well
 */

/**
 * @typedef {object} LabState
 * @property {Sweep[] | null} sweeps null until they are known
 * @property {boolean} canStart may a new sweep be started here?
 * @property {any} form what a new sweep may be, as `lab_sweeps` says
 * @property {string | null} sweep id of the one on show
 * @property {Status | null} status of the sweep on show, null where nothing is known of it
 * @property {boolean} lost did the server leave the last question about its progress unanswered?
 * @property {any} table as `lab_table` says, of the filtered sweep; null while it is on its way
 * @property {number} version runs behind the table
 * @property {Filters} filters
 * @property {number[] | null} brushed settings that are brushed, null for none
 * @property {import("./labpair.js").Pair | null} pair settings that were chosen to be compared, null where none were
 * @property {Record<string, Record<string, string>>} options of each picture, by its name
 * @property {string[]} pictures that were brought to the front of their cards
 * @property {string | null} wished what a link asks to show, until it is known what of that there is; see lablink.js
 * @property {boolean} asking is the form of a new sweep open?
 * @property {string} error one sentence, "" when all is well
 * @property {string} note something to know about what is on show, "" for nothing
 */

const SETTLED = ["done", "cancelled", "failed"];

/** Is there more to come of it? @param {{state: string}} sweep or its status */
export const isUnderWay = ({ state }) => !SETTLED.includes(state);

/** @returns {Filters} that keep everything */
export const noFilters = () => ({ columns: {}, rows: null });

/** All of a sweep, with nothing chosen. */
const whole = () => ({ filters: noFilters(), brushed: null, pair: null, options: {}, pictures: [], note: "" });

/** What is known of a sweep and chosen for it when it is put on show. */
const fresh = () => ({
  ...whole(),
  wished: null,
  asking: false,
  status: null,
  lost: false,
  table: null,
  version: 0,
  error: "",
});

/** @returns {LabState} */
export const emptyLab = () => ({ sweeps: null, canStart: false, form: null, sweep: null, ...fresh() });

/**
 * The lab as its views know it. `race` is the page's own store.
 * @typedef {{store: Store<LabState>, race: Store, server: any, base: string, lists: Latest}} Lab
 */

/** @param {Store} race @param {any} server @param {string} base @returns {Lab} */
export function newLab(race, server, base) {
  return { store: new Store(emptyLab()), race, server, base, lists: new Latest() };
}

/**
 * Put a sweep on show: whole and with nothing brushed, or as a link says.
 * @param {Lab} lab @param {string} sweep @param {string} [wished]
 */
export function showSweep({ store, race }, sweep, wished = "") {
  if (race.state.place === "lab") window.scrollTo({ top: 0, behavior: "instant" });
  if (sweep === store.state.sweep) return store.set({ asking: false });
  store.set({ ...fresh(), wished: wished || null, sweep });
}

/** Show of the sweep on show what a link says. @param {Lab} lab @param {string} wished */
export const showAgain = ({ store }, wished) => store.set({ ...whole(), wished: wished || null });

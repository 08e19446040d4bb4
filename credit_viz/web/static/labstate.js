/**
 * The lab's own state: which sweep is on show, what of it is kept, brushed and pointed at. Knows no view.
 *
 * A setting is known by its row in the unfiltered table of its sweep, everywhere.
 */

import { Store } from "./store.js";

/**
 * @typedef {object} Filters what the server aggregates; empty: everything
 * @property {Record<string, (string | number | boolean | null)[]>} columns values that are kept, by column
 * @property {number[] | null} rows settings that are kept, null for all
 */

/**
 * @typedef {object} LabState
 * @property {any[]} sweeps as `lab_sweeps` lists them
 * @property {any} form what a new sweep may be, as `lab_sweeps` says
 * @property {string | null} sweep id of the one on show
 * @property {any} status as `lab_status` says, null when nothing runs
 * @property {any} table as `lab_table` says, of the filtered sweep; null while it is on its way
 * @property {number} version runs behind the table
 * @property {Filters} filters
 * @property {number[] | null} brushed settings that are brushed, null for none
 * @property {Record<string, Record<string, string>>} options of each picture, by its name
 * @property {boolean} asking is the form of a new sweep open?
 * @property {string} error one sentence, "" when all is well
 */

/** @returns {LabState} */
export function emptyLab() {
  return {
    sweeps: [],
    form: null,
    sweep: null,
    status: null,
    table: null,
    version: 0,
    filters: { columns: {}, rows: null },
    brushed: null,
    options: {},
    asking: false,
    error: "",
  };
}

/**
 * The lab as its views know it. `race` is the page's own store.
 * @typedef {{store: Store<LabState>, race: Store, server: any, base: string}} Lab
 */

/** @param {Store} race @param {any} server @param {string} base @returns {Lab} */
export function newLab(race, server, base) {
  return { store: new Store(emptyLab()), race, server, base };
}

/**
 * From a mark in the lab to what is behind it: the run in the race view with everything set, or, where this page cannot
 * make that run, the list of what the sweep has. Knows the lab's store; walking is labwalk.js's work.
 */

import { nameOf, placeOf } from "./labrows.js";
import { RunsSheet } from "./labruns.js";
import { stepper } from "./labstepper.js";
import { goTo, runsOf } from "./labwalk.js";

/** @typedef {import("./labstate.js").Lab} Lab */

/**
 * Open the run behind a mark.
 * @param {Lab} lab @param {number[]} rows settings that the mark stands for, by their rows in the sweep's table
 * @param {string | null} [prompt] its id, null for the first worth a look
 */
export async function openInRace(lab, rows, prompt = null) {
  const { sweep, filters } = lab.store.state;
  if (sweep === null || !rows.length) return;
  const why = hindrance(lab);
  try {
    if (why) await listRuns(lab, rows, 0, why, new RunsSheet(lab.base));
    else {
      const trail = { sweep, row: rows[0], rows, beside: null, filters, prompt, seed: null, text: null, found: null };
      await goTo({ store: lab.race, server: lab.server }, trail);
    }
  } catch (error) {
    lab.store.set({ error: `This run could not be opened: ${/** @type {Error} */ (error).message}.` });
  }
}

/**
 * Open the runs of two settings on one prompt, side by side.
 * @param {Lab} lab @param {import("./labpair.js").Pair} pair @param {string} prompt its id
 * @param {import("./labstate.js").Filters} filters prompts to walk through
 * @returns {Promise<string>} why they cannot share a race, "" where they do
 */
export async function openPair(lab, [beside, row], prompt, filters) {
  const { sweep } = lab.store.state;
  if (sweep === null) return "";
  const trail = { sweep, row, rows: [row], beside, filters, prompt, seed: null, text: null, found: null };
  try {
    await goTo({ store: lab.race, server: lab.server }, trail);
    return "";
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** Why this page cannot make the runs of the sweep, "" where it can. @param {Lab} lab */
export function hindrance({ store, race }) {
  const { sweeps, sweep } = store.state;
  const { boot } = race.state;
  const listed = sweeps?.find(({ id }) => id === sweep);
  if (!boot.can.run) return "This page has no model to make a run again. This is what the sweep has.";
  if (listed?.can_race) return "";
  const model = listed?.model ?? "another model";
  const words = `The sweep was made on ${model}; this page serves ${boot.model}, which would write something else.`;
  return `${words} This is what the sweep has.`;
}

/** @param {Lab} lab @param {number[]} rows @param {number} at @param {string} note @param {RunsSheet} list */
async function listRuns(lab, rows, at, note, list) {
  const { sweep, filters, table } = lab.store.state;
  const runs = await runsOf(lab.server, /** @type {string} */ (sweep), [rows[at]], filters);
  const go = (/** @type {number} */ to) => void listRuns(lab, rows, to, note, list);
  const settings = rows.length > 1 && stepper("Setting", at, rows.length, go, "of this mark");
  list.show({ name: table ? nameOf(table, placeOf(table, rows[at])) : "", note, runs, settings });
}

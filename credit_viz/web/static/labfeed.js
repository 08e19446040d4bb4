/**
 * Keeps the table of settings up to date: asked anew when another sweep is on show, when what is kept of it changes,
 * and when more runs are there. An answer that another question has overtaken is dropped. Knows no view.
 */

import { Latest } from "./lablatest.js";
import { shownBy } from "./lablink.js";
import { stillShown } from "./labrows.js";
import { noFilters } from "./labstate.js";

/** @typedef {import("./labstate.js").Lab} Lab */

const REST = 120; // milliseconds that filters rest before the server aggregates anew

/** The error of a question that nobody answered. */
export const SILENT = "The server did not answer.";

/**
 * A question to the server that never throws.
 * @param {Lab} lab @param {string} name @param {Record<string, any>} asked
 * @returns {Promise<any>} its answer, or {error: sentence}
 */
export async function answerOf(lab, name, asked) {
  const silent = { error: SILENT };
  try {
    return (await lab.server[name](asked)) ?? silent;
  } catch {
    return silent;
  }
}

/** Fill `table` of the lab's state from now on; the shell calls this once. @param {Lab} lab */
export function feedTable(lab) {
  const { store } = lab;
  const latest = new Latest();
  /** @type {string | null} */
  let shown = null;
  let resting = 0;
  let asking = ""; // the question that is on its way
  let again = false; // more runs have come since
  const ask = () => {
    const { sweep, wished } = store.state;
    if (sweep === null) return;
    const filters = wished === null ? store.state.filters : noFilters(); // what there is, before what is kept
    const about = JSON.stringify([sweep, filters, wished]);
    again = about === asking;
    if (again) return;
    asking = about;
    latest.ask(
      () => answerOf(lab, "lab_table", { sweep, filters }),
      (answer) => {
        asking = "";
        if (wished === store.state.wished)
          store.set(answer.error ? { error: answer.error } : { ...taken(answer, store.state), error: "" });
        if (again) ask();
      },
    );
  };
  store.view(["sweep", "filters", "version", "wished"], ({ sweep }) => {
    clearTimeout(resting);
    if (sweep === shown) {
      resting = setTimeout(ask, REST);
      return;
    }
    shown = sweep;
    ask();
  });
}

/**
 * What is brushed stays so where it is still on show; what a link asks for is shown as far as it is there.
 * @param {any} table @param {import("./labstate.js").LabState} state
 */
const taken = (table, { wished, brushed }) =>
  wished === null
    ? { table, brushed: brushed && stillShown(table, brushed) }
    : { table, wished: null, ...shownBy(wished, table) };

/**
 * Entries of the Share menu that take the run on show away as a file. Knows the store and the server's addresses.
 */

import { addressOf, ask, nameOf, save } from "./save.js";
import { shareItem } from "./share.js";

/** @typedef {import("./store.js").Store} Store */

const FILES = [
  ["traces.zip", "Trace files", "Everything that was recorded, exact. Opens here again, or in Python."],
  ["guesses.csv", "Table, CSV", "One row per guess: step, position, token and its numbers."],
  ["guesses.parquet", "Table, Parquet", "The same for pandas, Polars or DuckDB."],
  ["run.html", "Page that works offline", "This page with this run in one file, to send or to keep."],
];

/**
 * @param {Store} store @param {string} base
 * @returns {Node[]}
 */
export const downloadItems = (store, base) =>
  FILES.map(([file, words, help]) => shareItem(words, help, () => download(store, base, file)));

/** @param {Store} store @param {string} base @param {string} file @returns {Promise<string>} what happened */
async function download({ state: { run } }, base, file) {
  if (!run) return "There is no run to save yet.";
  try {
    const wanted = file === "traces.zip" && run.lanes.length === 1 ? "lane-1.safetensors" : file;
    const answer = await ask(addressOf(base, run.id, wanted));
    const name = nameOf(answer);
    save(await answer.blob(), name);
    return `Saved as ${name}.`;
  } catch (error) {
    return `Not saved: ${/** @type {Error} */ (error).message}.`;
  }
}

/**
 * The way from the lab to the run on show: which sweep, which setting, which prompt. Keeps a place above the run for
 * the strip that says so, and fetches the strip when there is something to say. Knows nothing of the lab itself.
 */

import { h } from "./dom.js";

/**
 * @typedef {object} Trail
 * @property {string} sweep id of the sweep
 * @property {number} row setting on show, by its row in the sweep's table
 * @property {number[]} rows settings that the mark in the lab stood for; `row` is one of them
 * @property {number | null} beside setting of the first lane, null for vanilla decoding
 * @property {import("./labstate.js").Filters | null} filters of the lab, null for none
 * @property {string | null} prompt its id in the sweep, null for the first worth a look
 * @property {number | null} seed of the run, null for the first
 * @property {string | null} text the prompt as a link says it, where nothing else is known
 * @property {import("./labwalk.js").Found | null} found what the sweep says of this run; null while it is asked for
 */

/**
 * The trail of a link.
 * @param {import("./link.js").Shared} link @returns {Trail | null} null where it says nothing of a sweep
 */
export function trailOf({ prompt, choice: { seed }, view: { sweep, row, beside } }) {
  if (sweep === undefined || row === undefined || prompt === null) return null;
  return { sweep, row, rows: [row], beside: beside ?? null, filters: null, prompt: null, seed, text: prompt, found: null };
}

/** Press the strip's button to another prompt, where it has one. @param {1 | -1} by */
export function stepPrompt(by) {
  /** @type {HTMLButtonElement | null} */ (document.querySelector(`#view .cv-trail [data-key="Prompt${by}"]`))?.click();
}

/**
 * The place of the strip, above the run.
 * @param {import("./store.js").Store} store @param {any} server @param {string} base
 * @returns {Node}
 */
export function trailView(store, server, base) {
  const place = h("div", { class: "cv-trail-place", hidden: true });
  let wanted = false;
  store.view(["trail"], async ({ trail }) => {
    place.hidden = !trail;
    if (!trail || wanted) return;
    wanted = true;
    const { stripView } = await import("./labstrip.js");
    place.append(stripView(store, server, base));
  });
  return place;
}

/**
 * The pictures of a sweep, linked: each is made by Python as for a report, drawn here by Plotly, and dimmed where its
 * settings are not brushed. Mounts filters, pictures and table of settings; the shell puts it below the answer.
 */

import { brushLine } from "./labbrush.js";
import { h } from "./dom.js";
import { contrastView } from "./labcontrast.js";
import { filtersView } from "./labfilters.js";
import { KINDS } from "./labkinds.js";
import { Picture } from "./labpicture.js";
import { settingsView } from "./labtable.js";

/** @typedef {import("./labstate.js").Lab} Lab */

/** Cards in order; one with several pictures has tabs. */
const CARDS = [["front"], ["heatmap"], ["importance", "contour"], ["slices"], ["parallel"]];

/** @param {Lab} lab @returns {Node} */
export function picturesView(lab) {
  const kinds = (/** @type {string[]} */ names) => Object.fromEntries(names.map((name) => [name, KINDS[name]]));
  const pictures = CARDS.map((names) => new Picture(lab, kinds(names)));
  const grid = h(
    "div",
    { class: "cv-pic-grid" },
    pictures.map(({ root }) => root),
  );
  const root = h("div", { class: "cv-pic-seen" }, filtersView(lab), brushLine(lab), grid, contrastView(lab), settingsView(lab));
  lab.store.view(["sweep"], ({ sweep }) => (root.hidden = sweep === null));
  return root;
}

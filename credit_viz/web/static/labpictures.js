/**
 * The pictures of a sweep, linked: each is made by Python as for a report, drawn here by Plotly, and dimmed where its
 * settings are not brushed. Mounts filters, pictures and table of settings; the shell puts it below the answer.
 */

import { brushLine } from "./labbrush.js";
import { h } from "./dom.js";
import { filtersView } from "./labfilters.js";
import { Picture } from "./labpicture.js";
import { settingsView } from "./labtable.js";

/** @typedef {import("./labstate.js").Lab} Lab */

/**
 * What each picture answers, and how it is read.
 * @type {Record<string, import("./labpicture.js").Kind>}
 */
const KINDS = {
  front: {
    title: "What do fewer passes cost in quality?",
    help: "One mark per setting. A line joins the settings of a decoder that no other of them beats; the band is the 95 % interval over prompts.",
    shapes: ["box", "lasso"],
  },
  heatmap: {
    title: "Where do two knobs work best together?",
    help: "Mean over all other knobs and all prompts.",
    shapes: ["box"],
  },
  slices: {
    title: "What does each knob do by itself?",
    help: "Mean at each value over all other knobs, with its 95 % interval over prompts.",
    shapes: ["box"],
  },
  parallel: {
    title: "Which settings go with which results?",
    help: "One line per setting. Drag along an axis to brush the lines that pass there; further axes narrow it down.",
    shapes: ["axes"],
  },
  importance: {
    tab: "Importance",
    title: "Which knobs matter?",
    help: "Share of the differences between settings that each knob explains (fANOVA, computed by Optuna).",
    shapes: [],
  },
  contour: {
    tab: "Landscape",
    title: "What does the landscape of two knobs look like?",
    help: "Optuna’s contour over the settings that were tried; dots are those settings.",
    shapes: ["box"],
  },
};

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
  const root = h("div", { class: "cv-pic-seen" }, filtersView(lab), brushLine(lab), grid, settingsView(lab));
  lab.store.view(["sweep"], ({ sweep }) => (root.hidden = sweep === null));
  return root;
}

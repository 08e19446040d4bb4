/**
 * The lab: sweeps at the left, the one on show or the form of a new one at the right. Loaded when it is first shown.
 * Puts its views together; the only module that knows them all.
 */

import { sentence } from "./ask.js";
import { h, say } from "./dom.js";
import { feedTable } from "./labfeed.js";
import { formView } from "./labform.js";
import { headView } from "./labhead.js";
import { listView } from "./lablist.js";
import { picturesView } from "./labpictures.js";
import { progressView, watchProgress } from "./labprogress.js";
import { isUnderWay, newLab } from "./labstate.js";
import { followSweeps } from "./labsweeps.js";

/** @typedef {import("./labstate.js").Lab} Lab */

const STYLES = [
  "lab.css",
  "labform.css",
  "labarms.css",
  "labpictures.css",
  "labgrips.css",
  "labtable.css",
  "labcontrast.css",
  "labpairs.css",
];

/**
 * @param {import("./store.js").Store} race the page's own store @param {import("./live.js").Live} _live
 * @param {any} server @param {string} base folder of the page's files
 * @returns {Promise<Node>} once it is dressed
 */
export async function mountLab(race, _live, server, base) {
  const styled = Promise.all(STYLES.map((sheet) => styles(`${base}${sheet}`)));
  const lab = newLab(race, server, base);
  const root = h(
    "div",
    { class: "cv-lab" },
    h("aside", { class: "cv-lab-side" }, listView(lab)),
    h("div", { class: "cv-lab-main" }, ...errorViews(lab), formView(lab), shownView(lab)),
  );
  feedTable(lab);
  watchProgress(lab);
  followSweeps(lab);
  expose(lab);
  await styled;
  return root;
}

/** The sweep on show; its pictures once there is something to see. @param {Lab} lab */
function shownView(lab) {
  const pictures = h("div", { class: "cv-lab-pictures" }, picturesView(lab));
  const root = h("article", { class: "cv-lab-shown", "aria-label": "Sweep" }, headView(lab, progressView(lab)), pictures);
  lab.store.view(["sweep", "asking"], ({ sweep, asking }) => (root.hidden = asking || sweep === null));
  lab.store.view(["table", "status", "error"], ({ table, status, error }) => {
    pictures.hidden = table === null && (error !== "" || (status !== null && isUnderWay(status)));
  });
  return root;
}

/** What went wrong, which it did not where a sweep has nothing to show yet; what else is to know. @param {Lab} lab */
function errorViews(lab) {
  const root = h("p", { class: "cv-alert", role: "alert", hidden: true });
  lab.store.view(["error", "status", "sweeps"], (state) => {
    const shown = state.status ?? state.sweeps?.find(({ id }) => id === state.sweep);
    const stoppedAtOnce = state.status?.state === "cancelled" && state.status.done === 0;
    root.hidden = !state.error || stoppedAtOnce || (shown !== undefined && isUnderWay(shown));
    say(root, root.hidden ? "" : sentence(state.error));
  });
  const note = h("p", { class: "cv-lab-note", role: "status" });
  lab.store.view(["note"], (state) => {
    note.hidden = !state.note;
    say(note, state.note);
  });
  return [root, note];
}

/** A style sheet that is there. @param {string} href */
function styles(href) {
  return new Promise((resolve, reject) => {
    const link = h("link", { rel: "stylesheet", href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => reject(new Error("its styles did not come")));
    document.head.append(link);
  });
}

/** What tests read. @param {Lab} lab */
function expose({ store }) {
  /** @type {any} */ (window).creditViz.lab = () => {
    const { sweeps, sweep, status, table, version, filters, brushed, pair, asking, error } = store.state;
    const [rows, counted] = [table?.rows ?? null, table?.version ?? null];
    return { sweeps, sweep, status, rows, counted, version, filters, brushed, pair, asking, error };
  };
}

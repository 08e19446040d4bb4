/**
 * Why do two settings differ? The answer in words, then what sets them apart, the measures, the reasons, the controls
 * that tell memory from a lower bar, and the prompts, each a click from the race. Asked when it comes into sight. Knows
 * the lab's state and the server.
 */

import { fill, h, say } from "./dom.js";
import { controlsTable } from "./labcontrols.js";
import { Latest, answerOf } from "./labfeed.js";
import { measuresTable, reasonsFigure } from "./labmeasures.js";
import { sentences } from "./labhead.js";
import { hindrance, openInRace, openPair } from "./labopen.js";
import { promptsFigure } from "./labpairs.js";
import { SIDES, pairOf } from "./labpair.js";
import { nameOf, placeOf } from "./labrows.js";
import { letter } from "./labsides.js";
import { noFilters } from "./labstate.js";
import { counted, inline } from "./text.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labstate.js").Filters} Filters */
/** @typedef {import("./labdiffer.js").Contrast} Contrast */

const NEAR = "300px"; // from being seen
const PROMPTS = "task"; // the filter that keeps prompts; all others keep settings, and these two are chosen

/** @param {Filters} filters @returns {Filters} those that keep prompts */
export const promptFilters = ({ columns }) =>
  columns[PROMPTS] ? { columns: { [PROMPTS]: columns[PROMPTS] }, rows: null } : noFilters();

/** @param {Lab} lab @returns {Node} */
export const contrastView = (lab) => new Panel(lab).root;

/** Bring the panel into sight. */
export function showContrast() {
  const title = /** @type {HTMLElement | null} */ (document.querySelector("#view .cv-con .cv-title"));
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  title?.closest(".cv-con")?.scrollIntoView({ block: "start", behavior: calm ? "instant" : "smooth" });
  title?.focus({ preventScroll: true });
}

class Panel {
  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.latest = new Latest();
    this.seen = false; // or nearly so
    this.asked = "";
    /** @type {Contrast | null} */
    this.answer = null;
    this.#build();
    const { store, race } = lab;
    store.view(["pair", "table", "filters"], () => this.#refresh());
    store.view(["sweeps", "sweep"], () => this.#draw());
    race.view(["dark"], () => this.#draw());
    new IntersectionObserver(
      (entries) => {
        this.seen = entries[entries.length - 1].isIntersecting;
        this.#refresh();
      },
      { rootMargin: NEAR },
    ).observe(this.root);
  }

  #build() {
    this.sides = h("div", { class: "cv-con-chosen" });
    this.lead = h("p", { class: "cv-con-lead" });
    this.rest = h("p", { class: "cv-con-rest" });
    this.body = h("div", { class: "cv-con-body" });
    this.refused = h("div", { class: "cv-con-refused", role: "status", hidden: true });
    const help =
      "Any two of this sweep, paired prompt by prompt. Press A or B beside a setting in the table below, brush exactly two, or Shift-click marks of a picture.";
    this.root = h(
      "section",
      { class: "cv-card cv-con", "aria-labelledby": "cv-con-title" },
      h("header", { class: "cv-pic-head" }, h("div", {}, h("h3", { class: "cv-title", id: "cv-con-title", tabindex: -1 }, "Why do two settings differ?"), h("p", { class: "cv-help" }, help))),
      this.sides,
      h("div", { class: "cv-con-said", role: "status" }, this.lead, this.rest),
      this.body,
    );
  }

  /** Ask about the two, unless that is done or they are not to be seen. */
  #refresh() {
    const { state } = this.lab.store;
    const pair = pairOf(state);
    this.root.hidden = pair === null || state.sweep === null;
    if (!pair || !state.table) return;
    this.#drawSides();
    if (!this.seen) return;
    const about = { sweep: state.sweep, rows: pair, filters: promptFilters(state.filters) };
    const key = JSON.stringify([about, state.table.version]);
    if (key === this.asked) return;
    this.asked = key;
    this.root.setAttribute("aria-busy", "true");
    this.latest.ask(
      () => answerOf(this.lab, "lab_contrast", about),
      (answer) => {
        this.root.removeAttribute("aria-busy");
        this.answer = answer.error ? null : answer;
        const [lead, ...rest] = sentences(answer.error ?? answer.sentence);
        say(this.lead, lead);
        say(this.rest, rest.join(" "));
        this.#drawSides();
        this.#draw();
      },
    );
  }

  /** Which two, and what turns them round. */
  #drawSides() {
    const { store } = this.lab;
    const { table } = store.state;
    const pair = pairOf(store.state);
    if (!pair || !table) return;
    const name = (/** @type {0 | 1} */ side) => {
      const place = placeOf(table, pair[side]);
      return place >= 0 ? nameOf(table, place) : `setting ${pair[side]}`;
    };
    const chosen = (/** @type {0 | 1} */ side) =>
      h("p", { data: { lane: String(side) } }, letter(side), h("span", {}, name(side)));
    const swap = () => store.set({ pair: [pair[1], pair[0]] });
    const label = "Swap A and B";
    fill(
      this.sides,
      chosen(0),
      h("button", { type: "button", class: "cv-con-swap", "aria-label": label, title: label, onclick: swap }, "⇄"),
      chosen(1),
    );
  }

  #draw() {
    const { answer, lab } = this;
    this.root.dataset.drawn = answer ? JSON.stringify(pairOf(lab.store.state)) : "";
    if (!answer) return fill(this.body);
    const { boot } = lab.race.state;
    const why = hindrance(lab);
    const prompts = counted(answer.prompts, "prompt");
    const left = answer.left_out ? ` ${counted(answer.left_out, "more has", "more have")} a run missing or failed.` : "";
    fill(this.refused);
    this.refused.hidden = true;
    fill(
      this.body,
      part("What was measured", `Means over ${prompts}; brackets are 95 % intervals of the difference.${left}`, measuresTable(answer), "wide"),
      answer.reasons.length > 0 &&
        part("Why were tokens written?", "Tokens per prompt by the reason of their last write.", reasonsFigure(answer, boot.style)),
      answer.controls.length > 0 &&
        part("Memory, or only a lower bar?", "The same with one thing taken away, and the rule alone at about as few passes.", controlsTable(lab, answer), "full"),
      answer.pairs.length > 0 &&
        part("Which prompts make the difference?", why, [this.refused, promptsFigure(answer, why ? null : (prompt) => this.#open(prompt))], "full"),
    );
  }

  /** Both in the race, or why not, and each beside vanilla. @param {string} prompt */
  async #open(prompt) {
    const { lab } = this;
    const { state } = lab.store;
    const pair = pairOf(state);
    if (!pair) return;
    const why = await openPair(lab, pair, prompt, promptFilters(state.filters));
    this.refused.hidden = !why;
    if (!why) return;
    const ways = pair.map((number, side) =>
      h("button", { type: "button", class: "cv-pic-act", onclick: () => openInRace(lab, [number], prompt) }, `${SIDES[side]} beside vanilla`),
    );
    fill(this.refused, h("p", {}, `${why[0].toUpperCase()}${why.slice(1)}. Each can be seen on ${inline(prompt)} by itself:`), h("div", { class: "cv-pic-acts" }, ways));
    this.refused.scrollIntoView({ block: "nearest" });
  }
}

/** @param {string} title @param {string} help @param {any} content @param {string} [size] */
const part = (title, help, content, size = "") =>
  h("section", { class: `cv-con-part ${size}` }, h("h4", { class: "cv-sub" }, title), help && h("p", { class: "cv-help" }, help), content);

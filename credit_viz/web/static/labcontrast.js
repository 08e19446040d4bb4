/**
 * Why do two settings differ? The answer in words, then what sets them apart, the measures, the reasons, the controls
 * that tell memory from a lower bar, and the prompts, each a click from the race. Asked when it comes into sight. Knows
 * the lab's state and the server.
 */

import { sentence } from "./ask.js";
import { fill, h, refill, say } from "./dom.js";
import { controlsTable } from "./labcontrols.js";
import { answerOf } from "./labfeed.js";
import { Latest } from "./lablatest.js";
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
/** @typedef {import("./labrows.js").Table} Table */

const NEAR = "900px"; // from being seen: what is below shall not move under the pointer
const PROMPTS = "task"; // the filter that keeps prompts; all others keep settings, and these two are chosen

const HELP =
  "Any two of this sweep, paired prompt by prompt. Press A or B beside a setting in the table below, brush exactly two, or Shift-click marks of a picture.";
const REASONS = "Tokens per prompt, by the reason of their last write.";
const CONTROLS = "The same with one thing taken away, and the rule alone at about as few passes.";

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
    /** @type {{sweep: string, pair: import("./labpair.js").Pair, answer: any} | null} */
    this.shown = null;
    this.#build();
    const { store, race } = lab;
    store.view(["pair", "table", "filters", "sweep"], () => this.#refresh());
    store.view(["sweeps"], () => this.#draw()); // may its runs be made again?
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
    const title = h("h3", { class: "cv-title", id: "cv-con-title", tabindex: -1 }, "Why do two settings differ?");
    this.sides = h("div", { class: "cv-con-chosen" });
    this.lead = h("p", { class: "cv-con-lead" });
    this.rest = h("p", { class: "cv-con-rest" });
    this.body = h("div", { class: "cv-con-body" });
    this.refused = h("div", { class: "cv-con-refused", role: "status", hidden: true });
    this.root = h(
      "section",
      { class: "cv-card cv-con", "aria-labelledby": title.id },
      h("header", { class: "cv-pic-head" }, h("div", {}, title, h("p", { class: "cv-help" }, HELP))),
      this.sides,
      h("div", { class: "cv-con-said", role: "status" }, this.lead, this.rest),
      this.body,
    );
  }

  /** Ask about the two, unless that is done or they are not to be seen. */
  #refresh() {
    const { sweep, table, filters, ...state } = this.lab.store.state;
    const pair = pairOf({ ...state, table });
    this.root.hidden = pair === null || sweep === null;
    if (this.shown && this.shown.sweep !== sweep) {
      this.shown = null;
      this.asked = "";
      this.#draw();
    }
    if (!pair || !table || sweep === null) return;
    this.#drawSides(table, pair);
    if (!this.seen) return;
    const about = { sweep, rows: pair, filters: promptFilters(filters) };
    const key = JSON.stringify([about, table.version]);
    if (key === this.asked) return;
    this.asked = key;
    this.root.setAttribute("aria-busy", "true");
    this.latest.ask(
      () => answerOf(this.lab, "lab_contrast", about),
      (answer) => {
        this.root.removeAttribute("aria-busy");
        if (sweep !== this.lab.store.state.sweep) return void (this.asked = ""); // asked again by whoever comes back
        this.shown = { sweep, pair, answer };
        this.#draw();
      },
    );
  }

  /** Which two, and what turns them round. @param {Table} table @param {import("./labpair.js").Pair} pair */
  #drawSides(table, pair) {
    const name = (/** @type {0 | 1} */ side) => {
      const place = placeOf(table, pair[side]);
      return place >= 0 ? nameOf(table, place) : `setting ${pair[side]}, which the filters leave out`;
    };
    const chosen = (/** @type {0 | 1} */ side) =>
      h("p", { data: { lane: String(side) } }, letter(side), h("span", {}, name(side)));
    const label = "Swap A and B";
    const about = { type: "button", class: "cv-con-swap", "aria-label": label, title: label, data: { key: "swap" } };
    const swap = h("button", { ...about, onclick: () => this.lab.store.set({ pair: [pair[1], pair[0]] }) }, "⇄");
    refill(this.sides, chosen(0), swap, chosen(1));
  }

  #draw() {
    const { shown, body } = this;
    const [lead, ...rest] = sentences(shown ? (shown.answer.error ?? shown.answer.sentence) : "");
    say(this.lead, lead);
    say(this.rest, rest.join(" "));
    this.root.dataset.drawn = shown ? JSON.stringify(shown.pair) : "";
    fill(this.refused);
    this.refused.hidden = true;
    const focused = /** @type {HTMLElement | null} */ (body.contains(document.activeElement) ? document.activeElement : null);
    fill(body, shown && !shown.answer.error ? this.#parts(shown.answer, shown.pair) : null);
    if (!focused) return;
    const kept = body.querySelector(`[data-key="${CSS.escape(focused.dataset.key ?? "")}"]`);
    (kept ?? this.root.querySelector(".cv-title")).focus({ preventScroll: true });
  }

  /** @param {Contrast} answer @param {import("./labpair.js").Pair} pair */
  #parts(answer, pair) {
    const why = hindrance(this.lab);
    const left = answer.left_out ? ` ${counted(answer.left_out, "pair")} of runs left out: one of the two is missing or failed.` : "";
    const means = `Means over ${counted(answer.prompts, "prompt")}; brackets are 95 % intervals of the difference.${left}`;
    const open = why ? null : (/** @type {string} */ prompt) => void this.#open(pair, prompt);
    const { style } = this.lab.race.state.boot;
    return [
      part("What was measured", means, measuresTable(answer)),
      answer.reasons.length > 0 && part("Why were tokens written?", REASONS, reasonsFigure(answer, style)),
      answer.controls.length > 0 &&
        part("Memory, or only a lower bar?", CONTROLS, controlsTable(this.lab, answer, pair), "full"),
      answer.pairs.length > 0 &&
        part("Which prompts make the difference?", why, [this.refused, promptsFigure(answer, open)], "full"),
    ];
  }

  /** Both in the race, or why not, and each beside vanilla. @param {import("./labpair.js").Pair} pair @param {string} prompt */
  async #open(pair, prompt) {
    const { lab } = this;
    const why = await openPair(lab, pair, prompt, promptFilters(lab.store.state.filters));
    this.refused.hidden = !why;
    if (!why) return;
    const way = (/** @type {0 | 1} */ side) => {
      const act = () => void openInRace(lab, [pair[side]], prompt);
      return h("button", { type: "button", class: "cv-pic-act", onclick: act }, `${SIDES[side]} beside vanilla`);
    };
    const words = `${sentence(why)} Each can be seen on ${inline(prompt)} by itself:`;
    fill(this.refused, h("p", {}, words), h("div", { class: "cv-pic-acts" }, way(0), way(1)));
    this.refused.scrollIntoView({ block: "nearest" });
  }
}

/** @param {string} title @param {string} help @param {any} content @param {string} [size] */
const part = (title, help, content, size = "") =>
  h(
    "section",
    { class: `cv-con-part ${size}` },
    h("h4", { class: "cv-sub" }, title),
    help && h("p", { class: "cv-help" }, help),
    content,
  );

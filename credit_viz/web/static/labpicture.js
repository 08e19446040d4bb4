/**
 * One picture of a sweep in its card: asked from the server when it comes into sight, drawn by Plotly, and asked again
 * when options, filters, runs or the theme change. An answer that comes too late is dropped.
 */

import { sentence } from "./ask.js";
import { loadPlotly } from "./charts.js";
import { fill, h, say } from "./dom.js";
import { Brush } from "./labbrush.js";
import { SILENT, answerOf } from "./labfeed.js";
import { Latest } from "./lablatest.js";
import { isFiltered } from "./labfilters.js";
import { Grips } from "./labgrips.js";
import { axesIn, marksOf } from "./labmarks.js";
import { openInRace } from "./labopen.js";
import { optionSelects } from "./laboptions.js";
import { Overlay } from "./laboverlay.js";
import { SIDES, chooseNext } from "./labpair.js";
import { fitted } from "./labpanels.js";
import { settingLines } from "./labrows.js";
import { noFilters } from "./labstate.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labmarks.js").Mark} Mark */
/** @typedef {import("./labbrush.js").Shape} Shape */
/** @typedef {{tab?: string, title: string, help: string, shapes: Shape[]}} Kind tab: its name beside others in a card */
/** @typedef {{data: any[], layout: any, options: Record<string, string>, choices: Record<string, string[]>}} Answer */

const STILL = { staticPlot: true, displayModeBar: false, responsive: false };
const PAUSE = 1500; // milliseconds between two pictures of a sweep that is running
const NEAR = "400px"; // from being seen

export class Picture {
  /** @param {Lab} lab @param {Record<string, Kind>} kinds by the figure's name */
  constructor(lab, kinds) {
    this.lab = lab;
    this.kinds = kinds;
    this.name = Object.keys(kinds)[0];
    this.latest = new Latest();
    this.overlay = new Overlay();
    this.grips = new Grips((axis, range) => this.brush.along(axis, range));
    /** @type {Mark[]} */
    this.marks = [];
    /** @type {Answer | null} */
    this.answer = null;
    /** @type {Set<number> | null} */
    this.bright = null;
    /** @type {number[] | null} the last brush of this picture's own */
    this.own = null;
    this.colors = { card: "", ink: "", focus: "" };
    this.seen = false; // or nearly so
    this.stale = false; // does the canvas lag behind what is brushed?
    this.asked = "";
    this.askedAt = 0;
    this.busy = false;
    this.waiting = 0;
    this.#build();
    this.brush = new Brush(
      this.room,
      {
        marks: () => this.marks,
        point: (mark, sticky) => this.#note(mark, sticky),
        open: (rows) => openInRace(lab, rows),
        compare: (number) => chooseNext(lab, number),
        brush: (rows) => this.#brushed(rows),
        redraw: () => this.#redraw(),
      },
      "box",
    );
    this.#show(this.name);
    this.#follow();
  }

  #build() {
    this.title = h("h3", { class: "cv-title" });
    this.help = h("p", { class: "cv-help" });
    this.tools = h("div", { class: "cv-pic-tools" });
    this.plot = h("div", { class: "cv-pic-plot", "aria-hidden": "true" });
    this.note = h("div", { class: "cv-pic-note", role: "status", hidden: true });
    const about = { class: "cv-pic-room", tabindex: 0, role: "application" };
    this.room = h("div", about, this.plot, this.overlay.root, this.grips.root, this.note);
    this.sentence = h("div", { class: "cv-pic-sentence cv-help", role: "status", hidden: true });
    const names = Object.keys(this.kinds);
    this.tabs = names.length > 1 ? this.#tabs(names) : null;
    this.root = h(
      "section",
      { class: "cv-card cv-pic", data: { card: names[0], figure: names[0] } },
      this.tabs,
      h("header", { class: "cv-pic-head" }, h("div", {}, this.title, this.help), this.tools),
      h("div", { class: "cv-pic-frame" }, this.room),
      this.sentence,
    );
  }

  /** @param {string[]} names */
  #tabs(names) {
    return h(
      "div",
      { class: "cv-tabs", role: "group", "aria-label": "Picture" },
      names.map((name) =>
        h(
          "button",
          { type: "button", class: "cv-tab", data: { picture: name }, onclick: () => this.#front(name) },
          this.kinds[name].tab ?? name,
        ),
      ),
    );
  }

  /** Bring a picture to the front of the card. @param {string} name */
  #front(name) {
    const { store } = this.lab;
    const [first, ...others] = Object.keys(this.kinds);
    const elsewhere = store.state.pictures.filter((shown) => !others.includes(shown));
    store.set({ pictures: name === first ? elsewhere : [...elsewhere, name] });
  }

  /** @param {string} name */
  #show(name) {
    this.name = name;
    const { title, help, shapes } = this.kinds[name];
    say(this.title, title);
    say(this.help, help);
    this.root.dataset.figure = name;
    this.brush.shape = shapes[0] ?? "box";
    this.room.classList.toggle("brushable", shapes.length > 0);
    const keys = shapes.length ? " Arrow keys go from mark to mark, Enter opens its runs, Space brushes it, c compares it." : "";
    this.room.setAttribute("aria-label", `${title}${keys} The numbers are in the table of settings.`);
    for (const tab of this.tabs?.children ?? []) {
      tab.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (tab).dataset.picture === name));
    }
    this.#refresh();
  }

  #follow() {
    const { store, race } = this.lab;
    store.view(["table", "options"], () => this.#refresh());
    store.view(["pictures"], ({ pictures }) => {
      const names = Object.keys(this.kinds);
      const name = names.find((each) => pictures.includes(each)) ?? names[0];
      if (name !== this.name) this.#show(name);
    });
    race.view(["dark"], () => this.#refresh());
    store.view(["brushed"], ({ brushed }) => {
      this.bright = brushed && new Set(brushed);
      if (brushed !== this.own) this.brush.forget();
      this.#redraw();
    });
    store.view(["pair"], () => this.#redraw());
    new IntersectionObserver(
      (entries) => {
        this.seen = entries[entries.length - 1].isIntersecting;
        if (this.seen && this.stale) this.#redraw();
        this.#refresh();
      },
      { rootMargin: NEAR },
    ).observe(this.root);
    let width = 0;
    new ResizeObserver(() => {
      if (this.room.clientWidth === width) return;
      width = this.room.clientWidth;
      requestAnimationFrame(() => this.#draw());
    }).observe(this.room);
  }

  /** Ask for the picture, unless it is there, on its way, or not to be seen. */
  #refresh() {
    const { store, race } = this.lab;
    const { sweep, table, filters, options } = store.state;
    if (!this.seen || !table || sweep === null) return;
    const theme = race.state.dark ? "dark" : "light";
    const about = { sweep, figure: this.name, options: options[this.name] ?? {}, filters, theme };
    const runs = table.version;
    const key = JSON.stringify([about, runs]);
    if (key === this.asked) return;
    const same = this.asked !== "" && JSON.stringify(JSON.parse(this.asked)[0]) === JSON.stringify(about);
    const rest = same ? Math.max(this.busy ? PAUSE : 0, this.askedAt + PAUSE - performance.now()) : 0;
    clearTimeout(this.waiting);
    if (rest > 0) this.waiting = setTimeout(() => this.#refresh(), rest);
    else this.#ask(key, about, runs);
  }

  /** @param {string} key @param {Record<string, any>} about @param {number} runs behind the table beside it */
  async #ask(key, about, runs) {
    this.asked = key;
    this.askedAt = performance.now();
    this.busy = true;
    this.root.setAttribute("aria-busy", "true");
    await this.latest.ask(
      () => answerOf(this.lab, "lab_figure", about),
      (answer) => {
        this.busy = false;
        this.root.removeAttribute("aria-busy");
        this.#take(answer);
        this.root.dataset.runs = String(runs);
      },
    );
  }

  /** @param {any} answer */
  #take(answer) {
    const failed = typeof answer?.error === "string";
    this.sentence.hidden = !failed;
    this.room.hidden = failed;
    if (failed) {
      // menus stay as they are: what was chosen may be the reason
      fill(this.sentence, h("p", {}, sentence(answer.error)), this.#waysOn(answer.error));
      this.answer = null;
      this.marks = [];
      return;
    }
    this.answer = answer;
    fill(this.tools, optionSelects(this.lab, this.name, answer), this.#shapeButtons());
    this.#draw();
  }

  /** From a picture that cannot be had to one that can. @param {string} error */
  #waysOn(error) {
    const { store } = this.lab;
    const { filters, options } = store.state;
    const { [this.name]: own, ...others } = options;
    const again = () => {
      this.asked = "";
      this.#refresh();
    };
    const way = (/** @type {string} */ words, /** @type {() => void} */ go) =>
      h("button", { type: "button", class: "cv-pic-act", onclick: go }, words);
    return [
      error === SILENT && way("Try again", again),
      isFiltered(filters) && way("Show it without filters", () => store.set({ filters: noFilters() })),
      own && way("Undo the choice", () => store.set({ options: others })),
    ];
  }

  /** Box or lasso, where there is a choice. */
  #shapeButtons() {
    const { shapes } = this.kinds[this.name];
    if (shapes.length < 2) return null;
    const button = (/** @type {Shape} */ shape) =>
      h(
        "button",
        {
          type: "button",
          class: "cv-tab",
          "aria-pressed": String(this.brush.shape === shape),
          onclick: () => {
            this.brush.shape = shape;
            group.replaceChildren(...shapes.map(button));
          },
        },
        shape === "box" ? "Box" : "Lasso",
      );
    const group = h("div", { class: "cv-tabs", role: "group", "aria-label": "Brush with" }, shapes.map(button));
    return group;
  }

  async #draw() {
    const { answer } = this;
    if (!answer || this.room.hidden) return;
    const plotly = await loadPlotly(this.lab.base);
    const width = this.room.clientWidth;
    if (answer !== this.answer || !width) return;
    const { layout, height } = fitted(answer, width);
    this.room.style.minHeight = `${height}px`;
    await plotly.react(this.plot, answer.data, layout, STILL);
    this.marks = marksOf(this.plot);
    this.colors = colorsOf(this.root);
    this.overlay.fit({ width, height });
    this.grips.fit(this.brush.shape === "axes" ? axesIn(/** @type {any} */ (this.plot)) : []);
    this.brush.point(null);
    this.brush.forget();
    this.#redraw();
    this.root.dataset.drawn = this.name;
  }

  /** What is out of sight is drawn when it comes into it. */
  #redraw() {
    this.stale = !this.seen;
    if (this.stale) return;
    this.room.classList.toggle("brushing", this.bright !== null && this.marks.some(({ rows }) => rows.length));
    this.overlay.draw({
      marks: this.marks,
      bright: this.bright,
      pointed: this.brush.pointed,
      lasso: this.brush.lasso,
      ranges: this.brush.ranges.size ? this.brush.ranges : null,
      tags: tagsOf(this.lab),
      colors: this.colors,
    });
    this.grips.draw(this.brush.ranges);
  }

  /** @param {number[] | null} rows */
  #brushed(rows) {
    this.own = rows;
    this.lab.store.set({ brushed: rows });
  }

  /** What is pointed at, beside it. @param {Mark | null} mark @param {boolean} sticky */
  #note(mark, sticky) {
    this.note.hidden = mark === null;
    if (!mark) return;
    const { table } = this.lab.store.state;
    const [head, ...more] = mark.lines.length ? mark.lines : settingLines(table, mark.rows[0]);
    const open = h(
      "button",
      { type: "button", class: "cv-pic-act", onclick: () => openInRace(this.lab, mark.rows) },
      "See its runs in the race",
    );
    const compare = h(
      "button",
      { type: "button", class: "cv-pic-act", onclick: () => chooseNext(this.lab, mark.rows[0]) },
      "Compare it",
    );
    fill(
      this.note,
      h("strong", {}, head ?? ""),
      more.map((line) => h("span", {}, line)),
      mark.rows.length ? (sticky ? open : h("small", {}, "Click: its runs in the race")) : null,
      mark.rows.length === 1 ? (sticky ? compare : h("small", {}, "Shift-click: compare it with the one before")) : null,
    );
    this.note.classList.toggle("sticky", sticky);
    this.#place(mark);
  }

  /** @param {Mark} mark */
  #place({ points, box, area, kind, size }) {
    const [x, y] = kind === "line" ? points[Math.floor(points.length / 2)] : points[0];
    const half = box ? (box.bottom - box.top) / 2 : size / 2;
    const { offsetWidth: wide, offsetHeight: high } = this.note;
    const below = y - half - high - 10 < 0;
    const left = Math.max(0, Math.min(x - wide / 2, this.room.clientWidth - wide));
    const top = below ? y + half + 10 : y - half - high - 10;
    this.note.style.transform = `translate(${left}px, ${Math.min(top, area.bottom)}px)`;
  }
}

/** The settings that were chosen to be compared. @param {Lab} lab @returns {import("./laboverlay.js").Scene["tags"]} */
function tagsOf({ store, race }) {
  const { boot, dark } = race.state;
  const color = (/** @type {number} */ side) => boot.style.lanes[side][dark ? "dark" : "light"];
  return new Map((store.state.pair ?? []).map((number, side) => [number, { letter: SIDES[side], color: color(side) }]));
}

/** Of the page, as it is now. @param {Element} element */
function colorsOf(element) {
  const style = getComputedStyle(element);
  const color = (/** @type {string} */ name) => style.getPropertyValue(`--cv-${name}`).trim();
  return { card: color("card"), ink: color("text"), focus: color("focus") };
}

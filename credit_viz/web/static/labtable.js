/**
 * The settings of a sweep as a table: sortable, a page at a time, those that nothing beats marked, brushed ones first.
 * A click or Space picks a row, Enter opens its runs in the race, A and B make it one of the two that are compared.
 */

import { h, refill, say } from "./dom.js";
import { pick } from "./labbrush.js";
import { openInRace } from "./labopen.js";
import { SIDES, choose } from "./labpair.js";
import { intervalText, meanText, nameOf, numbersOf, orderedPlaces, shownMetrics } from "./labrows.js";
import { sideButtons } from "./labsides.js";
import { counted } from "./text.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labrows.js").Table} Table */

const PAGE = 20; // rows
const WITH_INTERVAL = 2; // columns: passes and quality
const REST = 100; // milliseconds that a brush rests before the rows follow

/** @param {Lab} lab @returns {Node} */
export function settingsView(lab) {
  return new Settings(lab).root;
}

class Settings {
  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.sorting = { column: "", descending: false };
    this.page = 0;
    /** @type {number[]} places of the rows, in order */
    this.places = [];
    this.active = 0; // row of the page that has the focus, or gets it next
    this.#build();
    const { store } = lab;
    /** @type {number[] | null} brushed by a pick in this table: its rows stay where they are */
    this.own = null;
    let resting = 0;
    store.view(["table"], () => {
      this.#order();
      this.#draw();
    });
    store.view(["pair"], () => this.#draw());
    store.view(["brushed"], ({ brushed }) => {
      clearTimeout(resting);
      if (brushed !== null && brushed === this.own) return this.#draw();
      resting = setTimeout(() => {
        this.#order();
        this.#draw();
      }, REST);
    });
  }

  #build() {
    this.head = h("thead", {});
    this.body = h("tbody", {});
    this.count = h("p", { class: "cv-help", id: "cv-pic-table-count" });
    this.pages = h("div", { class: "cv-pic-pages", role: "group", "aria-label": "Pages of the table" });
    const about = {
      role: "grid",
      "aria-label": "Settings",
      "aria-multiselectable": "true",
      "aria-describedby": "cv-pic-table-count",
    };
    const table = h("table", about, this.head, this.body);
    const scroller = h("div", { class: "cv-pic-scroll" }, table);
    this.body.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.body.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#click(event));
    this.body.addEventListener("focusin", (/** @type {FocusEvent} */ event) => this.#focus(event));
    this.root = h(
      "section",
      { class: "cv-card cv-pic-table" },
      h("header", { class: "cv-pic-head" }, h("div", {}, h("h3", { class: "cv-title" }, "Settings"), this.count), this.pages),
      scroller,
    );
  }

  /** Rows in order, the first page in front. */
  #order() {
    const { table, brushed } = this.lab.store.state;
    this.places = table ? orderedPlaces(table, this.sorting, brushed) : [];
    this.page = 0;
  }

  #draw() {
    const { table, brushed } = this.lab.store.state;
    this.root.hidden = !table;
    if (!table) return;
    const last = Math.max(0, Math.ceil(this.places.length / PAGE) - 1);
    this.page = Math.min(this.page, last);
    const best = table.unbeaten.filter(Boolean).length;
    const means = "means over prompts and their 95 % intervals";
    say(this.count, `${counted(table.rows, "setting")} with ${means}; ● marks the ${best} that no other beats, A and B those that are compared.`);
    this.#drawHead(table);
    this.#drawRows(table, brushed);
    this.#drawPages(last);
  }

  /** @param {Table} table */
  #drawHead(table) {
    const columns = [{ name: "", title: "setting" }, ...shownMetrics(table)];
    const { column, descending } = this.sorting;
    const cell = (/** @type {{name: string, title: string}} */ { name, title }) => {
      const sorted = name === column;
      const sort = sorted ? (descending ? "descending" : "ascending") : "none";
      const about = { type: "button", data: { key: `sort ${name}` }, onclick: () => this.#sort(name) };
      return h("th", { scope: "col", "aria-sort": sort }, h("button", about, title));
    };
    const last = h("th", { scope: "col" }, h("span", { class: "cv-unseen" }, "compare and race"));
    refill(this.head, h("tr", {}, columns.map(cell), last));
  }

  /** @param {string} column */
  #sort(column) {
    const again = this.sorting.column === column;
    const metric = this.lab.store.state.table.metrics.find((/** @type {any} */ { name }) => name === column);
    this.sorting = { column, descending: again ? !this.sorting.descending : metric?.better === "more" };
    this.#order();
    this.#draw();
  }

  /** @param {Table} table @param {number[] | null} brushed */
  #drawRows(table, brushed) {
    const shown = this.places.slice(this.page * PAGE, (this.page + 1) * PAGE);
    const numbers = numbersOf(table);
    const metrics = shownMetrics(table);
    this.active = Math.max(0, Math.min(this.active, shown.length - 1));
    const row = (/** @type {number} */ place, /** @type {number} */ i) => {
      const number = numbers[place];
      const picked = brushed?.includes(number) ?? false;
      const name = nameOf(table, place);
      return h(
        "tr",
        {
          tabindex: i === this.active ? 0 : -1,
          "aria-selected": String(picked),
          data: { number: String(number), key: `row ${number}` },
          class: brushed && !picked ? "dim" : null,
        },
        h("th", { scope: "row" }, mark(table.unbeaten[place]), h("span", { title: name }, name)),
        metrics.map((metric, i) => numberCell(table, metric, place, i < WITH_INTERVAL)),
        h("td", { class: "cv-pic-open" }, sideButtons(this.lab, number, name, { tabindex: -1, key: `row ${number}` }), this.#opener(name)),
      );
    };
    refill(this.body, shown.map(row));
  }

  /** @param {string} name */
  #opener(name) {
    const label = `${name}: its runs in the race`;
    const about = { type: "button", class: "cv-pic-act", tabindex: -1, "aria-label": label, data: { open: "" } };
    return h("button", about, "Race");
  }

  /** @param {number} last */
  #drawPages(last) {
    this.pages.hidden = last === 0;
    const from = this.page * PAGE;
    const button = (/** @type {string} */ label, /** @type {string} */ words, /** @type {number} */ page) =>
      h(
        "button",
        {
          type: "button",
          class: "cv-pic-act",
          "aria-label": words,
          data: { key: words },
          disabled: page < 0 || page > last,
          onclick: () => this.#turn(page),
        },
        label,
      );
    refill(
      this.pages,
      button("‹", "Page before", this.page - 1),
      h("span", {}, `${from + 1}–${Math.min(from + PAGE, this.places.length)} of ${this.places.length}`),
      button("›", "Next page", this.page + 1),
    );
  }

  /** @param {number} page @param {number} [active] row that is focused next */
  #turn(page, active = 0) {
    this.page = page;
    this.active = active;
    this.#draw();
  }

  /** @param {Event} event @returns {HTMLElement | null} */
  #rowOf(event) {
    return /** @type {HTMLElement} */ (event.target).closest("tr");
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const row = this.#rowOf(event);
    if (!row) return;
    const number = Number(row.dataset.number);
    if (/** @type {HTMLElement} */ (event.target).closest("[data-open]")) openInRace(this.lab, [number]);
    else this.#pick(number);
  }

  /** @param {number} number */
  #pick(number) {
    pick(this.lab, number);
    this.own = this.lab.store.state.brushed;
  }

  /** @param {FocusEvent} event */
  #focus(event) {
    const row = this.#rowOf(event);
    const rows = /** @type {HTMLElement[]} */ ([...this.body.children]);
    const place = row ? rows.indexOf(row) : -1;
    if (place < 0) return;
    this.active = place;
    rows.forEach((other, i) => (other.tabIndex = i === place ? 0 : -1));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const row = this.#rowOf(event);
    if (!row || event.target !== row || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = Number(row.dataset.number);
    const sides = /** @type {string[]} */ ([...SIDES]);
    const letter = event.key.toUpperCase();
    if (event.key === "Enter") openInRace(this.lab, [number]);
    else if (event.key === " ") this.#pick(number);
    else if (sides.includes(letter)) choose(this.lab, sides.indexOf(letter) ? 1 : 0, number);
    else if (!this.#walk(event.key)) return;
    event.preventDefault();
  }

  /** The focus goes to another row, also of another page. @param {string} key */
  #walk(key) {
    const all = this.places.length;
    const here = this.page * PAGE + this.active;
    const next = /** @type {Record<string, number>} */ ({
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      PageDown: here + PAGE,
      PageUp: here - PAGE,
      Home: 0,
      End: all - 1,
    })[key];
    if (next === undefined) return false;
    const there = Math.max(0, Math.min(all - 1, next));
    const page = Math.floor(there / PAGE);
    if (page !== this.page) this.#turn(page, there % PAGE);
    const target = /** @type {HTMLElement | undefined} */ (this.body.children[there % PAGE]);
    target?.focus();
    return true;
  }
}

/**
 * @param {Table} table @param {import("./labrows.js").Metric} metric @param {number} place
 * @param {boolean} full with the interval beside it, else behind it
 */
function numberCell(table, metric, place, full) {
  const interval = intervalText(table, metric, place);
  const mean = meanText(table, metric, place);
  return full && interval ? h("td", {}, mean, " ", h("small", {}, interval)) : h("td", { title: interval || null }, mean);
}

/** @param {boolean} unbeaten */
const mark = (unbeaten) =>
  unbeaten
    ? h("i", { class: "cv-pic-best", role: "img", "aria-label": "no other beats it" })
    : h("i", { class: "cv-pic-best none", "aria-hidden": "true" });

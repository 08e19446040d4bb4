/**
 * The numbers of a map as a table: one row per token of one lane. Rows are made once per lane and run, a few at a time;
 * a step only rewrites one column.
 */

import { fill, h, say } from "./dom.js";
import { laneName } from "./names.js";
import { pairOf } from "./pair.js";
import { nameOf, reading, signed } from "./reading.js";
import { quoted } from "./text.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./lane.js").Lane} Lane */

const CHUNK = 64; // rows made at once, and kept up to date together
const REST = 400; // milliseconds after which rows out of sight follow
const FATE = ["settled", "written", "waited", "changes", "why"];

/** @param {Store} store @returns {HTMLElement} */
export function tableView(store) {
  return new Table(store).root;
}

class Table {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.choice = h("select", { id: "cv-table-lane", onchange: () => this.#choose() });
    this.caption = h("caption", {});
    this.valueHead = h("th", { scope: "col", class: "cv-col-value" });
    const head = (/** @type {string} */ name) => h("th", { scope: "col", class: `cv-col-${name}` }, name);
    const heads = h("tr", {}, head("position"), head("token"), this.valueHead, FATE.map(head));
    this.table = h("table", {}, this.caption, h("thead", {}, heads));
    const frame = { class: "cv-table-scroll", tabindex: 0, role: "region", "aria-label": "Table" };
    this.scroller = h("div", frame, this.table);
    const label = h("label", { class: "cv-table-lane" }, "Lane", this.choice);
    this.root = h("div", { class: "cv-table", hidden: true }, label, this.scroller);
    /** @type {HTMLElement[]} what the map shows of each row */
    this.values = [];
    /** @type {HTMLElement[]} */
    this.rows = [];
    /** @type {HTMLElement[]} rows by the chunk */
    this.bodies = [];
    /** @type {Set<Element>} those that can be seen */
    this.seen = new Set();
    const near = { root: this.scroller, rootMargin: "200px" };
    this.sight = new IntersectionObserver((entries) => this.#see(entries), near);
    /** @type {any} */
    this.resting = 0;
    this.made = "";
    this.selected = -1;
    /** @type {(keyof State)[]} */
    const keys = ["run", "version", "table", "lane", "step", "selected", "tab", "pair", "quantity"];
    store.view(keys, (state) => this.#draw(state));
  }

  #choose() {
    this.store.set({ lane: Number(this.choice.value) });
  }

  /** @param {State} state */
  #draw(state) {
    const { run, table, boot } = state;
    this.root.hidden = !(table && run);
    if (this.root.hidden || !run) return;
    const lane = run.lanes[Math.min(state.lane, run.lanes.length - 1)];
    const made = [run.id, lane.index, run.state, run.state === "running" ? Math.floor(lane.steps / 16) : ""].join(" ");
    if (made !== this.made) this.#make(state, lane, made);
    say(this.caption, captionOf(state, lane));
    say(this.valueHead, `${valueName(state)} in step ${state.step}`);
    this.scroller.setAttribute("aria-label", `${boot.style.maps[state.tab].title}, as a table`);
    this.#update();
    this.#select(state.selected ?? -1);
  }

  /** @param {State} state @param {Lane} lane @param {string} made */
  #make(state, lane, made) {
    const { run, boot } = state;
    this.made = made;
    this.values = [];
    this.rows = [];
    this.bodies.forEach((body) => body.remove());
    this.bodies = [];
    this.seen.clear();
    this.sight.disconnect();
    this.selected = -1;
    const names = run?.lanes.map((each) => laneName(boot, run, each.index)) ?? [];
    fill(
      this.choice,
      names.map((name, index) => h("option", { value: index, selected: index === lane.index }, name)),
    );
    this.#addRows(made, state, lane);
  }

  /** The next rows, and the rest when there is time. @param {string} made @param {State} state @param {Lane} lane */
  #addRows(made, state, lane) {
    if (made !== this.made) return;
    const from = this.rows.length;
    const count = Math.min(CHUNK, lane.length - from);
    const fresh = Array.from({ length: count }, (_, i) => this.#row(state, lane, from + i));
    const body = h("tbody", {}, fresh);
    this.bodies.push(body);
    this.table.append(body);
    this.#write(this.bodies.length - 1);
    this.sight.observe(body);
    if (this.rows.length < lane.length) setTimeout(() => this.#addRows(made, state, lane));
    else this.#select(this.store.state.selected ?? -1);
  }

  /** @param {State} state @param {Lane} lane @param {number} position */
  #row({ run, boot }, lane, position) {
    const token = lane.tokenAt(position, lane.steps);
    const written = lane.written[position];
    const reason = lane.writeAt(position, lane.steps)?.reason;
    const why = lane.given.has(position) ? "given before the run" : (boot.style.reasons[reason ?? 0]?.words ?? "");
    const value = h("span", { class: "cv-value" }); // a box of its own size, so that a new text moves no row
    const name = h("td", { class: "cv-table-token" }, token < 0 ? "" : quoted(run?.text(token) ?? ""));
    const fate = [
      h("td", {}, written ? lane.settled[position] : "–"),
      h("td", {}, written || (lane.given.has(position) ? "given" : "still masked")),
      h("td", {}, written ? lane.wait(position) : "–"),
      h("td", {}, lane.flips[position]),
      h("td", { class: "cv-why" }, why),
    ];
    const row = h("tr", {}, h("th", { scope: "row" }, position), name, h("td", {}, value), fate);
    this.values.push(value);
    this.rows.push(row);
    return row;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #see(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.seen.add(target);
      else this.seen.delete(target);
    }
    this.#update();
  }

  /** What the map shows, in the rows that can be seen; in all others once the step rests. */
  #update() {
    this.bodies.forEach((body, chunk) => this.seen.has(body) && this.#write(chunk));
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.bodies.forEach((_, chunk) => this.#write(chunk)), REST);
  }

  /** @param {number} chunk */
  #write(chunk) {
    const { state } = this.store;
    const lane = state.run?.lanes[Math.min(state.lane, state.run.lanes.length - 1)];
    if (!lane || !state.table) return;
    const last = Math.min(this.values.length, (chunk + 1) * CHUNK);
    for (let i = chunk * CHUNK; i < last; i += 1) say(this.values[i], valueOf(state, lane, i) || "–");
  }

  /** @param {number} selected */
  #select(selected) {
    const row = this.rows[selected];
    if (selected === this.selected && row?.hasAttribute("aria-current")) return;
    this.rows[this.selected]?.removeAttribute("aria-current");
    row?.setAttribute("aria-current", "true");
    this.selected = selected;
    this.#reveal(row);
  }

  /** Scroll the table, never the page. @param {HTMLElement | undefined} row */
  #reveal(row) {
    if (!row) return;
    const { scrollTop, clientHeight } = this.scroller;
    const [top, bottom] = [row.offsetTop - 40, row.offsetTop + row.offsetHeight];
    if (top < scrollTop || bottom > scrollTop + clientHeight) this.scroller.scrollTop = top - clientHeight / 3;
  }
}

/** What the map's column holds. @param {State} state */
function valueName({ boot, tab, quantity }) {
  const map = boot.style.maps[tab];
  if (map.planes) return `${nameOf(quantity)}, difference`;
  return map.plane === "flips" ? "guess" : nameOf(map.plane);
}

/** @param {State} state @param {Lane} lane @param {number} position */
function valueOf(state, lane, position) {
  const { run, boot, tab, quantity, step } = state;
  if (!run) return "";
  const map = boot.style.maps[tab];
  if (!map.planes) return reading(run, lane, map.plane, position, step, boot.style);
  const [one, other] = pairOf(state).map((index) => run.lanes[index].byteAt(quantity, position, step));
  return one < 0 || other < 0 ? "" : signed(run.values[quantity][other] - run.values[quantity][one]);
}

/** @param {State} state @param {Lane} lane */
function captionOf(state, lane) {
  const { run, boot, tab } = state;
  const pair = pairOf(state);
  const { title, planes } = boot.style.maps[tab];
  const name = run ? laneName(boot, run, lane.index) : "";
  const both = planes && run ? `: ${laneName(boot, run, pair[1])} minus ${laneName(boot, run, pair[0])}` : "";
  return `${title}${both}. Tokens of ${name}; settled, written and waited in steps.`;
}


/**
 * The pointer over a picture of a sweep: a drag brushes settings, a click opens what a mark stands for, pointing says
 * what it is. Keys do the same from mark to mark. Also the line that says what is brushed. Knows marks and the lab's
 * state; nothing of Plotly.
 */

import { h, say } from "./dom.js";
import { showContrast } from "./labcontrast.js";
import { axesOf, boxOf, holds, markAt, passes, settingsOf, touches } from "./labmarks.js";
import { SIDES } from "./labpair.js";
import { brushedLine } from "./labrows.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labmarks.js").Mark} Mark */
/** @typedef {import("./labmarks.js").Point} Point */
/** @typedef {"box" | "lasso" | "axes"} Shape how a drag is read */

const STILL = 4; // pixels a click may shake
const SWIPE = 12; // pixels sideways from which a finger brushes, and scrolls no more
const NARROW = 8; // a range along an axis shorter than this is taken away again

/**
 * @typedef {object} Listener
 * @property {() => Mark[]} marks
 * @property {(mark: Mark | null, sticky: boolean) => void} point a mark is pointed at; sticky: until something else is
 * @property {(rows: number[]) => void} open
 * @property {(number: number) => void} compare a single setting
 * @property {(brushed: number[] | null) => void} brush
 * @property {() => void} redraw
 */

/** Reads the pointer and the keys over one picture. */
export class Brush {
  /** @param {HTMLElement} room @param {Listener} listener @param {Shape} shape */
  constructor(room, listener, shape) {
    this.room = room;
    this.listener = listener;
    this.shape = shape;
    /** @type {Point[] | null} what is drawn while dragging, and after it */
    this.lasso = null;
    /** @type {Map<number, [number, number]>} ranges along axes */
    this.ranges = new Map();
    /** @type {number[] | null} what was brushed here last */
    this.told = null;
    /** @type {Mark | null} */
    this.pointed = null;
    /** @type {{at: Point, axis: number | null} | null} */
    this.start = null;
    this.dragging = false;
    this.edge = { left: 0, top: 0 }; // of the picture in the window
    room.addEventListener("pointerdown", (event) => this.#down(event));
    room.addEventListener("pointermove", (event) => this.#move(event));
    room.addEventListener("pointerup", (event) => this.#up(event));
    room.addEventListener("pointercancel", () => this.#cancel());
    room.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.point(null));
    room.addEventListener("keydown", (event) => this.#key(event));
    room.addEventListener("focusout", ({ relatedTarget }) => {
      if (!room.contains(/** @type {Node | null} */ (relatedTarget))) this.point(null);
    });
  }

  /** Another brush, or none, is what counts now: nothing of this one stays drawn. */
  forget() {
    if (!this.lasso && !this.ranges.size) return;
    this.lasso = null;
    this.ranges = new Map();
    this.listener.redraw();
  }

  /** @param {Mark | null} mark @param {boolean} [sticky] */
  point(mark, sticky = false) {
    if (mark === this.pointed && !sticky) return;
    this.pointed = mark;
    this.room.classList.toggle("pointing", Boolean(mark?.rows.length));
    this.listener.point(mark, sticky);
    this.listener.redraw();
  }

  /**
   * Pixels within the picture. Its edge is measured before a drag, not during it: that would cost a layout each time.
   * @param {PointerEvent} event @returns {Point}
   */
  #place({ clientX, clientY }) {
    if (!this.start) this.edge = this.room.getBoundingClientRect();
    return [clientX - this.edge.left, clientY - this.edge.top];
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0 || !event.isPrimary || isOnButton(event)) return;
    const at = this.#place(event);
    this.start = { at, axis: this.shape === "axes" ? this.#axisNear(at) : null };
    this.dragging = false;
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = this.#place(event);
    if (!this.start) {
      if (event.pointerType === "mouse") this.point(markAt(this.listener.marks(), at));
      return;
    }
    if (!this.dragging) {
      if (!this.#brushes(event, at[0] - this.start.at[0], at[1] - this.start.at[1])) return;
      this.dragging = true;
      this.room.setPointerCapture(event.pointerId);
      this.point(null);
      this.lasso = null;
    }
    this.#drag(at);
  }

  /**
   * Does a pointer that has moved so far brush? A finger may be scrolling; along axes it has grips.
   * @param {PointerEvent} event @param {number} dx pixels @param {number} dy pixels
   */
  #brushes({ pointerType }, dx, dy) {
    if (pointerType !== "touch") return Math.hypot(dx, dy) >= STILL;
    return this.shape !== "axes" && Math.abs(dx) >= SWIPE && Math.abs(dx) > Math.abs(dy);
  }

  /** A range along an axis, said by its grips; null takes it away. @param {number} axis @param {[number, number] | null} range */
  along(axis, range) {
    if (range) this.ranges.set(axis, range);
    else this.ranges.delete(axis);
    this.#tell();
  }

  /** @param {Point} at */
  #drag(at) {
    const { start } = this;
    if (!start) return;
    if (this.shape === "axes") {
      if (start.axis === null) return;
      const [from, to] = [start.at[1], at[1]].sort((a, b) => a - b);
      this.ranges.set(start.axis, [from, to]);
    } else if (this.shape === "lasso") {
      this.lasso = [...(this.lasso ?? [start.at]), at];
    } else {
      const { left, top, right, bottom } = boxOf(start.at, at);
      this.lasso = [[left, top], [right, top], [right, bottom], [left, bottom]];
    }
    this.#tell();
  }

  /** What is inside now is brushed. */
  #tell() {
    const marks = this.listener.marks();
    if (this.shape === "axes") {
      this.#brush(this.ranges.size ? settingsOf(marks, passes(this.ranges)) : null);
    } else if (this.lasso) {
      const [one, , other] = this.lasso;
      const inside = this.shape === "lasso" ? holds(this.lasso) : touches(boxOf(one, other));
      this.#brush(settingsOf(marks, inside));
    }
    this.listener.redraw();
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const { start, dragging } = this;
    const at = this.#place(event);
    this.#stop();
    if (!start) return;
    if (dragging) {
      const range = start.axis === null ? null : this.ranges.get(start.axis);
      if (range && range[1] - range[0] < NARROW) {
        this.ranges.delete(/** @type {number} */ (start.axis));
        this.#tell();
      }
      if (this.told?.length === 0) this.#clear();
      return;
    }
    const finger = event.pointerType !== "mouse";
    const mark = markAt(this.listener.marks(), at, finger);
    if (finger) this.point(mark, true);
    else if (mark?.rows.length === 1 && event.shiftKey) this.listener.compare(mark.rows[0]);
    else if (mark?.rows.length) this.listener.open(mark.rows);
    else if (!mark) this.#brush(null);
  }

  /** The page is scrolled by this finger. */
  #cancel() {
    if (this.dragging) this.#clear();
    this.#stop();
  }

  #clear() {
    this.forget();
    this.#brush(null);
  }

  /** @param {number[] | null} rows */
  #brush(rows) {
    this.told = rows;
    this.listener.brush(rows);
  }

  #stop() {
    this.start = null;
    this.dragging = false;
  }

  /** Where the axis nearest to a point stands. @param {Point} at */
  #axisNear([x]) {
    const axes = axesOf(this.listener.marks());
    const nearest = axes.reduce((best, axis) => (Math.abs(axis - x) < Math.abs(best - x) ? axis : best), axes[0]);
    return nearest ?? null;
  }

  /** Arrows go from mark to mark, Enter opens, Space picks. @param {KeyboardEvent} event */
  #key(event) {
    const marks = this.listener.marks().filter(({ rows }) => rows.length);
    if (!marks.length || isOnButton(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = this.pointed ? marks.indexOf(this.pointed) : -1;
    const next = /** @type {Record<string, number>} */ ({
      ArrowRight: place + 1,
      ArrowDown: place + 1,
      ArrowLeft: place - 1,
      ArrowUp: place - 1,
      Home: 0,
      End: marks.length - 1,
    })[event.key];
    if (next !== undefined) this.point(marks[Math.max(0, Math.min(marks.length - 1, next))], true);
    else if (event.key === "Enter" && this.pointed) this.listener.open(this.pointed.rows);
    else if (event.key === " " && this.pointed) this.#brush(this.pointed.rows);
    else if (event.key === "c" && this.pointed?.rows.length === 1) this.listener.compare(this.pointed.rows[0]);
    else return;
    event.preventDefault();
  }
}

/** The note beside a mark has a button of its own. @param {Event} event */
const isOnButton = ({ target }) => /** @type {Element} */ (target).closest("button") !== null;

/** Only what is brushed, from now on: the server aggregates anew. @param {Lab} lab */
export function keepBrushed({ store }) {
  const { brushed, filters } = store.state;
  if (brushed?.length) store.set({ filters: { ...filters, rows: brushed }, brushed: null });
}

/**
 * A setting is brushed, or no longer.
 * @param {Lab} lab @param {number} number
 */
export function pick({ store }, number) {
  const { brushed } = store.state;
  const others = (brushed ?? []).filter((other) => other !== number);
  const next = others.length === (brushed ?? []).length ? [...others, number].sort((a, b) => a - b) : others;
  store.set({ brushed: next.length ? next : null });
}

/**
 * The line that says what is brushed, always there so that nothing moves.
 * @param {Lab} lab @returns {Node}
 */
export function brushLine(lab) {
  const { store } = lab;
  const said = h("p", { class: "cv-pic-brushed", role: "status" });
  const keep = h("button", { type: "button", class: "cv-pic-act", onclick: () => keepBrushed(lab) }, "Keep only these");
  const clear = h(
    "button",
    { type: "button", class: "cv-pic-act", onclick: () => store.set({ brushed: null }) },
    "Clear",
    h("kbd", {}, "Esc"),
  );
  const compare = h("button", { type: "button", class: "cv-pic-act" });
  compare.addEventListener("click", () => {
    const { brushed } = store.state;
    if (brushed?.length === 2) store.set({ pair: [brushed[0], brushed[1]] });
    showContrast();
  });
  const tools = h("div", { class: "cv-pic-acts" }, keep, clear);
  const acts = h("div", { class: "cv-pic-acts" }, compare, tools);
  const root = h("div", { class: "cv-pic-line" }, said, acts);
  store.view(["table", "brushed", "pair"], ({ table, brushed, pair }) => {
    root.hidden = !table;
    root.classList.toggle("brushing", brushed !== null);
    tools.hidden = brushed === null;
    keep.disabled = !brushed?.length;
    const two = brushed?.length === 2;
    compare.hidden = !two && pair === null;
    say(compare, two ? "Compare these two" : `Why ${SIDES.join(" and ")} differ`);
    if (table) say(said, brushed ? brushedLine(table, brushed) : hint(table.rows));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || store.state.brushed === null || !root.checkVisibility()) return;
    if (/** @type {HTMLElement} */ (event.target).closest("dialog, select, input, textarea")) return;
    store.set({ brushed: null });
    event.preventDefault();
  }, true);
  return root;
}

/** @param {number} rows */
const hint = (rows) =>
  `${rows > 1 ? "Drag across a picture to brush settings: they stay bright in all others. " : ""}` +
  `${matchMedia("(pointer: coarse)").matches ? "Tap" : "Click"} a mark to see its runs in the race.`;

/**
 * The pointer over a map: point, click, drag a box to zoom, Shift-drag to move, wheel or pinch with Ctrl, two fingers,
 * double click. Tells the store; knows the figure's frame and nothing of drawing.
 */

import { Frame, magnified, moved, within } from "./frame.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./figure.js").MapFigure} MapFigure */
/** @typedef {import("./frame.js").Zoom} Zoom */

const STILL = 4; // pixels a click may shake
const FLAT = 10; // a drag shorter than this in one direction takes all of it

/** @param {Store} store @param {MapFigure} figure */
export function listen(store, figure) {
  new Gestures(store, figure).listen();
}

/** Magnify all maps around the shown step and the selected token where they are on show, else around the middle. @param {Store} store @param {number} factor */
export function zoomBy(store, factor) {
  const { run, zoom, step, selected } = store.state;
  if (!run) return;
  const full = /** @type {Zoom} */ ([
    [0.5, Math.max(8, run.steps) + 0.5],
    [-0.5, run.length - 0.5],
  ]);
  const shown = within(zoom, full) ?? full;
  const points = [step, selected ?? -1];
  const around = /** @type {[number, number]} */ (
    shown.map(([from, to], i) => (points[i] > from && points[i] < to ? points[i] : (from + to) / 2))
  );
  store.set({ zoom: within(magnified(shown, factor, around), full) });
}

class Gestures {
  /** @param {Store} store @param {MapFigure} figure */
  constructor(store, figure) {
    this.store = store;
    this.figure = figure;
    /** @type {{x: number, y: number, zoom: Zoom, pan: boolean} | null} where a drag began */
    this.start = null;
    this.dragged = false;
    /** @type {Map<number, {x: number, y: number}>} fingers down */
    this.fingers = new Map();
  }

  listen() {
    const { root } = this.figure;
    root.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.#down(event));
    root.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.#move(event));
    root.addEventListener("pointerup", (/** @type {PointerEvent} */ event) => this.#up(event));
    root.addEventListener("pointercancel", (/** @type {PointerEvent} */ event) => this.#cancel(event));
    root.addEventListener("pointerleave", () => this.store.set({ hover: null }));
    root.addEventListener("click", (/** @type {PointerEvent} */ event) => this.#click(event));
    root.addEventListener("dblclick", () => this.store.set({ zoom: null }));
    root.addEventListener("wheel", (/** @type {WheelEvent} */ event) => this.#wheel(event), { passive: false });
  }

  /** What the store says is on show: several events may come before it is drawn. @returns {Frame} */
  get #frame() {
    const full = this.figure.fullRange;
    const [x, y] = within(this.store.state.zoom, full) ?? full;
    return new Frame(this.figure.frame.area, x, y);
  }

  /** @returns {Zoom} */
  get #shown() {
    const { xRange, yRange } = this.#frame;
    return [xRange, yRange];
  }

  /** @param {Zoom} zoom */
  #zoom(zoom) {
    this.store.set({ zoom: within(zoom, this.figure.fullRange) });
  }

  /** Pixels within the figure. @param {{clientX: number, clientY: number}} event */
  #place({ clientX, clientY }) {
    const box = this.figure.root.getBoundingClientRect();
    return { x: clientX - box.left, y: clientY - box.top };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    const { x, y } = this.#place(event);
    this.dragged = false;
    if (event.pointerType === "touch") this.fingers.set(event.pointerId, { x, y });
    const touch = event.pointerType === "touch";
    const pan = event.shiftKey || touch;
    this.start = touch && !this.store.state.zoom ? null : { x, y, zoom: this.#shown, pan };
    if (!touch) this.figure.root.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = this.#place(event);
    if (this.fingers.has(event.pointerId) && this.fingers.size === 2) return this.#pinch(event.pointerId, at);
    if (this.start) this.#drag(this.start, at);
    if (event.pointerType === "mouse") this.#point(event, at);
    return undefined;
  }

  /** @param {PointerEvent} event @param {{x: number, y: number}} at */
  #point(event, at) {
    const cell = this.figure.frame.cell(at.x, at.y);
    const hover = cell && { lane: this.figure.lane.index, ...cell, x: event.clientX, y: event.clientY };
    this.store.set({ hover: this.figure.band ? null : hover });
  }

  /** @param {{x: number, y: number, zoom: Zoom, pan: boolean}} start @param {{x: number, y: number}} at */
  #drag(start, at) {
    if (!this.dragged && Math.hypot(at.x - start.x, at.y - start.y) <= STILL) return;
    this.dragged = true;
    const { frame } = this.figure;
    if (start.pan) {
      const by = [(start.x - at.x) / frame.cellWidth, (start.y - at.y) / frame.cellHeight];
      return this.#zoom(moved(start.zoom, /** @type {[number, number]} */ (by)));
    }
    this.figure.band = boxOf(start, at, frame.area);
    return this.figure.drawCursor();
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.fingers.delete(event.pointerId);
    const { band, frame } = this.figure;
    this.start = null;
    if (!band) return;
    this.figure.band = null;
    this.figure.drawCursor();
    const [[x0, y0], [x1, y1]] = [frame.at(band[0], band[1]), frame.at(band[2], band[3])];
    this.#zoom([
      [x0, x1],
      [y0, y1],
    ]);
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    this.fingers.delete(event.pointerId);
    this.start = null;
    this.figure.band = null;
    this.figure.drawCursor();
  }

  /** @param {PointerEvent} event */
  #click(event) {
    const { x, y } = this.#place(event);
    const cell = this.figure.frame.cell(x, y);
    const { lane } = this.figure;
    if (!cell || this.dragged || lane.given.has(cell.position)) return;
    const step = Math.max(1, Math.min(cell.step, this.store.state.run?.steps ?? 0));
    this.store.set({ selected: cell.position, lane: lane.index, step, follow: false, playing: false });
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { x, y } = this.#place(event);
    this.#zoom(magnified(this.#shown, Math.exp(-event.deltaY / 160), this.#frame.at(x, y)));
  }

  /** Two fingers: what lay under them stays under them. @param {number} moving @param {{x: number, y: number}} at */
  #pinch(moving, at) {
    const before = this.#spread();
    this.fingers.set(moving, at);
    const after = this.#spread();
    this.dragged = true;
    this.start = null;
    const frame = this.#frame;
    const grown = magnified(this.#shown, after.size / Math.max(1, before.size), frame.at(before.x, before.y));
    const by = [(before.x - after.x) / frame.cellWidth, (before.y - after.y) / frame.cellHeight];
    this.#zoom(moved(grown, /** @type {[number, number]} */ (by)));
  }

  /** Middle and distance of two fingers. */
  #spread() {
    const [one, other] = [...this.fingers.values()];
    return {
      x: (one.x + other.x) / 2,
      y: (one.y + other.y) / 2,
      size: Math.hypot(one.x - other.x, one.y - other.y),
    };
  }
}

/**
 * A box from one corner to another, kept within the plot area.
 * @param {{x: number, y: number}} one @param {{x: number, y: number}} other
 * @param {{left: number, top: number, width: number, height: number}} area
 * @returns {[number, number, number, number]} left, top, right, bottom
 */
function boxOf(one, other, { left, top, width, height }) {
  const [x0, x1] = side(one.x, other.x, left, left + width);
  const [y0, y1] = side(one.y, other.y, top, top + height);
  return [x0, y0, x1, y1];
}

/** @param {number} one @param {number} other @param {number} least @param {number} most */
function side(one, other, least, most) {
  if (Math.abs(one - other) < FLAT) return [least, most];
  return [Math.min(one, other), Math.max(one, other)].map((value) => Math.max(least, Math.min(most, value)));
}

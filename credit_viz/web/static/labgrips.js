/**
 * Two grips on every axis of parallel coordinates: dragged by mouse or finger, or moved by keys, they say which part of
 * the axis is brushed. Everywhere else a finger scrolls the page. Knows places of axes; nothing of marks or settings.
 */

import { h } from "./dom.js";

/**
 * An axis in pixels of its picture, from the top.
 * @typedef {{at: number, name: string, top: number, bottom: number, ticks: {at: number, text: string}[]}} Axis
 */
/** @typedef {[number, number]} Range pixels along an axis, upper end first */

const ENDS = /** @type {const} */ (["upper", "lower"]);
const LEAST = 8; // pixels between two grips
const NEAR = 4; // pixels from a tick that count as on it
/** How far a key moves a grip up, in shares of its axis. @type {Record<string, number>} */
const KEYS = { ArrowUp: 1 / 40, ArrowDown: -1 / 40, PageUp: 1 / 8, PageDown: -1 / 8, Home: -1, End: 1 };

/** What stands at a height of an axis, in words. @param {Axis} axis @param {number} y pixels */
export function wordsAt({ top, bottom, ticks }, y) {
  if (y <= top || y >= bottom) return "no limit";
  const nearest = [...ticks].sort((a, b) => Math.abs(a.at - y) - Math.abs(b.at - y))[0];
  if (!nearest) return "";
  if (Math.abs(nearest.at - y) <= NEAR) return nearest.text;
  const above = ticks.filter(({ at }) => at < y).sort((a, b) => b.at - a.at)[0];
  const below = ticks.filter(({ at }) => at > y).sort((a, b) => a.at - b.at)[0];
  if (above && below) return `between ${below.text} and ${above.text}`;
  return above ? `below ${above.text}` : `above ${below.text}`;
}

/**
 * A range after one of its ends was moved; null where it is the whole axis.
 * @param {Axis} axis @param {Range} range @param {0 | 1} end @param {number} y pixels @returns {Range | null}
 */
export function moved({ top, bottom }, [from, to], end, y) {
  const upper = end ? from : Math.max(top, Math.min(y, to - LEAST));
  const lower = end ? Math.min(bottom, Math.max(y, from + LEAST)) : to;
  return upper <= top && lower >= bottom ? null : [upper, lower];
}

export class Grips {
  /** @param {(axis: number, range: Range | null) => void} brush the axis by its place */
  constructor(brush) {
    this.brush = brush;
    /** @type {Axis[]} */
    this.axes = [];
    /** @type {Map<number, Range>} by place of the axis */
    this.ranges = new Map();
    this.active = 0; // axis whose grips Tab reaches
    this.root = h("div", { class: "cv-pic-grips" });
  }

  /** @param {Axis[]} axes none: there are no grips */
  fit(axes) {
    this.axes = axes;
    this.active = Math.min(this.active, Math.max(0, axes.length - 1));
    const grips = axes.flatMap((_, i) => ENDS.map((_, end) => this.#grip(i, /** @type {0 | 1} */ (end))));
    if (grips.length !== this.root.children.length) this.root.replaceChildren(...grips);
  }

  /** @param {Map<number, Range>} ranges */
  draw(ranges) {
    this.ranges = ranges;
    const grips = /** @type {HTMLElement[]} */ ([...this.root.children]);
    grips.forEach((grip, n) => {
      const [axis, end] = [this.axes[n >> 1], n % 2];
      const y = this.#range(axis)[end];
      const { at, name, top, bottom } = axis;
      grip.style.transform = `translate(${at}px, ${y}px)`;
      grip.tabIndex = n >> 1 === this.active ? 0 : -1;
      grip.setAttribute("aria-label", `${name}, ${ENDS[end]} end`);
      grip.setAttribute("aria-valuenow", String(Math.round((100 * (bottom - y)) / (bottom - top))));
      grip.setAttribute("aria-valuetext", wordsAt(axis, y));
    });
  }

  /** @param {Axis} axis @returns {Range} */
  #range({ at, top, bottom }) {
    return this.ranges.get(at) ?? [top, bottom];
  }

  /** @param {number} i axis @param {0 | 1} end */
  #grip(i, end) {
    const grip = h("div", {
      class: `cv-pic-grip ${ENDS[end]}`,
      role: "slider",
      "aria-orientation": "vertical",
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": end ? 0 : 100,
    });
    let held = 0; // pixels from the pointer to the end
    grip.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      event.stopPropagation();
      grip.setPointerCapture(event.pointerId);
      held = this.#range(this.axes[i])[end] - this.#height(event);
    });
    grip.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (!grip.hasPointerCapture(event.pointerId)) return;
      event.stopPropagation();
      this.#move(i, end, this.#height(event) + held);
    });
    grip.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(i, end, event));
    grip.addEventListener("focus", () => {
      this.active = i;
      this.draw(this.ranges);
    });
    return grip;
  }

  /** Pixels from the top of the picture, which moves when the line above it grows. @param {PointerEvent} event */
  #height({ clientY }) {
    return clientY - this.root.getBoundingClientRect().top;
  }

  /** @param {number} i axis @param {0 | 1} end @param {number} y pixels */
  #move(i, end, y) {
    const axis = this.axes[i];
    this.brush(axis.at, moved(axis, this.#range(axis), end, y));
  }

  /** @param {number} i axis @param {0 | 1} end @param {KeyboardEvent} event */
  #key(i, end, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { top, bottom } = this.axes[i];
    const aside = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (aside) /** @type {HTMLElement | undefined} */ (this.root.children[2 * (i + aside) + end])?.focus();
    else if (event.key in KEYS) this.#move(i, end, this.#range(this.axes[i])[end] - KEYS[event.key] * (bottom - top));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

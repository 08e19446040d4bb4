/**
 * A canvas over a picture of a sweep: what is brushed stays bright while the picture below is dimmed, and the mark under
 * the pointer is outlined. Redrawn in a fraction of a millisecond, so that brushing never waits for Plotly.
 */

import { h } from "./dom.js";

/** @typedef {import("./labmarks.js").Mark} Mark */
/** @typedef {import("./labmarks.js").Point} Point */
/** @typedef {import("./labmarks.js").Box} Box */

/**
 * What is drawn over a picture.
 * @typedef {object} Scene
 * @property {Mark[]} marks
 * @property {Set<number> | null} bright settings that are brushed, null where nothing is
 * @property {Mark | null} pointed
 * @property {Point[] | null} lasso a box has four corners
 * @property {Map<number, [number, number]> | null} ranges along axes of parallel coordinates
 * @property {Map<number, {letter: string, color: string}>} tags of the settings that are compared
 * @property {{card: string, ink: string, focus: string}} colors
 */

const MANY = 60; // lines; more of them are drawn as thin as can be, which is ten times as fast
const TAG = 18; // pixels of a letter's square
const VEIL = 0.82; // of the card's colour over cells of which nothing is brushed
const PARTLY = 0.5; // over those of which something is; all of it needs none

export class Overlay {
  constructor() {
    this.root = h("canvas", { class: "cv-pic-overlay", "aria-hidden": "true" });
    this.dots = 1; // of the screen for a pixel of the page
    this.paint = /** @type {CanvasRenderingContext2D} */ (this.root.getContext("2d"));
  }

  /** @param {{width: number, height: number}} size pixels of the picture */
  fit({ width, height }) {
    const dots = window.devicePixelRatio || 1;
    this.dots = dots;
    Object.assign(this.root, { width: Math.round(width * dots), height: Math.round(height * dots) });
    Object.assign(this.root.style, { width: `${width}px`, height: `${height}px` });
    this.paint.setTransform(dots, 0, 0, dots, 0, 0);
  }

  /** @param {Scene} scene */
  draw({ marks, bright, pointed, lasso, ranges, tags, colors }) {
    const { paint } = this;
    paint.lineJoin = "round";
    paint.clearRect(0, 0, this.root.width, this.root.height);
    if (bright) this.#light(marks, bright, colors);
    if (pointed) this.#outline(pointed, colors);
    if (lasso && lasso.length > 1) this.#area(lasso, colors);
    if (ranges) this.#ranges(ranges, colors);
    if (tags.size) this.#tags(marks, tags, colors);
  }

  /**
   * A letter above each dot of a setting that is compared; a line leads to it.
   * @param {Mark[]} marks @param {Scene["tags"]} tags @param {Scene["colors"]} colors
   */
  #tags(marks, tags, { card }) {
    const { paint } = this;
    paint.font = `600 12px ${getComputedStyle(this.root).fontFamily}`;
    paint.textAlign = "center";
    paint.textBaseline = "middle";
    for (const mark of marks) {
      const tag = mark.kind === "dot" && mark.rows.length === 1 && tags.get(mark.rows[0]);
      if (!tag) continue;
      const [[x, y]] = mark.points;
      const aside = tag.letter === "A" ? -TAG : TAG; // two of them may lie close together
      const [left, top] = [x + aside - TAG / 2, y - 2 * TAG];
      paint.strokeStyle = paint.fillStyle = tag.color;
      paint.lineWidth = 2;
      this.#symbol(mark, mark.size / 2 + 3);
      paint.stroke();
      paint.beginPath();
      paint.moveTo(x, y - mark.size / 2 - 3);
      paint.lineTo(x + aside, top + TAG);
      paint.stroke();
      paint.beginPath();
      paint.roundRect(left, top, TAG, TAG, 5);
      paint.fill();
      paint.fillStyle = card;
      paint.fillText(tag.letter, left + TAG / 2, top + TAG / 2 + 0.5);
    }
  }

  /**
   * Cells are veiled as far as they are not brushed; dots and lines are drawn again where they are.
   * @param {Mark[]} marks @param {Set<number>} bright @param {Scene["colors"]} colors
   */
  #light(marks, bright, colors) {
    const { paint } = this;
    /** @type {Map<string, Mark[]>} one stroke for all lines of a colour: hundreds of strokes would cost a frame */
    const lines = new Map();
    for (const mark of marks) {
      if (mark.kind === "cell") this.#veil(mark, bright, colors);
      const lit = mark.rows.some((row) => bright.has(row));
      if (mark.kind === "dot" && lit) this.#dot(mark, colors);
      if (mark.kind === "line" && lit) lines.set(mark.color, (lines.get(mark.color) ?? []).concat(mark));
    }
    const many = [...lines.values()].reduce((sum, alike) => sum + alike.length, 0) > MANY;
    for (const [color, alike] of lines) {
      paint.strokeStyle = color || colors.ink;
      paint.lineWidth = many ? 1 / this.dots : 2;
      paint.beginPath();
      for (const { points } of alike) this.#trace(points);
      paint.stroke();
    }
  }

  /** @param {Mark} mark @param {Set<number>} bright @param {Scene["colors"]} colors */
  #veil({ box, rows }, bright, { card }) {
    const dimmed = rows.filter((row) => !bright.has(row)).length / rows.length;
    if (!box || !dimmed) return;
    const { paint } = this;
    paint.globalAlpha = dimmed === 1 ? VEIL : PARTLY * dimmed;
    paint.fillStyle = card;
    paint.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    paint.globalAlpha = 1;
  }

  /** @param {Mark} mark @param {Scene["colors"]} colors */
  #dot(mark, { ink, card }) {
    const { paint } = this;
    paint.fillStyle = mark.color || ink;
    paint.strokeStyle = mark.color === card ? ink : card;
    paint.lineWidth = mark.color === card ? 2 : 1;
    this.#symbol(mark, mark.size / 2);
    paint.fill();
    paint.stroke();
  }

  /** @param {Mark} mark @param {Scene["colors"]} colors */
  #outline(mark, { ink, card }) {
    const { paint } = this;
    paint.lineWidth = 2;
    paint.strokeStyle = ink;
    if (mark.box) {
      const { left, top, right, bottom } = mark.box;
      paint.strokeRect(left + 1, top + 1, right - left - 2, bottom - top - 2);
    } else if (mark.kind === "line") {
      this.#polyline(mark.points);
      paint.lineWidth = 5;
      paint.strokeStyle = card;
      paint.stroke();
      paint.lineWidth = 2.5;
      paint.strokeStyle = ink;
      paint.stroke();
    } else {
      this.#symbol(mark, mark.size / 2 + 4);
      paint.stroke();
    }
  }

  /** @param {Point[]} points */
  #polyline(points) {
    this.paint.beginPath();
    this.#trace(points);
  }

  /** @param {Point[]} points */
  #trace(points) {
    points.forEach(([x, y], i) => (i ? this.paint.lineTo(x, y) : this.paint.moveTo(x, y)));
  }

  /** The shapes of the front, as Plotly draws them. @param {Mark} mark @param {number} r pixels */
  #symbol({ points: [[x, y]], symbol }, r) {
    const { paint } = this;
    /** @type {Record<string, [number, number][]>} */
    const corners = {
      diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
      square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
      "triangle-up": [[0, -1.15], [1.15, 0.58], [-1.15, 0.58]],
      cross: [
        [-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4],
        [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4],
      ],
    };
    paint.beginPath();
    if (corners[symbol]) corners[symbol].forEach(([u, v]) => paint.lineTo(x + u * r, y + v * r));
    else paint.arc(x, y, r, 0, 2 * Math.PI);
    paint.closePath();
  }

  /** @param {Point[]} lasso @param {Scene["colors"]} colors */
  #area(lasso, { focus }) {
    const { paint } = this;
    this.#polyline(lasso);
    paint.closePath();
    this.#filled(focus);
  }

  /** @param {Map<number, [number, number]>} ranges @param {Scene["colors"]} colors */
  #ranges(ranges, { focus }) {
    for (const [axis, [from, to]] of ranges) {
      this.paint.beginPath();
      this.paint.roundRect(axis - 6, from, 12, Math.max(2, to - from), 3);
      this.#filled(focus);
    }
  }

  /** @param {string} color */
  #filled(color) {
    const { paint } = this;
    paint.globalAlpha = 0.12;
    paint.fillStyle = color;
    paint.fill();
    paint.globalAlpha = 1;
    paint.lineWidth = 1.5;
    paint.strokeStyle = color;
    paint.stroke();
  }
}

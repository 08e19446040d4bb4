/**
 * One map: cells and axes on a canvas, marks on a second, cursor and veil on a third. Cells are painted as pixels of a
 * grid and scaled, so that new steps, a zoom and another theme cost little however large the run is: at 1024 x 1024 a
 * Plotly heatmap took 0.4 to 0.9 seconds per drawing, this takes some hundredths. Knows one lane (or two, for their
 * difference) and what to show; nothing of the store.
 */

import { NAMED_ROW, drawAxes, margins } from "./axes.js";
import { laneColor } from "./charts.js";
import { h, say } from "./dom.js";
import { Frame, within } from "./frame.js";
import { ALONE, colorsOf, darkInk, layerOf } from "./layers.js";
import {
  begin,
  drawBand,
  drawBlocks,
  drawCursor,
  drawMarks,
  drawTexts,
  drawWaiting,
  drawWritten,
  roomForText,
} from "./marks.js";
import { drawSupposed } from "./supposed.js";
import { worded } from "./text.js";

const PER_FRAME = 400_000; // cells painted at once; the rest follows in the next frames
const SMOOTH = 0.75; // device pixels; smaller cells are averaged, so that none is lost

/** Why a map is empty. @param {any} map of style.json */
export const missing = ({ plane }) =>
  ["credit", "boost"].includes(plane) ? "This decoder grants no credit." : "This was not recorded.";

/** @param {number} length positions */
const heightFor = (length) => Math.round(Math.max(230, Math.min(440, length * 5)) + 44);

/** @typedef {Pick<import("./store.js").State, "dark" | "contrast" | "tab" | "zoom" | "quantity">} Shown */

export class MapFigure {
  /**
   * @param {import("./run.js").Run} run @param {import("./lane.js").Lane[]} lanes one, or the two that are compared
   * @param {any} style boot.style @param {Shown} shown @param {number} expected steps a live run will probably have
   */
  constructor(run, lanes, style, shown, expected) {
    this.run = run;
    this.lanes = lanes;
    this.lane = lanes[lanes.length - 1]; // whose tokens, blocks and colour are shown
    this.style = style;
    this.expected = expected;
    this.cells = h("canvas", { class: "cv-canvas", "aria-hidden": "true" });
    this.marks = h("canvas", { class: "cv-canvas", "aria-hidden": "true" });
    this.over = h("canvas", { class: "cv-canvas", "aria-hidden": "true" });
    this.nothing = h("p", { class: "cv-nothing", hidden: true });
    this.root = h("div", { class: "cv-figure" }, this.cells, this.marks, this.over, this.nothing);
    this.width = 0;
    this.height = heightFor(run.length);
    this.root.style.height = `${this.height}px`;
    this.grid = document.createElement("canvas");
    this.alone = document.createElement("canvas"); // cells that only one of two lanes has
    this.painted = 0;
    /** @type {[number, number, number, number] | null} box being drawn for a zoom */
    this.band = null;
    this.shown = shown;
    /** @type {any} */
    this.supposed = null;
    /** @type {any} */
    this.cursor = { step: 0, selected: null, hover: null };
    this.content = this.#content();
    this.frame = this.#frame();
  }

  /** @returns {import("./frame.js").Zoom} */
  get fullRange() {
    const live = this.run.state === "running";
    const steps = Math.max(live ? this.expected : 8, this.run.steps);
    return [
      [0.5, steps + 0.5],
      [-0.5, this.run.length - 0.5],
    ];
  }

  /** Everything anew: size, theme, map, zoom or run state changed. @param {Shown} shown */
  draw(shown) {
    this.width = this.root.clientWidth;
    const { dark, contrast, tab, zoom, quantity } = shown;
    this.shown = { dark, contrast, tab, zoom, quantity };
    this.content = this.#content();
    this.painted = 0;
    this.#refresh();
  }

  /** Another part of the same map. @param {import("./frame.js").Zoom | null} zoom */
  show(zoom) {
    this.shown = { ...this.shown, zoom };
    this.#refresh();
  }

  /** Has the room for it changed since it was drawn? */
  get misfit() {
    return this.root.clientWidth !== this.width;
  }

  /** New steps arrived, or the run ended. */
  grow() {
    this.#refresh();
  }

  /** @param {{step: number, selected: number | null, hover: any}} [cursor] */
  drawCursor(cursor = this.cursor) {
    this.cursor = cursor;
    if (!this.width) return;
    const { dark, contrast } = this.shown;
    const { veil, ink, card: halo } = this.#surface;
    const context = begin(this.over, this.frame, this.width, this.height);
    const lane = laneColor(this.style, this.lane.index, dark);
    drawCursor(context, this.frame, cursor, { veil, ink, halo, lane, contrast });
    if (this.band) drawBand(context, this.band, ink);
    context.restore();
  }

  /** What would have been written with other knobs, over the map of its lane. @param {import("./whatif.js").Supposed | null} supposed */
  suppose(supposed) {
    const mine = supposed?.run === this.run.id && supposed.lane === this.lane.index && this.lanes.length === 1;
    const answer = mine ? supposed.answer : null;
    if (answer === this.supposed) return;
    this.supposed = answer;
    this.#refresh();
  }

  get map() {
    return this.content.map;
  }

  get layer() {
    return this.content.layer;
  }

  /** Value a cell shows, NaN where it shows none. @param {number} position @param {number} step */
  valueAt(position, step) {
    const code = this.layer.code(position, step);
    return code < 0 ? NaN : this.layer.values[code];
  }

  get #surface() {
    return this.style.surface[this.shown.dark ? "dark" : "light"];
  }

  /** What is drawn: map of style.json, cells, colour of each code. */
  #content() {
    const { tab, quantity } = this.shown;
    const map = this.style.maps[tab];
    const layer = layerOf(this.run, map, this.lanes, quantity);
    return { map, layer, colors: colorsOf(layer, map, this.style) };
  }

  /** The part on show as pixels and data; rows tall enough are named by their tokens. @returns {Frame} */
  #frame() {
    const full = this.fullRange;
    const [x, y] = within(this.shown.zoom, full) ?? full;
    const inner = this.height - margins(false, 0).top - margins(false, 0).bottom;
    this.named = inner / (y[1] - y[0]) >= NAMED_ROW;
    const { left, right, top } = margins(this.named, this.width);
    return new Frame({ left, top, width: Math.max(1, this.width - left - right), height: inner }, x, y);
  }

  #refresh() {
    if (!this.width) return;
    this.frame = this.#frame();
    const { area, xRange, yRange } = this.frame;
    this.root.dataset.frame = JSON.stringify({ area, x: xRange, y: yRange, named: this.named });
    this.#paintNew();
    this.#blit();
    this.#drawMarks();
    this.drawCursor();
  }

  /** Paint steps that are not on the grid yet; of many, only as many as one frame can take. */
  #paintNew() {
    const { layer, grid, alone } = this;
    if (layer.steps <= this.painted) return;
    if (!this.painted || grid.width < layer.steps) {
      this.painted = 0;
      const roomy = this.run.state === "running" ? Math.max(64, this.expected, layer.steps * 2) : layer.steps;
      for (const canvas of [grid, alone]) Object.assign(canvas, { width: roomy, height: layer.length });
    }
    const most = Math.max(1, Math.floor(PER_FRAME / layer.length));
    const count = Math.min(most, layer.steps - this.painted);
    this.#paintColumns(this.painted, count);
    this.painted += count;
    if (this.painted < layer.steps) requestAnimationFrame(() => this.#refresh());
  }

  /** @param {number} from steps before them @param {number} count */
  #paintColumns(from, count) {
    const { layer, colors } = this.content;
    const image = new ImageData(count, layer.length);
    const lonely = this.lanes.length > 1 ? new ImageData(count, layer.length) : null;
    const data = new Uint32Array(image.data.buffer);
    const mask = lonely && new Uint32Array(lonely.data.buffer);
    const codes = new Int16Array(layer.length);
    for (let k = 0; k < count; k += 1) {
      layer.column(from + k + 1, codes);
      for (let i = 0; i < codes.length; i += 1) {
        if (codes[i] >= 0) data[i * count + k] = colors[codes[i]];
        else if (mask && codes[i] === ALONE) mask[i * count + k] = 0xff000000;
      }
    }
    this.grid.getContext("2d")?.putImageData(image, from, 0);
    if (lonely) this.alone.getContext("2d")?.putImageData(lonely, from, 0);
  }

  /** Show the grid's part, and the axes around it. */
  #blit() {
    const { frame, layer, cells } = this;
    const context = begin(cells, frame, this.width, this.height);
    this.nothing.hidden = layer.known;
    say(this.nothing, missing(this.map));
    if (this.painted && layer.known) {
      this.#place(context, this.grid);
      if (this.lanes.length > 1) this.#hatch(context);
    }
    context.restore();
    const { line, quiet, text } = this.#surface;
    const ink = this.shown.contrast ? { line: quiet, quiet: text, text } : { line, quiet, text };
    drawAxes(context, frame, ink, this.named ? (position) => this.#nameOf(position) : null);
  }

  /** @param {CanvasRenderingContext2D} context @param {HTMLCanvasElement} source */
  #place(context, source) {
    const { frame } = this;
    const [[first, last], [top, bottom]] = frame.cells;
    const [left, right] = [Math.max(1, first), Math.min(this.painted, last)];
    const [high, low] = [Math.max(0, top), Math.min(this.layer.length - 1, bottom)];
    if (right < left || low < high) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    context.imageSmoothingEnabled = Math.min(frame.cellWidth, frame.cellHeight) * ratio < SMOOTH;
    context.imageSmoothingQuality = "medium";
    const [wide, tall] = [right - left + 1, low - high + 1];
    const [x, y] = [frame.x(left - 0.5), frame.y(high - 0.5)];
    context.drawImage(source, left - 1, high, wide, tall, x, y, frame.cellWidth * wide, frame.cellHeight * tall);
  }

  /** Cells of one lane alone: lines across, whatever their size. @param {CanvasRenderingContext2D} context */
  #hatch(context) {
    const { width, height } = this.cells;
    const sheet = new OffscreenCanvas(width, height);
    const drawing = /** @type {any} */ (sheet.getContext("2d"));
    drawing.setTransform(context.getTransform());
    this.#place(drawing, this.alone);
    drawing.setTransform(1, 0, 0, 1, 0, 0);
    drawing.globalCompositeOperation = "source-in";
    drawing.fillStyle = this.#surface.line;
    drawing.fillRect(0, 0, width, height);
    drawing.globalCompositeOperation = "source-atop";
    drawing.strokeStyle = this.#surface.quiet;
    drawing.globalAlpha = 0.55;
    drawing.beginPath();
    for (let x = -height; x < width; x += 9) {
      drawing.moveTo(x, height);
      drawing.lineTo(x + height, 0);
    }
    drawing.stroke();
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(sheet, 0, 0);
    context.restore();
  }

  #drawMarks() {
    const { frame, lane, style, map, layer } = this;
    const { dark, contrast } = this.shown;
    const context = begin(this.marks, frame, this.width, this.height);
    if (!layer.known) return context.restore();
    const texts = roomForText(frame);
    const look = { color: laneColor(style, lane.index, dark), style, contrast, texts };
    const faint = map.strength < 0.5;
    const strong = contrast ? 0.9 : 0.55;
    const dashes = [`rgba(255,255,255,${strong})`, `rgba(0,0,0,${strong})`];
    drawBlocks(context, frame, lane, faint ? [this.#surface.quiet] : dashes);
    if (texts) drawTexts(context, frame, (position, step) => this.#guess(position, step));
    if (this.lanes.length > 1)
      for (const each of this.lanes)
        drawWritten(context, frame, each, { ...look, color: laneColor(style, each.index, dark) });
    else if (faint) drawWaiting(context, frame, lane, look);
    else drawMarks(context, frame, lane, look);
    const { ink, card: page } = this.#surface;
    if (this.supposed) drawSupposed(context, frame, this.supposed, { ink, page });
    return context.restore();
  }

  /** @param {number} position @param {number} step */
  #guess(position, step) {
    const guess = this.lane.guessAt(position, step);
    const value = this.valueAt(position, step);
    if (guess < 0 || position >= this.lane.length) return null;
    const dark = Number.isNaN(value) ? !this.shown.dark : darkInk(value, this.map, this.style, this.shown.dark);
    return { text: worded(this.run.text(guess)), dark };
  }

  /** What stands at a position in the end. @param {number} position */
  #nameOf(position) {
    const names = this.lanes.map((lane) => {
      const token = position < lane.length ? lane.tokenAt(position, lane.steps) : -1;
      return token < 0 ? "·" : lane.isEnd(token) ? "(end)" : worded(this.run.text(token));
    });
    return [...new Set(names)].join(" / ");
  }
}

/**
 * One lane's map: a Plotly heatmap under two canvases (marks; cursor and veil). While a run is live, new cells are
 * painted as pixels; Plotly takes over when it ends. Knows one lane and what to show of it, nothing of the store.
 */

import { CONFIG, axisTitle, baseLayout, laneColor, wholeTicks } from "./charts.js";
import { h } from "./dom.js";
import { Frame, begin, drawBlocks, drawCursor, drawMarks, drawWaiting } from "./marks.js";
import { pixels, plotlyScale, shares } from "./scales.js";

const MARGIN = { l: 46, r: 10, t: 4, b: 40 };

/** @param {number} length positions */
const heightFor = (length) => Math.round(Math.max(230, Math.min(440, length * 5)) + MARGIN.t + MARGIN.b);

export class MapFigure {
  /**
   * @param {import("./lane.js").Lane} lane @param {import("./run.js").Run} run @param {any} style boot.style
   * @param {(range: [number, number][] | null) => void} onZoom told of the visible ranges, null after a reset
   */
  constructor(lane, run, style, onZoom) {
    Object.assign(this, { lane, run, style, onZoom });
    this.lane = lane;
    this.run = run;
    this.style = style;
    this.onZoom = onZoom;
    this.plot = h("div", { class: "cv-plot" });
    this.raster = h("canvas", { class: "cv-canvas", "aria-hidden": "true" });
    this.marks = h("canvas", { class: "cv-canvas", "aria-hidden": "true" });
    this.over = h("canvas", { class: "cv-canvas", "aria-hidden": "true" });
    this.nothing = h("p", { class: "cv-nothing", hidden: true }, "This decoder grants no credit.");
    this.root = h("div", { class: "cv-figure" }, this.plot, this.raster, this.marks, this.over, this.nothing);
    this.width = 0;
    this.height = heightFor(lane.length);
    this.root.style.height = `${this.height}px`;
    this.grid = document.createElement("canvas");
    this.painted = 0;
    /** @type {any} */
    this.plotly = null;
    this.handed = false;
    /** @type {[number, number][] | null} */
    this.zoom = null;
    this.dark = false;
    this.map = style.maps.waiting;
  }

  /** Visible part as pixels and data. @returns {Frame} */
  get frame() {
    const area = {
      left: MARGIN.l,
      top: MARGIN.t,
      width: this.width - MARGIN.l - MARGIN.r,
      height: this.height - MARGIN.t - MARGIN.b,
    };
    const [x, y] = this.zoom ?? this.fullRange;
    return new Frame(area, x, y);
  }

  /** @returns {[number, number][]} */
  get fullRange() {
    const live = this.run.state === "running";
    const steps = Math.max(live ? this.lane.length : 8, this.run.steps);
    return [
      [0.5, steps + 0.5],
      [-0.5, this.lane.length - 0.5],
    ];
  }

  /** Everything anew: size, theme, map or run state changed. @param {{dark: boolean, tab: string}} look */
  draw({ dark, tab }) {
    this.width = this.root.clientWidth;
    if (!this.width) return;
    this.dark = dark;
    this.map = this.style.maps[tab];
    this.painted = 0;
    this.handed = false;
    this.#paintNew();
    this.#plotAxes();
    this.drawMarks();
  }

  /** Has the room for it changed since it was drawn? */
  get misfit() {
    return this.root.clientWidth !== this.width;
  }

  /** New steps arrived. */
  grow() {
    if (!this.width) return;
    this.#paintNew();
    this.drawMarks();
  }

  drawMarks() {
    const { frame, lane, style } = this;
    const context = begin(this.marks, frame, this.width, this.height);
    const surface = style.surface[this.dark ? "dark" : "light"];
    const waiting = this.map === style.maps.waiting;
    this.nothing.hidden = !lane.steps || this.map.plane in lane.planes;
    if (!this.nothing.hidden) return context.restore();
    drawBlocks(context, frame, lane, waiting ? surface.quiet : "rgba(255,255,255,0.55)");
    if (waiting) drawWaiting(context, frame, lane, style.marks, laneColor(style, lane.index, this.dark));
    else drawMarks(context, frame, lane, style.marks);
    return context.restore();
  }

  /** @param {{step: number, selected: number | null, hover: any}} shown */
  drawCursor(shown) {
    if (!this.width) return;
    const surface = this.style.surface[this.dark ? "dark" : "light"];
    const context = begin(this.over, this.frame, this.width, this.height);
    const colors = { veil: surface.veil, ink: surface.ink, lane: laneColor(this.style, this.lane.index, this.dark) };
    drawCursor(context, this.frame, shown, colors);
    context.restore();
  }

  /** Hand the map over to Plotly, or only its axes while the run is live. @param {any} plotly */
  usePlotly(plotly) {
    this.plotly = plotly;
    this.#plotAxes();
  }

  /** Show another part. @param {[number, number][] | null} zoom */
  setZoom(zoom) {
    this.zoom = zoom;
    if (this.plotly) this.plotly.relayout(this.plot, this.#ranges());
    this.#blit();
    this.drawMarks();
  }

  dispose() {
    if (this.plotly) this.plotly.purge(this.plot);
  }

  /** Byte table of the shown map. */
  #table() {
    const scale = this.style.scales[this.map.scale];
    const values = this.run.values[this.map.plane];
    return { scale, table: shares(values, scale), bytes: this.lane.planes[this.map.plane] };
  }

  /** Paint steps that are not on the pixel grid yet, then show it. */
  #paintNew() {
    const { lane, grid } = this;
    if (this.handed || !lane.steps) return this.#blit();
    const { scale, table, bytes } = this.#table();
    if (grid.height !== lane.length || grid.width < lane.steps || this.painted === 0) {
      Object.assign(grid, {
        width: Math.max(64, lane.steps * 2, this.run.state === "running" ? lane.length : 0),
        height: lane.length,
      });
      this.painted = 0;
    }
    const count = lane.steps - this.painted;
    if (count > 0 && bytes) {
      const context = /** @type {CanvasRenderingContext2D} */ (grid.getContext("2d"));
      const image = context.createImageData(count, lane.length);
      const data = new Uint32Array(image.data.buffer);
      const colors = pixels(table, scale, this.map.strength);
      for (let k = 0; k < count; k += 1) {
        const base = lane.offset(this.painted + k + 1);
        for (let i = 0; i < lane.length; i += 1)
          if (lane.top[base + i] >= 0) data[i * count + k] = colors[bytes[base + i]];
      }
      context.putImageData(image, this.painted, 0);
    }
    this.painted = lane.steps;
    return this.#blit();
  }

  #blit() {
    const { frame } = this;
    const context = begin(this.raster, frame, this.width, this.height);
    if (!this.handed && this.painted) {
      context.imageSmoothingEnabled = false;
      const [left, top] = [frame.x(0.5), frame.y(-0.5)];
      const [wide, high] = [frame.cellWidth * this.painted, frame.cellHeight * this.lane.length];
      context.drawImage(this.grid, 0, 0, this.painted, this.lane.length, left, top, wide, high);
    }
    context.restore();
  }

  #ranges() {
    const [x, y] = this.zoom ?? this.fullRange;
    return { "xaxis.range": [...x], "yaxis.range": [y[1], y[0]] };
  }

  async #plotAxes() {
    if (!this.plotly || !this.width) return;
    const live = this.run.state === "running";
    const first = !this.plot.classList.contains("js-plotly-plot");
    await this.plotly.react(
      this.plot,
      [live ? this.#heatmap([[null]]) : this.#heatmap(this.#rows())],
      this.#layout(),
      CONFIG,
    );
    if (first) this.#listenToZoom();
    this.handed = !live;
    this.#blit();
  }

  /** @param {any} z */
  #heatmap(z) {
    const { scale } = this.#table();
    return {
      type: "heatmap",
      z,
      x0: 1,
      dx: 1,
      y0: 0,
      dy: 1,
      zmin: 0,
      zmax: 1,
      zsmooth: false,
      showscale: false,
      hoverinfo: "skip",
      colorscale: plotlyScale(scale),
      opacity: this.map.strength,
    };
  }

  /** Rows of shares for Plotly, NaN where nothing was recorded. */
  #rows() {
    const { lane } = this;
    const { table, bytes } = this.#table();
    return Array.from({ length: lane.length }, (_, i) => {
      const row = new Float32Array(lane.steps).fill(NaN);
      if (!bytes) return row;
      for (let t = 0; t < lane.steps; t += 1) {
        const cell = t * lane.length + i;
        if (lane.top[cell] >= 0) row[t] = table[bytes[cell]];
      }
      return row;
    });
  }

  #layout() {
    const { axis, font, paper_bgcolor, plot_bgcolor } = baseLayout(this.style, this.dark);
    const [x, y] = this.zoom ?? this.fullRange;
    const phone = this.width < 420;
    const flat = { ...axis, showgrid: false, fixedrange: phone };
    return {
      font,
      paper_bgcolor,
      plot_bgcolor,
      width: this.width,
      height: this.height,
      margin: MARGIN,
      dragmode: phone ? false : "zoom",
      hovermode: false,
      xaxis: {
        ...flat,
        range: [...x],
        title: axisTitle("denoising step"),
        dtick: wholeTicks(x[1] - x[0], this.width / 80),
      },
      yaxis: { ...flat, range: [y[1], y[0]], title: axisTitle("token position", 6), dtick: wholeTicks(y[1] - y[0], 6) },
    };
  }

  #listenToZoom() {
    this.plot.on("plotly_relayout", (/** @type {any} */ change) => {
      if (change["xaxis.autorange"]) return this.onZoom(null);
      if (change["xaxis.range[0]"] === undefined && change["yaxis.range[0]"] === undefined) return undefined;
      const { xaxis, yaxis } = this.plot.layout;
      return this.onZoom([
        [xaxis.range[0], xaxis.range[1]],
        [yaxis.range[1], yaxis.range[0]],
      ]);
    });
  }
}

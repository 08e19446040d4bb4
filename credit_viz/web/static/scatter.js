/**
 * Every text token by the step in which it settled and the step in which it was written, one colour per lane. Plotly
 * draws the dots; pointing, selecting and the rings around tokens are our own. Knows the store and finished lanes.
 */

import { CONFIG, axisTitle, baseLayout, laneColor, loadPlotly, wholeTicks } from "./charts.js";
import { fill, h, say } from "./dom.js";
import { pointsOf } from "./order.js";
import { counted, quoted } from "./text.js";

/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./order.js").Point & {lane: number}} Dot */

const MARGIN = { l: 46, r: 10, t: 8, b: 42 };
const DOT = 5; // pixels across for one token; the area grows with the number of tokens, as in the Python figure
const LARGEST = 26;
const REACH = 14; // pixels around the pointer
const FINGER = 26; // pixels around a finger
const NAMED = 6; // of the tokens in one dot, so many are named

/** Pixels across of a dot. @param {Dot} dot */
const sizeOf = ({ positions }) => Math.min(DOT * Math.sqrt(positions.length), LARGEST);

/**
 * @param {import("./store.js").Store} store @param {string} base
 * @returns {{root: Node, draw: (run: Run, state: State, names: string[]) => Promise<void>, point: (state: State) => void}}
 */
export function scatter(store, base) {
  const plot = h("div", { class: "cv-plot", role: "img" });
  const rings = h("div", { class: "cv-rings", "aria-hidden": "true" });
  const room = h("div", { class: "cv-chart-room cv-scatter" }, plot, rings);
  const told = h("p", { class: "cv-help cv-scatter-told" }, "Point at a dot to see its token.");
  const shown = new Dots();
  const draw = async (/** @type {Run} */ run, /** @type {State} */ { boot, dark }, /** @type {string[]} */ names) => {
    plot.setAttribute(
      "aria-label",
      `Settled step against written step: ${names.join(", ")}; the numbers are in the table`,
    );
    const plotly = await loadPlotly(base);
    const size = { width: room.clientWidth, height: room.clientHeight };
    if (!size.width) return;
    shown.take(run, names, size);
    await plotly.react(plot, traces(shown, boot.style, dark), layout(shown, boot.style, dark), CONFIG);
    point(store.state);
  };
  const point = (/** @type {State} */ { selected, hover }) => {
    const at = (/** @type {number | null | undefined} */ position, /** @type {string} */ kind) =>
      position === null || position === undefined ? [] : shown.with(position).map((dot) => ring(shown, dot, kind));
    fill(rings, at(selected, "selected"), at(hover?.position, "hover"));
  };
  listen(store, room, shown, (dot) => say(told, dot ? shown.words(dot) : "Point at a dot to see its token."));
  return { root: h("div", {}, room, told), draw, point };
}

/** The dots on show and where they are. */
class Dots {
  constructor() {
    /** @type {Dot[]} */
    this.all = [];
    /** @type {Run | null} */
    this.run = null;
    /** @type {string[]} */
    this.names = [];
    this.size = { width: 0, height: 0 };
  }

  /** @param {Run} run @param {string[]} names @param {{width: number, height: number}} size */
  take(run, names, size) {
    Object.assign(this, { run, names, size });
    this.all = run.lanes.flatMap((lane) => pointsOf(lane).map((point) => ({ ...point, lane: lane.index })));
  }

  get span() {
    return Math.max(8, ...this.all.map(({ written }) => written));
  }

  /** Pixels. @param {Dot} dot */
  place({ settled, written }) {
    const [width, height] = [this.size.width - MARGIN.l - MARGIN.r, this.size.height - MARGIN.t - MARGIN.b];
    return {
      x: MARGIN.l + ((settled - 0.5) / this.span) * width,
      y: MARGIN.t + (1 - (written - 0.5) / this.span) * height,
    };
  }

  /** Nearest dot within reach. @param {number} x @param {number} y @param {number} reach pixels */
  near(x, y, reach) {
    let best = null;
    let least = reach;
    for (const dot of this.all) {
      const at = this.place(dot);
      const distance = Math.hypot(at.x - x, at.y - y) - sizeOf(dot) / 2;
      if (distance < least) [least, best] = [distance, dot];
    }
    return best;
  }

  /** Dots that hold a position. @param {number} position */
  with(position) {
    return this.all.filter(({ positions }) => positions.includes(position));
  }

  /** @param {Dot} dot */
  words({ lane, positions, settled, written }) {
    const { lanes } = /** @type {Run} */ (this.run);
    const text = (/** @type {number} */ position) =>
      quoted(/** @type {Run} */ (this.run).text(lanes[lane].tokenAt(position, lanes[lane].steps)));
    const more = positions.length > NAMED ? ` and ${positions.length - NAMED} more` : "";
    const words = `${positions.slice(0, NAMED).map(text).join(" ")}${more}`;
    const waited = written > settled ? `waited ${counted(written - settled, "step")}` : "at once";
    return `${this.names[lane]}: ${words} – settled in step ${settled}, written in step ${written}, ${waited}`;
  }
}

/** @param {import("./store.js").Store} store @param {HTMLElement} room @param {Dots} shown @param {(dot: Dot | null) => void} tell */
function listen(store, room, shown, tell) {
  const dotAt = (/** @type {PointerEvent} */ event) => {
    const box = room.getBoundingClientRect();
    const reach = event.pointerType === "touch" ? FINGER : REACH;
    return shown.near(event.clientX - box.left, event.clientY - box.top, reach);
  };
  let hovered = /** @type {Dot | null} */ (null);
  room.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse") return;
    const dot = dotAt(event);
    if (dot === hovered) return;
    hovered = dot;
    room.classList.toggle("pointing", dot !== null);
    tell(dot);
    store.set({ hover: dot && { lane: dot.lane, position: dot.positions[0], step: null } });
  });
  room.addEventListener("pointerleave", () => {
    hovered = null;
    tell(null);
    store.set({ hover: null });
  });
  room.addEventListener("click", (/** @type {any} */ event) => {
    const dot = dotAt(event);
    if (!dot) return;
    tell(dot);
    const { selected, lane } = store.state;
    const next = lane === dot.lane ? dot.positions.indexOf(selected ?? -1) + 1 : 0; // clicking on walks through a dot
    store.set({ selected: dot.positions[next % dot.positions.length], lane: dot.lane });
  });
}

/** @param {Dots} shown @param {Dot} dot @param {string} kind */
function ring(shown, dot, kind) {
  const { x, y } = shown.place(dot);
  const size = sizeOf(dot) + 8;
  return h("i", {
    class: `cv-ring cv-lane ${kind}`,
    data: { lane: String(dot.lane) },
    style: `width:${size}px;height:${size}px;transform:translate(${x - size / 2}px,${y - size / 2}px)`,
  });
}

/** @param {Dots} shown @param {any} style @param {boolean} dark */
function traces(shown, style, dark) {
  const { surface } = baseLayout(style, dark);
  const ends = [0.5, shown.span + 0.5];
  const diagonal = { color: surface.quiet, width: 1, dash: "dot" };
  const lanes = [...new Set(shown.all.map(({ lane }) => lane))];
  const dots = lanes.map((lane) => {
    const mine = shown.all.filter((dot) => dot.lane === lane);
    const color = laneColor(style, lane, dark);
    return {
      x: mine.map((dot) => dot.settled),
      y: mine.map((dot) => dot.written),
      type: "scatter",
      mode: "markers",
      hoverinfo: "skip",
      marker: { color, opacity: 0.55, size: mine.map(sizeOf), line: { color, width: 1 } },
    };
  });
  return [{ x: ends, y: ends, type: "scatter", mode: "lines", line: diagonal, hoverinfo: "skip" }, ...dots];
}

/** @param {Dots} shown @param {any} style @param {boolean} dark */
function layout(shown, style, dark) {
  const { axis, font, paper_bgcolor, plot_bgcolor } = baseLayout(style, dark);
  const shared = { ...axis, fixedrange: true, range: [0.5, shown.span + 0.5] };
  return {
    font,
    paper_bgcolor,
    plot_bgcolor,
    ...shown.size,
    margin: MARGIN,
    showlegend: false,
    dragmode: false,
    hovermode: false,
    xaxis: { ...shared, title: axisTitle("settled in step"), dtick: wholeTicks(shown.span, shown.size.width / 70) },
    yaxis: { ...shared, title: axisTitle("written in step", 6), dtick: wholeTicks(shown.span, 5) },
  };
}

/**
 * Confidence of one position over the steps, in all lanes, with the bar it had to reach and how credit lowers it.
 * Knows exact numbers and Plotly; the cursor is a plain element, so that scrubbing does not redraw the chart.
 */

import { CONFIG, axisTitle, baseLayout, laneColor, loadPlotly, wholeTicks } from "./charts.js";
import { fill, h } from "./dom.js";
import { effectiveThreshold, shortName } from "./explain.js";
import { namesAbove } from "./labels.js";
import { markOf } from "./lane.js";
import { laneName } from "./names.js";
import { plotlySafe } from "./text.js";

const MARGIN = { l: 40, r: 10, t: 8, b: 38 };
const HEIGHT = 210;
const NAME = 16; // pixels a row of names takes; there is room for a row per lane
const TOP = 1.03; // end of the axis of confidence

/** @param {import("./store.js").Store} store @param {string} base @returns {Node} */
export function lineChart(store, base) {
  const plot = h("div", {
    class: "cv-plot",
    role: "img",
    "aria-label": "Confidence over the steps; the numbers of each step are in the list beside it",
  });
  const cursor = h("i", { class: "cv-chart-cursor" });
  const keys = h("p", { class: "cv-keys" });
  const root = h(
    "div",
    { class: "cv-chart", style: `min-height:${HEIGHT}px` },
    keys,
    h("div", { class: "cv-chart-area" }, plot, cursor),
  );
  let width = 0; // kept, because asking for it while scrubbing would force a layout
  let near = false; // Plotly is large: it is fetched for those who come here
  const draw = async () => {
    const { exact, run, selected, boot, dark } = store.state;
    root.hidden = !(exact && run && exact.position === selected);
    if (root.hidden || !near) return;
    const plotly = await loadPlotly(base);
    if (store.state.exact !== exact || !run) return;
    width = root.clientWidth;
    const lines = run.lanes.flatMap((lane) => linesOf(lane, exact.position, exact.lanes[lane.index]));
    const kinds = Object.keys(LINES).filter((kind) => lines.some((line) => line.kind === kind));
    const scores = new Set(lines.filter(isScore).map((line) => shortName(run.lanes[line.lane].info.score)));
    fill(
      keys,
      kinds.map((kind) => key(kind, kind === "score" ? [...scores].join(", ") : LINES[kind].name)),
    );
    await plotly.react(
      plot,
      traces(run, exact, lines, boot.style, dark),
      layout(run, exact, boot, lines, dark, width),
      CONFIG,
    );
    place();
  };
  const place = () => {
    const { run, step, exact } = store.state;
    if (!run || !exact) return;
    const span = width - MARGIN.l - MARGIN.r;
    const x = MARGIN.l + ((step - 0.5) / stepsShown(run, exact)) * span;
    cursor.classList.toggle("past", step > stepsShown(run, exact));
    cursor.style.transform = `translateX(${Math.max(MARGIN.l, Math.min(MARGIN.l + span, x))}px)`;
  };
  store.view(["exact", "dark"], () => void draw());
  store.view(["step"], place);
  new ResizeObserver(() => void draw()).observe(root);
  const watch = (/** @type {IntersectionObserverEntry[]} */ entries) => {
    near = entries[entries.length - 1].isIntersecting;
    void draw();
  };
  new IntersectionObserver(watch, { rootMargin: "400px" }).observe(root);
  return root;
}

/** What is drawn, in which style, and what it is called. @type {Record<string, {name: string, look: any}>} */
const LINES = {
  solid: { name: "confidence", look: { width: 2 } },
  dotted: { name: "fused confidence", look: { width: 2, dash: "dot" } },
  score: { name: "score", look: { width: 1.4, dash: "dashdot" } },
  thin: { name: "bar: what had to be reached", look: { width: 1, shape: "hvh" } },
  dashed: { name: "enough, given the credit", look: { width: 1.2, dash: "dash" } },
};

/** @param {string} kind @param {string} name */
const key = (kind, name) => h("span", { class: "cv-key" }, h("i", { class: `cv-key-line ${kind}` }), name);

/** @typedef {{lane: number, kind: string, y: (number | null)[]}} Line */

/** @param {Line} line */
const isScore = ({ kind }) => kind === "score";

/** @param {import("./lane.js").Lane} lane @param {number} position @param {any} numbers exact ones @returns {Line[]} */
function linesOf(lane, position, { n, k, steps: at, ids, winner_ids, winner_p, winner_fused, p, boost, bar, score }) {
  if (!n) return [];
  const steps = Array.from({ length: n }, (_, i) => i);
  const of = (/** @type {string} */ kind, /** @type {(i: number) => number} */ value) => ({
    lane: lane.index,
    kind,
    y: steps.map((i) => shown(value(i))),
  });
  // where a token is taken back the decoder's choice is the mask: what stood there says more
  const standing = (/** @type {number} */ i) => {
    const held = lane.idOf(lane.tokenAt(position, at[i] - 1));
    const place = ids.subarray(i * k, i * k + k).indexOf(held);
    return place < 0 ? NaN : p[i * k + place];
  };
  const back = (/** @type {number} */ i) => winner_ids[i] === lane.info.mask_id;
  const confidence = (/** @type {number} */ i) => (back(i) ? standing(i) : winner_p[i]);
  const fused = (/** @type {number} */ i) => (back(i) ? standing(i) : winner_fused[i]);
  const differ = (/** @type {(i: number) => number} */ value, /** @type {(i: number) => number} */ from) =>
    steps.some((i) => Math.abs(value(i) - from(i)) > 1e-6);
  const lines = [of("solid", confidence)];
  if (differ(fused, confidence)) lines.push(of("dotted", fused));
  if (score && differ((i) => score[i], fused)) lines.push(of("score", (i) => score[i]));
  if (bar) lines.push(of("thin", (i) => bar[i]));
  if (bar && boost && !score) lines.push(of("dashed", (i) => effectiveThreshold(bar[i], boost[i])));
  return lines.filter((line) => line.y.some((y) => y !== null));
}

/** A gap where there is no number, or one that is no share of 1. @param {number} value */
const shown = (value) => (value >= 0 && value <= 1.03 ? value : null);

/** @param {import("./run.js").Run} run @param {any} exact @param {Line[]} lines @param {any} style @param {boolean} dark */
function traces(run, exact, lines, style, dark) {
  const drawn = lines.map(({ lane, kind, y }) => ({
    x: Array.from(exact.lanes[lane].steps),
    y,
    type: "scatter",
    mode: kind === "thin" ? "lines+markers" : "lines", // a bar that was judged once is no line
    marker: { symbol: "line-ew", size: 7, line: { color: laneColor(style, lane, dark), width: 1 } },
    line: { color: laneColor(style, lane, dark), ...LINES[kind].look },
    hoverinfo: "skip",
  }));
  return [...drawn, ...run.lanes.flatMap((lane) => eventMarks(lane, exact, lines, style))];
}

/** Marks of what happened, on the lane's confidence. @param {import("./lane.js").Lane} lane @param {any} exact @param {Line[]} lines @param {any} style */
function eventMarks(lane, exact, lines, style) {
  const confidence = lines.find((line) => line.lane === lane.index && line.kind === "solid");
  const steps = Array.from(exact.lanes[lane.index].steps ?? []);
  return lane.story(exact.position).flatMap((event) => {
    const at = steps.indexOf(event.step);
    if (at < 0 || !confidence) return [];
    const { shape, color, outline } = style.marks[markOf(event)];
    const marker = { color, size: 9, symbol: SYMBOLS[shape], line: { color: outline, width: 1 } };
    return [{ x: [event.step], y: [confidence.y[at]], type: "scatter", mode: "markers", marker, hoverinfo: "skip" }];
  });
}

/** Plotly's names of the shapes in style.json. @type {Record<string, string>} */
const SYMBOLS = { dot: "circle", cross: "x", diamond: "diamond", square: "square" };

/** The axis ends where the position was last recorded. @param {import("./run.js").Run} run @param {any} exact */
const stepsShown = (run, exact) =>
  Math.min(
    run.steps,
    Math.max(7, ...exact.lanes.map((/** @type {any} */ lane) => (lane.n ? lane.steps[lane.n - 1] : 0))) + 1,
  );

/** The lanes' names over the ends of their lines. @param {import("./run.js").Run} run @param {any} exact @param {Line[]} lines @param {any} boot @param {boolean} dark @param {number} width */
function lineNames(run, exact, lines, boot, dark, width) {
  const span = width - MARGIN.l - MARGIN.r;
  const steps = stepsShown(run, exact);
  const ends = lines
    .filter(({ kind }) => kind === "solid")
    .map(({ lane, y }) => {
      const { n, steps: at } = exact.lanes[lane];
      const color = laneColor(boot.style, lane, dark);
      return { step: at[n - 1], value: y[n - 1], text: laneName(boot, run, lane), color };
    });
  const places = namesAbove(
    ends.map(({ step, ...end }) => ({ ...end, x: ((step - 0.5) / steps) * span })),
    span,
  );
  const annotations = ends.map(({ text, color }, i) => ({
    x: places[i].left / span,
    xref: "paper",
    xanchor: "left",
    y: 1,
    yref: "paper",
    yanchor: "bottom",
    yshift: NAME * places[i].row,
    text: plotlySafe(text),
    font: { color, size: 12 },
    showarrow: false,
  }));
  const shapes = ends.map(({ step, value, color }) => ({
    type: "line",
    x0: step,
    x1: step,
    y0: value ?? 0,
    y1: TOP,
    line: { color, width: 1, dash: "dot" },
  }));
  return { annotations, shapes };
}

/** @param {import("./run.js").Run} run @param {any} exact @param {any} boot @param {Line[]} lines @param {boolean} dark @param {number} width */
function layout(run, exact, boot, lines, dark, width) {
  const { axis, font, paper_bgcolor, plot_bgcolor } = baseLayout(boot.style, dark);
  const steps = stepsShown(run, exact);
  const names = NAME * run.lanes.length;
  return {
    font,
    paper_bgcolor,
    plot_bgcolor,
    width,
    height: HEIGHT + names,
    margin: { ...MARGIN, t: MARGIN.t + names },
    ...lineNames(run, exact, lines, boot, dark, width),
    showlegend: false,
    dragmode: false,
    hovermode: false,
    xaxis: {
      ...axis,
      range: [0.5, steps + 0.5],
      fixedrange: true,
      title: axisTitle("denoising step"),
      dtick: wholeTicks(steps, width / 80),
    },
    yaxis: { ...axis, range: [0, TOP], fixedrange: true, dtick: 0.25, tickformat: ".2~f" },
  };
}

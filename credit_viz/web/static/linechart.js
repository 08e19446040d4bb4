/**
 * Confidence of one position over the steps, in all lanes, with the threshold and how credit lowers it.
 * Knows exact numbers and Plotly; the cursor is a plain element, so that scrubbing does not redraw the chart.
 */

import { CONFIG, axisTitle, baseLayout, laneColor, loadPlotly, wholeTicks } from "./charts.js";
import { h } from "./dom.js";
import { effectiveThreshold } from "./explain.js";

const MARGIN = { l: 40, r: 10, t: 8, b: 38 };
const HEIGHT = 210;

/** @param {import("./store.js").Store} store @param {string} base @returns {Node} */
export function lineChart(store, base) {
  const plot = h("div", {
    class: "cv-plot",
    role: "img",
    "aria-label": "Confidence over the steps; the numbers of each step are in the list beside it",
  });
  const cursor = h("i", { class: "cv-chart-cursor" });
  const keys = h(
    "p",
    { class: "cv-keys" },
    key("solid", "confidence"),
    key("dotted", "fused confidence"),
    key("dashed", "enough, given the credit"),
    key("grey", "threshold"),
  );
  const root = h(
    "div",
    { class: "cv-chart", style: `min-height:${HEIGHT}px` },
    keys,
    h("div", { class: "cv-chart-area" }, plot, cursor),
  );
  let width = 0; // kept, because asking for it while scrubbing would force a layout
  const draw = async () => {
    const { exact, run, selected, boot, dark } = store.state;
    root.hidden = !(exact && run && exact.position === selected);
    if (root.hidden) return;
    const plotly = await loadPlotly(base);
    if (store.state.exact !== exact || !run) return;
    width = root.clientWidth;
    await plotly.react(plot, traces(run, exact, boot.style, dark), layout(run, exact, boot.style, dark, width), CONFIG);
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
  return root;
}

/** @param {string} kind @param {string} text */
const key = (kind, text) => h("span", { class: "cv-key" }, h("i", { class: `cv-key-line ${kind}` }), text);

/** @param {import("./run.js").Run} run @param {any} exact @param {any} style @param {boolean} dark */
function traces(run, exact, style, dark) {
  return run.lanes.flatMap((lane) => {
    const numbers = exact.lanes[lane.index];
    if (!numbers.n) return [];
    const color = laneColor(style, lane.index, dark);
    const x = Array.from(numbers.steps);
    const last = numbers.n - 1;
    const lines = [
      line(x, numbers.winner_p, { color, width: 2 }),
      line(x, numbers.winner_fused, { color, width: 2, dash: "dot" }),
    ];
    const { threshold } = lane.info.settings;
    if (threshold && numbers.boost) {
      const enough = Array.from(numbers.boost, (boost) => effectiveThreshold(threshold, /** @type {number} */ (boost)));
      lines.push(line(x, enough, { color, width: 1.2, dash: "dash" }));
    }
    const end = {
      x: [x[last]],
      y: [numbers.winner_fused[last]],
      type: "scatter",
      mode: "markers",
      marker: { color, size: 8, line: { color: "#fff", width: 1 } },
      hoverinfo: "skip",
    };
    return [...lines, end];
  });
}

/** @param {any} x @param {any} y @param {any} look */
const line = (x, y, look) => ({ x, y: Array.from(y), type: "scatter", mode: "lines", line: look, hoverinfo: "skip" });

/** The axis ends where the position was last recorded. @param {import("./run.js").Run} run @param {any} exact */
const stepsShown = (run, exact) =>
  Math.min(run.steps, Math.max(7, ...exact.lanes.map((lane) => (lane.n ? lane.steps[lane.n - 1] : 0))) + 1);

/** @param {import("./run.js").Run} run @param {any} exact @param {any} style @param {boolean} dark @param {number} width */
function layout(run, exact, style, dark, width) {
  const { axis, font, surface, paper_bgcolor, plot_bgcolor } = baseLayout(style, dark);
  const steps = stepsShown(run, exact);
  const thresholds = [...new Set(run.lanes.map((lane) => lane.info.settings.threshold).filter(Boolean))];
  const shapes = thresholds.map((y) => ({
    type: "line",
    xref: "paper",
    x0: 0,
    x1: 1,
    y0: y,
    y1: y,
    line: { color: surface.quiet, width: 1 },
  }));
  return {
    font,
    paper_bgcolor,
    plot_bgcolor,
    width,
    height: HEIGHT,
    margin: MARGIN,
    showlegend: false,
    dragmode: false,
    hovermode: false,
    shapes,
    xaxis: {
      ...axis,
      range: [0.5, steps + 0.5],
      fixedrange: true,
      title: axisTitle("denoising step"),
      dtick: wholeTicks(steps, width / 80),
    },
    yaxis: { ...axis, range: [0, 1.03], fixedrange: true, dtick: 0.25, tickformat: ".2~f" },
  };
}

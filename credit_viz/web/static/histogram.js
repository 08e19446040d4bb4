/**
 * How many tokens waited how long: one distribution per lane. Knows finished lanes' waits and Plotly.
 */

import { CONFIG, axisTitle, baseLayout, laneColor, loadPlotly, wholeTicks } from "./charts.js";
import { h } from "./dom.js";
import { binned } from "./order.js";

const MARGIN = { l: 46, r: 10, t: 8, b: 42 };

/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./store.js").State} State */

/** @param {string} base @returns {{root: Node, draw: (run: Run, state: State, names: string[]) => Promise<void>}} */
export function histogram(base) {
  const plot = h("div", { class: "cv-plot", role: "img" });
  const root = h("div", { class: "cv-chart-room" }, plot);
  const draw = async (/** @type {Run} */ run, /** @type {State} */ { boot, dark }, /** @type {string[]} */ names) => {
    const waits = run.lanes.map((lane) => lane.countedPositions.map((position) => lane.wait(position)));
    const { size: bin, counts } = binned(waits);
    plot.setAttribute("aria-label", `Histogram of waiting in steps: ${names.join(", ")}; the numbers are in the table`);
    const plotly = await loadPlotly(base);
    const size = { width: root.clientWidth, height: root.clientHeight };
    if (!size.width) return;
    await plotly.react(plot, bars(counts, bin, boot.style, dark), layout(counts, bin, boot.style, dark, size), CONFIG);
  };
  return { root, draw };
}

/** @param {number[][]} counts @param {number} size @param {any} style @param {boolean} dark */
function bars(counts, size, style, dark) {
  return counts.map((lane, index) => ({
    type: "bar",
    x: lane.map((_, bin) => bin * size + (size - 1) / 2),
    y: lane,
    width: size * (counts.length > 1 ? 0.8 / counts.length : 0.8),
    offset: size * (counts.length > 1 ? (0.8 / counts.length) * index - 0.4 : -0.4),
    marker: { color: laneColor(style, index, dark) },
    hoverinfo: "skip",
  }));
}

/** @param {number[][]} counts @param {number} bin @param {any} style @param {boolean} dark @param {{width: number, height: number}} size */
function layout(counts, bin, style, dark, size) {
  const { axis, font, paper_bgcolor, plot_bgcolor } = baseLayout(style, dark);
  const longest = (counts[0]?.length ?? 1) * bin;
  const most = Math.max(1, ...counts.flat());
  return {
    font,
    paper_bgcolor,
    plot_bgcolor,
    ...size,
    margin: MARGIN,
    showlegend: false,
    dragmode: false,
    hovermode: false,
    bargap: 0,
    xaxis: {
      ...axis,
      showgrid: false,
      fixedrange: true,
      range: [-0.7, longest - 0.3],
      title: axisTitle("steps from settled to written"),
      dtick: wholeTicks(longest, size.width / 70),
    },
    yaxis: {
      ...axis,
      fixedrange: true,
      rangemode: "tozero",
      title: axisTitle("tokens", 6),
      dtick: wholeTicks(most, 5),
    },
  };
}

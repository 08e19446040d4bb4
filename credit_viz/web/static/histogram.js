/**
 * How long settled answers had to wait: one distribution per lane. Knows the run's waits and Plotly.
 */

import { CONFIG, axisTitle, baseLayout, laneColor, loadPlotly, wholeTicks } from "./charts.js";
import { h, say } from "./dom.js";
import { laneName } from "./names.js";
import { binned } from "./order.js";
import { steps as stepCount } from "./text.js";

const MARGIN = { l: 44, r: 10, t: 8, b: 42 };

/** @param {import("./store.js").Store} store @param {string} base @returns {Node} */
export function histogramView(store, base) {
  const plot = h("div", { class: "cv-plot", role: "img", "aria-label": "Histogram of waiting" });
  const room = h("div", { class: "cv-histogram-room" }, plot);
  const summary = h("p", { class: "cv-help" });
  const root = h(
    "section",
    { class: "cv-card cv-histogram", "aria-label": "Waiting" },
    h("h2", { class: "cv-title" }, "How long did answers wait?"),
    summary,
    room,
  );
  let drawn = "";
  const draw = async () => {
    const { run, boot, dark } = store.state;
    root.classList.toggle("stale", run?.state === "running");
    if (!run || run.state === "running") return;
    const size = { width: room.clientWidth, height: room.clientHeight };
    const wanted = `${run.id} ${dark} ${size.width} ${size.height} ${run.steps}`;
    if (wanted === drawn || !size.width) return;
    drawn = wanted;
    const means = run.lanes.map((lane) => `${laneName(boot, run, lane.index)} ${stepCount(lane.meanWait)}`);
    say(summary, `Steps between settled and written, text tokens only. On average: ${means.join(", ")}.`);
    plot.setAttribute("aria-label", `Histogram of waiting in steps. On average: ${means.join(", ")}.`);
    const plotly = await loadPlotly(base);
    const waits = run.lanes.map((lane) => lane.countedPositions.map((position) => lane.wait(position)));
    const { size: bin, counts } = binned(waits);
    await plotly.react(plot, bars(counts, bin, boot.style, dark), layout(counts, bin, boot.style, dark, size), CONFIG);
  };
  store.view(["run", "version", "dark"], () => void draw());
  new ResizeObserver(() => void draw()).observe(room);
  return root;
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

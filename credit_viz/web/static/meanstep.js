/**
 * Mean step of writing along the text, against the mean step in which the answer had settled; the form of the paper's
 * Fig. 1. Means over bins are all the smoothing. Knows finished lanes and Plotly.
 */

import { CONFIG, axisTitle, baseLayout, laneColor, loadPlotly, wholeTicks } from "./charts.js";
import { fill, h } from "./dom.js";
import { endLabels } from "./labels.js";
import { laneName } from "./names.js";
import { numbersTable } from "./numbers.js";
import { binCount, meanOf, meansAlong } from "./order.js";
import { counted } from "./text.js";

/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./order.js").Means} Means */

const MARGIN = { l: 46, r: 12, t: 10, b: 42 };
const LETTER = 6.8; // pixels of a letter in the name beside a line, about
const NARROW = 520; // pixels; below, lines are named in the key alone

/** @param {import("./compare.js").Tools} tools @returns {import("./compare.js").CompareView} */
export function meanStepView({ base }) {
  const plot = h("div", { class: "cv-plot", role: "img" });
  const room = h("div", { class: "cv-chart-room" }, plot);
  const said = h("p", { class: "cv-help" });
  const keys = h("p", { class: "cv-keys" });
  const numbers = numbersTable("Mean steps along the text");
  /** @type {import("./compare.js").CompareView["draw"]} */
  const draw = async (run, { boot, dark }) => {
    const names = run.lanes.map((lane) => laneName(boot, run, lane.index));
    const bins = binCount(run.lanes);
    const means = run.lanes.map((lane) => meansAlong(lane, bins));
    fill(said, averaged(run, bins));
    fill(keys, keyParts(run, names));
    plot.setAttribute(
      "aria-label",
      `Mean step of writing and of settling along the text: ${names.join(", ")}; the numbers are in the table`,
    );
    numbers.show(() => table(run, names, bins, means));
    const plotly = await loadPlotly(base);
    const size = { width: room.clientWidth, height: room.clientHeight };
    if (!size.width) return;
    const named = size.width >= NARROW;
    await plotly.react(
      plot,
      lines(means, bins, boot.style, dark),
      layout(means, named ? names : [], boot.style, dark, size),
      CONFIG,
    );
  };
  return { root: h("div", {}, said, keys, room, numbers.root), draw };
}

/** What is averaged. @param {Run} run @param {number} bins */
function averaged(run, bins) {
  const counts = [...new Set(run.lanes.map((lane) => lane.countedPositions.length))].sort((a, b) => a - b);
  const tokens = counts.length > 1 ? `${counts[0]} to ${counts[counts.length - 1]}` : String(counts[0]);
  return `Averaged are the ${tokens} text tokens of this run, in ${counted(bins, "equal part")} of the text; nothing else is smoothed.`;
}

/** Lanes with their means over the whole text. @param {Run} run @param {string[]} names */
function keyParts(run, names) {
  return run.lanes.map((lane) => {
    const [written, settled] = [meanOf(lane, lane.written), meanOf(lane, lane.settled)].map((mean) => mean.toFixed(1));
    return h(
      "span",
      { class: "cv-key cv-lane", data: { lane: String(lane.index) } },
      h("b", { class: "cv-lane-name" }, names[lane.index]),
      h("i", { class: "cv-key-line cv-key-own" }),
      `written ${written}`,
      h("i", { class: "cv-key-line cv-key-own dashed" }),
      `settled ${settled}`,
    );
  });
}

/** @param {Means[]} means @param {number} bins @param {any} style @param {boolean} dark */
function lines(means, bins, style, dark) {
  const x = Array.from({ length: bins }, (_, bin) => (bin + 0.5) / bins);
  const shared = { x, type: "scatter", connectgaps: true, hoverinfo: "skip" };
  return means.flatMap(({ written, settled }, lane) => {
    const color = laneColor(style, lane, dark);
    return [
      { ...shared, y: settled, mode: "lines", line: { color, width: 1.5, dash: "dash" } },
      { ...shared, y: written, mode: "lines+markers", line: { color, width: 2 }, marker: { size: 5, color } },
    ];
  });
}

/** @param {Means[]} means @param {string[]} names beside the lines @param {any} style @param {boolean} dark @param {{width: number, height: number}} size */
function layout(means, names, style, dark, size) {
  const { axis, font, paper_bgcolor, plot_bgcolor } = baseLayout(style, dark);
  const highest = Math.max(1, ...means.flatMap(({ written }) => written.filter(Number.isFinite)));
  const top = highest * 1.06;
  const ends = names.map((text, lane) => ({
    text,
    value: [...means[lane].written].reverse().find(Number.isFinite) ?? 0,
    color: laneColor(style, lane, dark),
  }));
  const labels = endLabels(ends, top, size.height - MARGIN.t - MARGIN.b);
  const room = Math.max(0, ...names.map((name) => name.length * LETTER + 12));
  return {
    font,
    paper_bgcolor,
    plot_bgcolor,
    ...size,
    margin: { ...MARGIN, r: MARGIN.r + room },
    showlegend: false,
    dragmode: false,
    hovermode: false,
    annotations: labels.map((label) => ({ ...label, x: 1.01, xref: "paper" })),
    xaxis: {
      ...axis,
      showgrid: false,
      fixedrange: true,
      range: [0, 1],
      title: axisTitle("place in the text"),
      tickvals: [0, 0.25, 0.5, 0.75, 1],
      ticktext: ["start", "¼", "½", "¾", "end"],
    },
    yaxis: { ...axis, fixedrange: true, range: [0, top], title: axisTitle("mean step", 6), dtick: wholeTicks(top, 5) },
  };
}

/** @param {Run} run @param {string[]} names @param {number} bins @param {Means[]} means */
function table(run, names, bins, means) {
  const number = (/** @type {number} */ value) => (Number.isFinite(value) ? value.toFixed(2) : "–");
  const head = ["part", ...names.flatMap((name) => [`${name}: tokens`, "written", "settled"])];
  const rows = Array.from({ length: bins }, (_, bin) => [
    `${bin + 1} of ${bins}`,
    ...means.flatMap(({ counts, written, settled }) => [
      String(counts[bin]),
      number(written[bin]),
      number(settled[bin]),
    ]),
  ]);
  const totals = run.lanes.flatMap((lane) => [
    String(lane.countedPositions.length),
    number(meanOf(lane, lane.written)),
    number(meanOf(lane, lane.settled)),
  ]);
  return { head, rows: [...rows, ["all", ...totals]] };
}

/**
 * All numbers of a run, lanes beside each other: what needs no clock first, then the wall clock with what it includes.
 * One switch for all lanes. Knows the store; the numbers are measures.js's.
 */

import { fill, h } from "./dom.js";
import { explained } from "./glossary.js";
import { contentTokensPerForward, redundantGuesses, timesFewer, tokensPerForward, wallClock } from "./measures.js";
import { laneName } from "./names.js";
import { steps as stepCount } from "./text.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./dom.js").Child} Child */

/** @param {Store} store @returns {Node} */
export function costsView(store) {
  const toggle = h(
    "button",
    {
      type: "button",
      class: "cv-more",
      "aria-controls": "cv-costs",
      onclick: () => store.set({ costs: !store.state.costs }),
    },
    "More numbers",
  );
  const table = h("table", { class: "cv-costs", id: "cv-costs" });
  store.view(["costs", "version", "run"], ({ costs, run, boot }) => {
    toggle.setAttribute("aria-expanded", String(costs));
    table.hidden = !costs || !run;
    if (costs && run) fill(table, ...rowsOf(store, run, boot));
  });
  return h("div", { class: "cv-costs-part" }, toggle, h("div", { class: "cv-costs-scroll" }, table));
}

/** @param {Store} store @param {Run} run @param {any} boot */
function rowsOf(store, run, boot) {
  const base = laneName(boot, run, 0);
  const row = (/** @type {Child} */ name, /** @type {(lane: Lane) => Child | Child[]} */ cell) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      run.lanes.map((lane) => h("td", {}, cell(lane))),
    );
  return [
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("td", {}),
        run.lanes.map((lane) =>
          h("th", { scope: "col", class: "cv-lane cv-lane-name", data: { lane: String(lane.index) } }, laneName(boot, run, lane.index)),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      row(explained("pass", "Forward passes"), (lane) => lane.steps),
      run.lanes.length > 1 && row(`Times fewer than ${base}`, (lane) => fewer(run, lane)),
      row(explained("perPass", "Tokens per pass"), (lane) => tokensPerForward(lane).toFixed(2)),
      row(explained("textPerPass", "Text tokens per pass"), (lane) => contentTokensPerForward(lane).toFixed(2)),
      row(explained("wait", "Mean wait"), (lane) => meanWait(lane)),
      row(explained("redundant", "Redundant guesses"), (lane) => redundantGuesses(lane)),
      run.lanes.length > 1 && row("Text", (lane) => (lane === run.baseline ? "–" : sameness(store, run, lane))),
    ),
    h("tbody", { class: "cv-clock" }, clockRows(run, row)),
  ];
}

/** @param {Run} run @param {(name: Child, cell: (lane: Lane) => Child | Child[]) => Node} row */
function clockRows(run, row) {
  const { device, dtype } = run.lanes[0].info;
  const clock = (/** @type {"forward" | "decoder"} */ part) => (/** @type {Lane} */ lane) => {
    const spent = wallClock(run, lane);
    return spent ? seconds(spent[part]) : "…";
  };
  return [
    h(
      "tr",
      {},
      h(
        "th",
        { scope: "colgroup", colspan: run.lanes.length + 1, class: "cv-clock-head" },
        `Wall clock (${device}, ${dtype})`,
      ),
    ),
    row(explained("forwardTime", "Forward passes"), clock("forward")),
    row(explained("decoderTime", "Decoder"), clock("decoder")),
    row(explained("tracing", "Recording"), (lane) => tracing(run, lane)),
    run.kept.length > 0 && row("", (lane) => run.kept.includes(lane.index) && "kept from an earlier run"),
  ];
}

/** @param {Run} run @param {Lane} lane */
function fewer(run, lane) {
  const times = timesFewer(run, lane);
  if (lane === run.baseline || times === null) return "–";
  return times >= 0.995 ? `${times.toFixed(2)}×` : `${times.toFixed(2)}× (more)`;
}

/** @param {Lane} lane */
function meanWait(lane) {
  if (!lane.countedPositions.length) return "–";
  const wait = lane.meanWait;
  return `${stepCount(wait)} ${wait === 1 ? "step" : "steps"}`;
}

/** What recording took beside, and its share of all. @param {Run} run @param {Lane} lane */
function tracing(run, lane) {
  const spent = wallClock(run, lane);
  if (!spent) return "…";
  if (spent.tracing === null) return "not measured";
  const all = spent.forward + spent.decoder + spent.tracing;
  return `${seconds(spent.tracing)}${all > 0 ? ` (${Math.round((100 * spent.tracing) / all)} %)` : ""}`;
}

/** @param {number} value */
const seconds = (value) => (value > 0 && value < 0.005 ? "<0.01 s" : `${value.toFixed(2)} s`);

/**
 * Is a lane's text the first lane's? Where it is not, a link leads to the first token that differs.
 * @param {Store} store @param {Run} run @param {Lane} lane @returns {Child}
 */
export function sameness(store, run, lane) {
  const position = run.firstDifference(lane);
  if (!lane.complete || !run.baseline.complete) return "–";
  if (position < 0) return "same text";
  const go = () =>
    store.set({ selected: position, lane: lane.index, step: lane.written[position], follow: false, playing: false });
  const title = `Go to token ${position}, where ${laneName(store.state.boot, run, lane.index)} wrote something else`;
  return h("button", { type: "button", class: "cv-differs", title, onclick: go }, `differs from token ${position} on`);
}

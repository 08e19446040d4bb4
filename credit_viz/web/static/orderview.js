/**
 * The text of each lane with the step of writing under every token: left to right, or in islands. Knows the store and
 * finished lanes; token text goes through textContent alone.
 */

import { fill, h, term } from "./dom.js";
import { laneName } from "./names.js";
import { numbersTable } from "./numbers.js";
import { orderOf } from "./order.js";
import { listenToTokens, markTokens } from "./pointing.js";
import { inline, quoted } from "./text.js";

/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./run.js").Run} Run */

const IN_ORDER = "Share of neighbours in the text of which the left one was not written after the right one.";
const ISLANDS =
  "Text that began away from everything written before: tokens written in one step, beside no earlier one.";
const PALEST = 10; // percent of the lane's colour behind the token written last
const STRONGEST = 62;

/** @param {import("./compare.js").Tools} tools @returns {import("./compare.js").CompareView} */
export function orderView({ store }) {
  const rows = h("div", { class: "cv-order" });
  /** @type {Map<number, HTMLElement[]>} */
  const tokens = new Map();
  let marked = { selected: -1, hover: -1 };
  listenToTokens(store, rows, ({ position, lane }) => {
    const step = store.state.run?.lanes[lane].written[position] ?? 0;
    store.set({ selected: position, lane, follow: false, playing: false, ...(step ? { step } : {}) });
  });
  const numbers = numbersTable("Steps of every text token");
  /** @type {import("./compare.js").CompareView["draw"]} */
  const draw = (run, { boot }) => {
    tokens.clear();
    marked = { selected: -1, hover: -1 };
    const names = run.lanes.map((lane) => laneName(boot, run, lane.index));
    fill(
      rows,
      run.lanes.map((lane) => laneRow(run, lane, names[lane.index], tokens)),
    );
    numbers.show(() => tokenTable(run, names));
  };
  return { root: h("div", {}, rows, numbers.root), draw, point: (state) => markTokens(tokens, marked, state) };
}

/** @param {Run} run @param {Lane} lane @param {string} name @param {Map<number, HTMLElement[]>} tokens */
function laneRow(run, lane, name, tokens) {
  const { inOrder, islands } = orderOf(lane);
  return h(
    "article",
    { class: "cv-lane cv-order-lane", data: { lane: String(lane.index) } },
    h(
      "header",
      {},
      h("h3", { class: "cv-lane-name" }, name),
      h(
        "p",
        { class: "cv-help" },
        `${Math.round(100 * inOrder)} % `,
        term("in reading order", IN_ORDER),
        `, ${islands} `,
        term(islands === 1 ? "island" : "islands", ISLANDS),
      ),
    ),
    h("div", { class: "cv-order-text" }, tokensOf(run, lane, tokens)),
  );
}

/** @param {Run} run @param {Lane} lane @param {Map<number, HTMLElement[]>} tokens */
function tokensOf(run, lane, tokens) {
  /** @type {Node[]} */
  const made = [];
  const { first, last } = orderOf(lane);
  let ends = 0;
  for (let i = 0; i < lane.length; i += 1) {
    const token = lane.tokenAt(i, lane.steps);
    const ended = token >= 0 && !lane.given.has(i) && (lane.isEnd(token) || i >= lane.textEnd);
    ends += Number(ended);
    if (ended) continue;
    const step = lane.written[i];
    const share = (last - step) / Math.max(1, last - first);
    const strength = step ? PALEST + (STRONGEST - PALEST) * Math.max(0, Math.min(1, share)) : 0;
    const node = h(
      "span",
      { class: lane.given.has(i) ? "given" : null, style: `--cv-ink:${strength.toFixed(0)}%` },
      token < 0 ? "▁" : inline(run.text(token)).trim() || "␣",
      h("small", {}, step || (lane.given.has(i) ? "given" : "–")),
    );
    node.dataset.position = String(i);
    tokens.set(i, [...(tokens.get(i) ?? []), node]);
    made.push(node);
  }
  if (ends) made.push(h("span", { class: "end", title: "end of text" }, `··· ${ends}`));
  return made;
}

/** @param {Run} run @param {string[]} names */
export function tokenTable(run, names) {
  const head = ["token", ...names.flatMap((name) => [name, "settled", "written", "waited"])];
  const rows = Array.from({ length: run.length }, (_, i) => i)
    .filter((i) => run.lanes.some((lane) => lane.isContent(i)))
    .map((i) => [String(i), ...run.lanes.flatMap((lane) => cellsOf(run, lane, i))]);
  return { head, rows };
}

/** @param {Run} run @param {Lane} lane @param {number} position */
function cellsOf(run, lane, position) {
  const token = lane.tokenAt(position, lane.steps);
  if (token < 0) return ["still masked", "", "", ""];
  const steps = [lane.settled[position], lane.written[position], lane.wait(position)].map(String);
  return [quoted(run.text(token)), ...(lane.written[position] ? steps : ["given", "", ""])];
}

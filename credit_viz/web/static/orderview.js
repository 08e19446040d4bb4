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
const PALEST = 10; // % of the lane's colour behind the last token written
const STRONGEST = 62;
const PART = 64; // tokens
const AT_ONCE = 256; // tokens between two breaths of the page

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
  let latest = 0;
  /** @type {import("./compare.js").CompareView["draw"]} */
  const draw = async (run, { boot }) => {
    const mine = (latest += 1);
    tokens.clear();
    marked = { selected: -1, hover: -1 };
    const names = run.lanes.map((lane) => laneName(boot, run, lane.index));
    const texts = run.lanes.map(() => h("div", { class: "cv-order-text" }));
    fill(
      rows,
      run.lanes.map((lane) => laneRow(lane, names[lane.index], texts[lane.index])),
    );
    numbers.show(() => tokenTable(run, names));
    let made = 0;
    for (const lane of run.lanes) {
      for (const part of tokensOf(run, lane, tokens)) {
        if (made >= AT_ONCE) await new Promise((resolve) => setTimeout(resolve));
        if (mine !== latest) return;
        made = (made % AT_ONCE) + part.length;
        texts[lane.index].append(...part);
      }
    }
    point(store.state);
  };
  const point = (/** @type {import("./store.js").State} */ state) => markTokens(tokens, marked, state);
  return { root: h("div", {}, rows, numbers.root), draw, point };
}

/** @param {Lane} lane @param {string} name @param {HTMLElement} text */
function laneRow(lane, name, text) {
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
    text,
  );
}

/** Elements of a lane's text, part by part. @param {Run} run @param {Lane} lane @param {Map<number, HTMLElement[]>} tokens */
function* tokensOf(run, lane, tokens) {
  const { first, last } = orderOf(lane);
  /** @type {Node[]} */
  let part = [];
  let ends = 0;
  for (let i = 0; i < lane.length; i += 1) {
    const token = lane.tokenAt(i, lane.steps);
    if (token >= 0 && !lane.given.has(i) && (lane.isEnd(token) || i >= lane.textEnd)) {
      ends += 1;
      continue;
    }
    const node = tokenOf(run, lane, i, token, (last - lane.written[i]) / Math.max(1, last - first));
    tokens.set(i, [...(tokens.get(i) ?? []), node]);
    part.push(node);
    if (part.length < PART) continue;
    yield part;
    part = [];
  }
  if (ends) part.push(h("span", { class: "end", title: "end of text" }, `··· ${ends}`));
  yield part;
}

/** @param {Run} run @param {Lane} lane @param {number} position @param {number} token @param {number} early 1 for the lane's first step, 0 for its last */
function tokenOf(run, lane, position, token, early) {
  const step = lane.written[position];
  const given = lane.given.has(position);
  const node = h(
    "span",
    { class: given && "given" },
    token < 0 ? "▁" : inline(run.text(token)).trim() || "␣",
    h("small", {}, step || (given ? "given" : "–")),
  );
  node.dataset.position = String(position);
  if (step && !given) {
    const strength = PALEST + (STRONGEST - PALEST) * Math.max(0, Math.min(1, early));
    node.style.setProperty("--cv-ink", `${strength.toFixed(1)}%`);
  }
  return node;
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

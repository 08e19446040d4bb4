/**
 * Where two lanes part: the step, the place, the two tokens, and what each lane held for likely when it wrote its own.
 * Knows the store, and asks the server for the exact numbers of that one place.
 */

import { boostedBar } from "./candidates.js";
import { firstDivergence, firstOrderDifference, textDifference } from "./difference.js";
import { fill, h } from "./dom.js";
import { indexAt } from "./explain.js";
import { laneName } from "./names.js";
import { ONE_LANE, goToParting, pairOf } from "./pair.js";
import { counted, precise, probability, quoted } from "./text.js";

/** @typedef {import("./compare.js").Tools} Tools */
/** @typedef {import("./lane.js").Lane} Lane */

const MOST_ROWS = 8;
const EACH = "Best guesses of both lanes at that place, each in the step in which it wrote.";
const SAME = "Best guesses of both lanes at that place in that step.";

/** @param {Tools} tools @returns {import("./compare.js").CompareView} */
export function partingView({ store, live }) {
  const story = h("p", { class: "cv-parting-story" });
  const go = h(
    "button",
    { type: "button", class: "cv-go", onclick: () => jump(store) },
    "Go there ",
    h("kbd", {}, "d"),
  );
  const table = h("div", { class: "cv-parting-sides" });
  const root = h("div", { class: "cv-parting" }, h("div", { class: "cv-parting-head" }, story, go), table);
  let latest = 0;
  const draw = async (/** @type {import("./run.js").Run} */ run, /** @type {import("./store.js").State} */ state) => {
    const mine = (latest += 1);
    const names = run.lanes.map((lane) => laneName(state.boot, run, lane.index));
    const [one, other] = pairOf(state).map((index) => run.lanes[index]);
    const found = one === other ? null : firstDivergence(one, other);
    const ahead = found || one === other ? null : firstOrderDifference(one, other);
    const place = found ?? ahead;
    go.hidden = !place;
    fill(
      story,
      one === other
        ? ONE_LANE
        : found
          ? parted(run, [one, other], found, names)
          : equal(run, [one, other], ahead, names),
    );
    if (!place) return fill(table);
    try {
      const { lanes, texts } = await live.exact(run.id, place.position);
      if (mine !== latest) return undefined;
      const steps = found?.written ?? [place.step, place.step];
      const sides = [one, other].map((lane, side) => sideOf(lane, lanes[lane.index], steps[side], names[lane.index]));
      return fill(table, distributions(sides, texts, found ? EACH : SAME));
    } catch (error) {
      return fill(table, h("p", { class: "cv-help" }, /** @type {Error} */ (error).message));
    }
  };
  return { root, draw };
}

/** @param {import("./store.js").Store} store */
function jump(store) {
  goToParting(store);
  requestAnimationFrame(() => document.querySelector(".cv-inspector")?.scrollIntoView({ block: "nearest" }));
}

/** @param {import("./run.js").Run} run @param {number} token */
const word = (run, token) => h("code", { class: "cv-token" }, quoted(run.text(token)));

/** @param {number} step */
const when = (step) => (step ? `in step ${step}` : "from the beginning");

/**
 * @param {import("./run.js").Run} run @param {Lane[]} pair @param {import("./difference.js").Divergence} found
 * @param {string[]} names
 */
function parted(run, pair, { step, position, tokens, written }, names) {
  const wrote = (/** @type {0 | 1} */ side) => [
    h("b", { class: "cv-lane", data: { lane: String(pair[side].index) } }, names[pair[side].index]),
    " wrote ",
    word(run, tokens[side]),
    ` ${when(written[side])}`,
  ];
  const { same, different } = textDifference(pair[0], pair[1]);
  const end = different
    ? `In the end ${counted(different, "token")} of ${same + different} differ.`
    : "In the end the texts are the same all the same.";
  return [h("b", {}, `After step ${step}, at token ${position}: `), ...wrote(0), ", ", ...wrote(1), `. ${end}`];
}

/**
 * @param {import("./run.js").Run} run @param {Lane[]} pair
 * @param {import("./difference.js").OrderDifference | null} ahead @param {string[]} names
 */
function equal(run, pair, ahead, names) {
  const complete = pair.every((lane) => lane.complete);
  const text = h("b", {}, complete ? "Both wrote the same text. " : "No place holds two different tokens. ");
  if (!ahead) return [text, "They wrote it in the same order, too."];
  const holder = pair[ahead.holder];
  const token = holder.tokenAt(ahead.position, ahead.step);
  const other = names[pair[1 - ahead.holder].index];
  return [
    text,
    `Their order first differs in step ${ahead.step}: only `,
    h("b", { class: "cv-lane", data: { lane: String(holder.index) } }, names[holder.index]),
    ` has written token ${ahead.position} by then, `,
    word(run, token),
    `; ${other} has not yet.`,
  ];
}

/** @typedef {{lane: Lane, title: string, winner: number, rows: Map<number, {p: number, fused: number}>}} Side */

/** What a lane held for likely in a step. @param {Lane} lane @param {any} numbers exact ones @param {number} step @param {string} name @returns {Side} */
function sideOf(lane, numbers, step, name) {
  const index = numbers.n ? Math.max(0, indexAt(numbers.steps, step)) : -1;
  const places = index < 0 ? [] : Array.from({ length: numbers.k }, (_, i) => index * numbers.k + i);
  return {
    lane,
    title: `${name}, ${when(step)}`,
    winner: numbers.n ? numbers.winner_ids[index] : -1,
    rows: new Map(places.map((cell) => [numbers.ids[cell], { p: numbers.p[cell], fused: numbers.fused[cell] }])),
  };
}

/** Both distributions, a row per token that either side had among its best. @param {Side[]} sides @param {Map<number, string>} texts @param {string} caption */
function distributions(sides, texts, caption) {
  const [left, right] = sides;
  const likely = (/** @type {number} */ id) => Math.max(...sides.map(({ rows }) => rows.get(id)?.fused ?? 0));
  const ids = [...new Set(sides.flatMap(({ rows }) => [...rows.keys()]))].sort((a, b) => likely(b) - likely(a));
  const titled = (/** @type {Side} */ { lane, title }) =>
    h("th", { scope: "col", colspan: 2, class: "cv-lane cv-lane-name", data: { lane: String(lane.index) } }, title);
  return h(
    "table",
    { class: "cv-both" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, titled(left), h("td", {}), titled(right))),
    h(
      "tbody",
      {},
      ids
        .slice(0, MOST_ROWS)
        .map((id) =>
          h(
            "tr",
            {},
            ...cells(left, id),
            h("th", { scope: "row" }, h("code", { class: "cv-token" }, quoted(texts.get(id) ?? `[${id}]`))),
            ...cells(right, id).reverse(),
          ),
        ),
    ),
  );
}

/** Number and bar of a token on one side. @param {Side} side @param {number} id */
function cells({ lane, winner, rows }, id) {
  const found = rows.get(id);
  const data = { lane: String(lane.index) };
  if (!found)
    return [
      h("td", { class: "cv-num", title: `not among its ${rows.size} best guesses` }, rows.size ? "–" : ""),
      h("td", {}),
    ];
  const { p, fused } = found;
  const lifted = Math.abs(fused - p) > 0.0005 ? `${precise(p)} → ${precise(fused)}` : probability(p);
  const wrote = id === winner ? " wrote" : "";
  return [
    h("td", { class: `cv-num cv-lane${wrote}`, data }, lifted),
    h("td", { class: "cv-lane", data }, boostedBar(p, fused)),
  ];
}

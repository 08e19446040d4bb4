/**
 * The result in numbers, one card per lane: forward passes, how many fewer than the first lane, how long tokens waited.
 * A function of the run; knows nothing of how it was made.
 */

import { costsView, sameness } from "./costs.js";
import { fill, h, refill, say } from "./dom.js";
import { explained } from "./glossary.js";
import { timesFewer } from "./measures.js";
import { changedKnobs, decoderTitle, laneName, modelOf } from "./names.js";
import { alike } from "./run.js";
import { counted, steps as stepCount } from "./text.js";
import { addTool, handChip, laneTools } from "./tools.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./run.js").Run} Run */

/**
 * @param {Store} store
 * @returns {Node}
 */
export function verdictView(store) {
  const cards = h("div", { class: "cv-verdict-cards" });
  let drawn = "";
  /** @type {Run | null} */
  let shown = null;
  let upTo = -1; // version of the run that is drawn
  store.view(["version", "run", "lanes"], ({ run, boot, lanes, version }) => {
    if (!run) return;
    const mine = boot.can.run && belongs(run, lanes);
    const key = JSON.stringify([run.id, version, mine && lanes.map((lane) => lane.interventions?.length ?? 0)]);
    // while a knob is dragged or other lanes are on their way, the cards stay as they are
    if (key === drawn || (run === shown && version === upTo && !mine)) return;
    if (run !== shown) cards.style.minHeight = shown && alike(shown, run) ? `${cards.offsetHeight}px` : "";
    [drawn, shown, upTo] = [key, run, version];
    cards.dataset.lanes = String(run.lanes.length);
    refill(
      cards,
      run.lanes.map((lane) => card(store, run, lane, mine)),
      mine && addTool(store),
    );
  });
  cards.addEventListener("click", (/** @type {Event} */ event) => ignoreLate(store.state, event), true);
  forgetHeight(cards);
  return h("section", { class: "cv-verdict", "aria-label": "Result" }, cards, costsView(store));
}

/** A tool pressed while other lanes are on their way would act on another lane. @param {State} state @param {Event} event */
function ignoreLate({ run, lanes }, event) {
  const tool = /** @type {Element} */ (event.target).closest(".cv-tool, .cv-add, .cv-hand");
  if (tool && run && !belongs(run, lanes)) event.stopPropagation();
}

/** A least height holds for one width only. @param {HTMLElement} element */
function forgetHeight(element) {
  let width = 0;
  new ResizeObserver(([entry]) => {
    if (entry.contentRect.width !== width) element.style.minHeight = "";
    width = entry.contentRect.width;
  }).observe(element);
}

/** Are these the lanes of the next run, too? @param {Run} run @param {import("./store.js").LaneChoice[]} lanes */
const belongs = (run, lanes) =>
  run.lanes.length === lanes.length && run.lanes.every(({ info }, i) => info.decoder === lanes[i].decoder);

/** @param {Store} store @param {Run} run @param {Lane} lane @param {boolean} mine can the lane be changed here? */
function card(store, run, lane, mine) {
  const { boot } = store.state;
  const { decoder, settings, interventions } = lane.info;
  const passes = h(
    "div",
    { class: "cv-big" },
    h("b", {}, lane.steps),
    " ",
    explained("pass", lane.steps === 1 ? "forward pass" : "forward passes"),
  );
  const knobs = h("small", {}, ` ${changedKnobs(boot, decoder, settings)}`);
  const byHand = interventions?.length > 0;
  const title = byHand ? laneName(boot, run, lane.index) : decoderTitle(boot, decoder);
  const name = h("h2", { class: "cv-lane-name" }, title, byHand ? null : knobs);
  const wrote = h("span", { class: "cv-text" }, written(store, run, lane));
  return h(
    "article",
    { class: "cv-card cv-lane", data: { lane: String(lane.index) } },
    h("header", {}, name, mine && laneTools(store, lane.index), mine && handChip(store, lane.index)),
    passes,
    h("p", {}, h("b", { class: "cv-versus" }, versus(run, lane, boot)), " · ", wrote),
    h("p", { class: "cv-waited" }, ...waited(lane), ...secondThoughts(lane)),
  );
}

/** @param {Run} run @param {Lane} lane @param {any} boot */
function versus(run, lane, boot) {
  if (lane.steps === 0) return run.state === "running" ? "about to start" : "did not run";
  if (!lane.complete) return run.state === "running" ? "running" : "stopped";
  const fewer = timesFewer(run, lane);
  if (lane === run.baseline) return run.lanes.length > 1 ? "the baseline" : "finished";
  return fewer === null ? "finished" : passesBeside(fewer, laneName(boot, run, 0));
}

/** What it wrote: how much or, beside a finished first lane, whether that is the same. @param {Store} store @param {Run} run @param {Lane} lane */
function written(store, run, lane) {
  if (lane !== run.baseline && lane.complete && run.baseline.complete) return sameness(store, run, lane);
  if (lane.complete) return `${counted(lane.open, "token")} written`;
  return `${lane.writtenCount(lane.steps)} of ${counted(lane.open, "token")} written`;
}

/** @param {number} fewer times @param {string} name of the first lane */
function passesBeside(fewer, name) {
  if (Math.abs(fewer - 1) < 0.005) return `as many as ${name}`;
  return fewer > 1 ? `${fewer.toFixed(1)}× fewer than ${name}` : `${(1 / fewer).toFixed(1)}× as many as ${name}`;
}

/** What was not written for good at once, where there is any. @param {Lane} lane */
function secondThoughts(lane) {
  const [back, edited] = [lane.takenBack, lane.edited];
  const counts = [back && `${counted(back, "token")} taken back`, edited && `${edited} edited`].filter(Boolean);
  return counts.length ? [h("span", { class: "cv-second" }, counts.join(", "))] : [];
}

/** @param {Lane} lane */
function waited(lane) {
  if (!lane.countedPositions.length) return [" "];
  const tail = lane.scheduled ? [" – mostly ", explained("queue")] : [];
  const wait = lane.meanWait;
  if (wait < 0.05) return ["each token was written as soon as its answer had ", explained("settled")];
  return [
    "each token waited ",
    h("b", {}, `${stepCount(wait)} ${wait === 1 ? "step" : "steps"}`),
    " after its answer had ",
    explained("settled"),
    ...tail,
  ];
}

/**
 * What the signs in the text mean, and what the numbers were counted on.
 * @param {Store} store
 * @returns {Node}
 */
export function footnoteView(store) {
  const key = h("span", {});
  const counted = h("span", {});
  let drawn = "";
  store.view(["version", "run"], ({ run, boot }) => {
    if (!run) return;
    say(counted, footnote(run, modelOf(boot, run)));
    const signs = signsOf(run);
    if (drawn === signs.join()) return;
    drawn = signs.join();
    fill(
      key,
      signs.flatMap((sign, i) => [
        i ? " · " : null,
        h("span", { class: `cv-key-${sign}` }, SIGNS[sign][0]),
        SIGNS[sign][1],
      ]),
    );
  });
  return h("p", { class: "cv-note" }, key, counted);
}

/** @type {Record<string, [string, string]>} */
const SIGNS = {
  guess: ["faint", " = a guess that may still change"],
  fresh: ["marked", " = written in this step"],
  retracted: ["struck", " = taken back in this step"],
  edited: ["changed", " = edited in this step"],
  given: ["boxed", " = given"],
  hand: ["dotted", " = written by hand"],
  end: ["···", " = end of text"],
};

/** Signs that this run needs. @param {Run} run */
function signsOf({ lanes }) {
  /** @type {Record<string, boolean>} */
  const occurs = {
    retracted: lanes.some((lane) => lane.takenBack),
    edited: lanes.some((lane) => lane.edited),
    given: lanes.some((lane) => lane.given.size),
    hand: lanes.some((lane) => lane.info.interventions?.length),
  };
  return Object.keys(SIGNS).filter((sign) => occurs[sign] ?? true);
}

/** @param {Run} run @param {string} model */
function footnote(run, model) {
  const [lane] = run.lanes;
  const switches = lane.info.switches.length ? `, with ${lane.info.switches.join(", ")}` : "";
  const on = `Counted on the ${model}${switches}, for this one prompt`;
  if (run.state === "running") return `${on}.`;
  const plain = run.lanes.filter(({ info }) => !info.interventions?.length); // what a person wrote is counted nowhere
  const content = (plain.length ? plain : run.lanes).map((each) => each.contentTokens);
  const same = content.every((count) => count === content[0]);
  const text = same
    ? `${content[0]} of ${counted(lane.open, "token")} are text`
    : `${content.join(" and ")} of ${lane.open} tokens are text`;
  return `${on}; ${text}, the rest marks the end of text.`;
}

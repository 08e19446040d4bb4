/**
 * The result in numbers, one card per lane: forward passes, how many fewer than the first lane, how long tokens waited.
 * A function of the run; knows nothing of how it was made.
 */

import { costsView, sameness } from "./costs.js";
import { fill, h, say } from "./dom.js";
import { explained } from "./glossary.js";
import { timesFewer } from "./measures.js";
import { changedKnobs, decoderTitle, laneName, modelOf } from "./names.js";
import { alike } from "./run.js";
import { counted, steps as stepCount } from "./text.js";
import { addTool, handChip, laneTools } from "./tools.js";

/** @typedef {import("./store.js").Store} Store */
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
  store.view(["version", "run", "lanes"], ({ run, boot, lanes, version }) => {
    if (!run) return;
    if (run !== shown) cards.style.minHeight = shown && alike(shown, run) ? `${cards.offsetHeight}px` : "";
    shown = run;
    const mine = boot.can.run && belongs(run, lanes);
    const key = JSON.stringify([run.id, version, mine && lanes.map((lane) => lane.interventions?.length ?? 0)]);
    if (key === drawn) return; // a knob is being dragged
    drawn = key;
    const focused = focusedKey(cards);
    cards.dataset.lanes = String(run.lanes.length);
    fill(
      cards,
      run.lanes.map((lane) => card(store, run, lane, mine)),
      mine && addTool(store),
    );
    if (focused) refocus(cards, focused);
  });
  forgetHeight(cards);
  return h("section", { class: "cv-verdict", "aria-label": "Result" }, cards, costsView(store));
}

/** A least height holds for one width only. @param {HTMLElement} element */
function forgetHeight(element) {
  let width = 0;
  new ResizeObserver(([entry]) => {
    if (entry.contentRect.width !== width) element.style.minHeight = "";
    width = entry.contentRect.width;
  }).observe(element);
}

/** What the focus is on, "" when it is elsewhere. @param {Element} root */
const focusedKey = (root) =>
  root.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.key ?? "" : "";

/** The same again or, where it is gone, the last tool. @param {Element} root @param {string} key */
function refocus(root, key) {
  const tools = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-key]")]);
  (tools.find((tool) => tool.dataset.key === key) ?? tools.at(-1))?.focus({ preventScroll: true });
}

/** Are these the lanes of the next run, too? @param {Run} run @param {import("./store.js").LaneChoice[]} lanes */
const belongs = (run, lanes) =>
  run.lanes.length === lanes.length && run.lanes.every(({ info }, i) => info.decoder === lanes[i].decoder);

/** @param {Store} store @param {Run} run @param {Lane} lane @param {boolean} mine can the lane be changed here? */
function card(store, run, lane, mine) {
  const { boot } = store.state;
  const { decoder, settings } = lane.info;
  const passes = h(
    "div",
    { class: "cv-big" },
    h("b", {}, lane.steps),
    " ",
    explained("pass", lane.steps === 1 ? "forward pass" : "forward passes"),
  );
  const knobs = h("small", {}, ` ${changedKnobs(boot, decoder, settings)}`);
  const name = h("h2", { class: "cv-lane-name" }, decoderTitle(boot, decoder), knobs);
  return h(
    "article",
    { class: "cv-card cv-lane", data: { lane: String(lane.index) } },
    h("header", {}, name, mine && laneTools(store, lane.index)),
    mine && handChip(store, lane.index),
    passes,
    h("p", { class: "cv-versus" }, ...versus(store, run, lane)),
    h("p", { class: "cv-waited" }, ...waited(lane), ...secondThoughts(lane)),
  );
}

/** @param {Store} store @param {Run} run @param {Lane} lane */
function versus(store, run, lane) {
  if (lane.steps === 0) return [run.state === "running" ? "about to start" : "did not run"];
  if (!lane.complete) {
    const so = run.state === "running" ? " so far" : ", then stopped";
    return [`${lane.writtenCount(lane.steps)} of ${lane.open} tokens written${so}`];
  }
  const base = run.baseline;
  const fewer = timesFewer(run, lane);
  if (lane === base) return [run.lanes.length > 1 ? "the baseline" : `${lane.open} tokens written`];
  if (fewer === null) return [`${lane.open} tokens written`];
  const name = laneName(store.state.boot, run, base.index);
  return [passesBeside(fewer, name), " · ", sameness(store, run, lane)];
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
  end: ["···", " = end of text"],
};

/** Signs that this run needs. @param {Run} run */
function signsOf({ lanes }) {
  /** @type {Record<string, boolean>} */
  const occurs = {
    retracted: lanes.some((lane) => lane.takenBack),
    edited: lanes.some((lane) => lane.edited),
    given: lanes.some((lane) => lane.given.size),
  };
  return Object.keys(SIGNS).filter((sign) => occurs[sign] ?? true);
}

/** @param {Run} run @param {string} model */
function footnote(run, model) {
  const [lane] = run.lanes;
  const switches = lane.info.switches.length ? `, with ${lane.info.switches.join(", ")}` : "";
  const on = `Counted on the ${model}${switches}, for this one prompt`;
  if (run.state === "running") return `${on}.`;
  const content = run.lanes.map((each) => each.contentTokens);
  const same = content.every((count) => count === content[0]);
  const text = same
    ? `${content[0]} of ${counted(lane.open, "token")} are text`
    : `${content.join(" and ")} of ${lane.open} tokens are text`;
  return `${on}; ${text}, the rest marks the end of text.`;
}

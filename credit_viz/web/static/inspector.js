/**
 * One token under the lens: when it settled and was written in each lane, and why. Asks the server once per token
 * for exact numbers; from then on scrubbing needs no request. Knows the store, explain.js and the candidates' bars.
 */

import { barKeys, candidateList, candidatesAt } from "./candidates.js";
import { against } from "./difference.js";
import { fill, h, say } from "./dom.js";
import { equation } from "./equation.js";
import { comparedWith, indexAt, longName } from "./explain.js";
import { explained } from "./glossary.js";
import { markOf, REASON } from "./lane.js";
import { lineChart } from "./linechart.js";
import { laneName } from "./names.js";
import { counted, quoted } from "./text.js";
import { goTo } from "./transport.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./lane.js").Lane} Lane */

/**
 * What other parts of the page add.
 * @typedef {object} Extras
 * @property {import("./candidates.js").CandidateAction[]} [actions] at the end of each candidate's row
 * @property {Node[]} [sections] below the lanes; they look after themselves
 */

const INVITATION = "Click a token in the text, or a cell of a map.";
const CHOSEN = "Best guesses at the shown step: plain confidence, and what credit makes of it.";
const STORY_ENDS = 4; // of a long story, this many events are told at either end
const GIVEN = "given before the run: it was never masked, so nothing was decided here";

/**
 * @param {Store} store @param {import("./live.js").Live} live @param {string} base @param {Extras} [extras]
 * @returns {Node}
 */
export function inspectorView(store, live, base, { actions = [], sections = [] } = {}) {
  const title = h("h2", { class: "cv-title" });
  const help = h("p", { class: "cv-help" });
  const lanes = h("div", { class: "cv-inspect-lanes" });
  const chart = lineChart(store, base);
  const body = h("div", { class: "cv-inspect-body" }, barKeys(), lanes, chart, ...sections);
  const root = h("section", { class: "cv-card cv-inspector", "aria-label": "Token inspector" }, title, help, body);
  keepExact(store, live, help);
  store.view(["run", "selected"], ({ selected, run }) => {
    const chosen = selected !== null && run !== null;
    say(title, chosen ? `Why here, why now? Token ${selected}` : "Why here, why now?");
    root.classList.toggle("empty", !chosen);
    say(help, chosen ? CHOSEN : INVITATION);
  });
  store.view(["exact"], ({ exact }) => exact?.note && say(help, exact.note));
  /** @type {{key: string, panel: Element}[]} */
  let drawn = [];
  store.view(["run", "version", "selected", "step", "exact", "lane"], (state) => {
    const { run, selected } = state;
    const keys = momentsShown(state);
    const panels = keys.map((key, i) => {
      if (drawn[i]?.key === key) return drawn[i];
      const panel = lanePanel(store, /** @type {any} */ (run), i, Number(selected), actions);
      drawn[i]?.panel.replaceWith(panel);
      return { key, panel };
    });
    if (panels.length !== drawn.length) {
      lanes.style.setProperty("--cv-columns", String(panels.length));
      fill(
        lanes,
        panels.map(({ panel }) => panel),
      );
    }
    drawn = panels;
  });
  return root;
}

/** Everything each lane's panel depends on, as a key: most steps change nothing here. @param {State} state @returns {string[]} */
function momentsShown({ run, selected, step, exact, lane }) {
  if (selected === null || !run) return [];
  const known = exact?.position === selected ? exact : null;
  const all = [run.id, selected, lane, run.baseline.writes[selected].length].join(" ");
  return run.lanes.map((each) => {
    const recorded = known?.lanes[each.index].steps ?? [];
    const event = each.writeAt(selected, step);
    const events = `${each.writes[selected].length}/${event?.step}/${event?.step === step}`;
    return `${all} ${indexAt(recorded, Math.max(1, step))}/${recorded.length}/${events}`;
  });
}

/** Ask for exact numbers when a token is chosen, and again when a live run has gone on. @param {Store} store @param {import("./live.js").Live} live @param {Element} help */
function keepExact(store, live, help) {
  let asked = "";
  const ask = async () => {
    const { run, selected } = store.state;
    if (!run || selected === null) return store.set({ exact: null });
    const question = `${run.id} ${selected} ${run.state === "running" ? Math.floor(run.steps / 16) : "ended"}`;
    if (question === asked) return undefined;
    asked = question;
    const { exact: known } = store.state;
    if (known?.run === run.id && known.position === selected && run.state === "done") return undefined;
    try {
      const exact = await live.exact(run.id, selected);
      if (store.state.run !== run || store.state.selected !== selected) return undefined;
      store.set({ exact });
    } catch (error) {
      store.set({ exact: null });
      say(help, /** @type {Error} */ (error).message);
    }
    return undefined;
  };
  store.view(["run", "selected"], () => void ask());
  store.view(["version"], () => void ask());
}

/**
 * @param {Store} store @param {import("./run.js").Run} run @param {number} index of the lane @param {number} position
 * @param {import("./candidates.js").CandidateAction[]} actions
 */
function lanePanel(store, run, index, position, actions) {
  const { step, exact, boot, lane: front } = store.state;
  const lane = run.lanes[index];
  const numbers = exact?.position === position ? exact.lanes[lane.index] : null;
  const parts = numbers?.n
    ? momentParts(run, lane, position, step, numbers, exact.texts, boot, actions)
    : [lane.given.has(position) ? null : h("p", { class: "cv-help" }, "…")];
  return h(
    "article",
    { class: `cv-lane cv-inspect-lane${lane.index === front ? " front" : ""}`, data: { lane: String(lane.index) } },
    h("h3", { class: "cv-lane-name" }, laneName(boot, run, lane.index)),
    ...fate(store, run, lane, position),
    ...parts,
  );
}

/** When it settled and was written, and all that happened to it. @param {Store} store @param {import("./run.js").Run} run @param {Lane} lane @param {number} position */
function fate(store, run, lane, position) {
  const held = lane.tokenAt(position, lane.steps);
  const token = held < 0 ? null : h("code", { class: "cv-token" }, quoted(run.text(held)));
  if (lane.given.has(position)) return [h("p", { class: "cv-fate" }, token, ` ${GIVEN}`)];
  const story = lane.story(position);
  const last = token ? [token, " ", ...settledAndWritten(lane, position)] : ["still masked"];
  return [h("p", { class: "cv-fate" }, ...last), story.length > 1 ? storyList(store, run, story) : null];
}

/** @param {Lane} lane @param {number} position */
function settledAndWritten(lane, position) {
  if (lane.byHand(position)) return [`written by hand after step ${lane.written[position]}`];
  const wait = lane.wait(position);
  return [
    explained("settled"),
    ` in step ${lane.settled[position]}, `,
    explained("written"),
    ` in step ${lane.written[position]}`,
    wait ? `: waited ${counted(wait, "step")}` : ": at once",
  ];
}

/** The events of a position in order; each leads to its step. @param {Store} store @param {import("./run.js").Run} run @param {import("./lane.js").Event[]} story */
function storyList(store, run, story) {
  const items = story.map((event, i) => storyItem(store, run, event, story[i - 1]));
  const skipped = items.length - 2 * STORY_ENDS;
  if (skipped > 1) items.splice(STORY_ENDS, skipped, h("li", {}, `… ${skipped} more …`));
  return h("ol", { class: "cv-story", "aria-label": "What happened to this token" }, items);
}

/** @param {Store} store @param {import("./run.js").Run} run @param {import("./lane.js").Event} event @param {import("./lane.js").Event | undefined} before */
function storyItem(store, run, event, before) {
  const kind = markOf(event);
  const token = event.masks && before ? before.token : event.token;
  const go = () => goTo(store, event.step);
  return h(
    "li",
    { class: event.masks ? `${kind} masks` : kind },
    h("button", { type: "button", class: "cv-link", onclick: go }, `step ${event.step}`),
    didOf(event, store.state.boot.style.reasons),
    h("code", { class: "cv-token" }, quoted(run.text(token))),
  );
}

/** @param {import("./lane.js").Event} event @param {import("./explain.js").Reasons} reasons */
function didOf(event, reasons) {
  if (event.reason !== REASON.INTERVENED) return reasons[event.reason].did;
  return event.masks ? "taken back by hand" : "written by hand";
}

/**
 * @param {import("./run.js").Run} run @param {Lane} lane @param {number} position @param {number} step
 * @param {any} numbers @param {Map<number, string>} texts @param {any} boot
 * @param {import("./candidates.js").CandidateAction[]} actions
 */
function momentParts(run, lane, position, step, numbers, texts, boot, actions) {
  const index = Math.max(0, indexAt(numbers.steps, Math.max(1, step)));
  const moment = momentOf(lane, position, numbers, index);
  const did = moment.reason ? `, when it was ${boot.style.reasons[moment.reason].did}` : "";
  const held = lane.tokenAt(position, moment.step - 1);
  return [
    h("p", { class: "cv-when" }, `in step ${moment.step}${did}${held < 0 ? "" : " (▸ stood there)"}`),
    candidateList(candidatesAt(lane, position, numbers, index, texts), actions),
    equation(moment, boot.style.reasons, compared(run, lane, position, moment.step, boot)),
    longName(moment) ? h("p", { class: "cv-help" }, longName(moment)) : null,
  ];
}

/** How a token that was written for good in this step stands to the first lane's. @param {import("./run.js").Run} run @param {Lane} lane @param {number} position @param {number} step @param {any} boot */
function compared(run, lane, position, step, boot) {
  const { baseline } = run;
  if (lane === baseline || lane.written[position] !== step || lane.byHand(position)) return "";
  const found = against(lane, baseline, position);
  return comparedWith(found, laneName(boot, run, baseline.index), quoted(run.text(found?.token ?? -1)));
}

/**
 * @param {Lane} lane @param {number} position @param {any} numbers @param {number} index
 * @returns {import("./explain.js").Moment}
 */
function momentOf(lane, position, numbers, index) {
  const step = numbers.steps[index];
  const last = lane.writeAt(position, step);
  const event = last?.step === step ? last : null;
  const block = lane.blocks.find((span) => span.first <= step && step <= span.last);
  return {
    step,
    p: numbers.winner_p[index],
    fused: numbers.winner_fused[index],
    credit: numbers.credits ? numbers.credits[index] : 0,
    boost: numbers.boost ? numbers.boost[index] : 0,
    bar: numbers.bar ? numbers.bar[index] : NaN,
    score: numbers.score ? numbers.score[index] : null,
    scoreName: lane.info.score,
    back: event?.masks ?? false,
    active: !block || (block.start <= position && position < block.end),
    standing: lane.tokenAt(position, step - 1) >= 0,
    scheduled: lane.scheduled,
    reason: event?.reason ?? 0,
  };
}

/**
 * "In this same state, other decoders would ...": what each decoder would do with the selected token in the shown step,
 * given the recorded history. Asked for only while it is open. Knows the store and the server's question
 * `counterfactual`; the sentences are pure functions.
 */

import { fill, h, say } from "./dom.js";
import { shortName } from "./explain.js";
import { changedKnobs, laneName } from "./names.js";
import { quoted } from "./text.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./lane.js").Lane} Lane */

/**
 * What one decoder would do, see credit_viz/whatif/plain.py.
 * @typedef {{decoder: string, title: string, settings: Record<string, any>, score_name: string, why: string,
 *   position: number | null, writes: number[], judgement: Judgement | null}} Other
 * @typedef {{position: number, writes: boolean, token_id: number, text: string, raw_p: number, fused: number,
 *   score: number | null, bar: number | null, reason: number, active: boolean}} Judgement
 */

const PAUSE = 150; // milliseconds a step must rest before it is asked about
const CONFIDENT = 1;
const CREDIT = 2;
const FORCED = 3;
const SCHEDULED = 4;
const ANSWERED = 8;

/** @param {Store} store @param {any} server @returns {Node | null} */
export function sameStateView(store, server) {
  if (!store.state.boot.can.ask) return null;
  const about = h("p", { class: "cv-help" });
  const list = h("ul", { class: "cv-same-list" });
  const unsaid = h("p", { class: "cv-help cv-same-unsaid" });
  const root = h(
    "details",
    { class: "cv-same", data: { role: "same-state" } },
    h("summary", {}, "In this same state, other decoders would …"),
    about,
    list,
    unsaid,
  );
  let asked = "";
  /** @type {any} */
  let timer = 0;
  const ask = async () => {
    const { run, lane: front, step: shown, selected } = store.state;
    const lane = run?.lanes[front];
    if (!root.open || !run || !lane || selected === null) return;
    const step = lastOpen(lane, selected, Math.max(1, Math.min(shown, lane.steps)));
    const key = [run.id, run.state === "running" ? lane.steps : "ended", front, step, selected].join(" ");
    if (key === asked) return;
    asked = key;
    if (!step) return void (fill(list), say(about, "Nothing was recorded of this token up to here."), say(unsaid, ""));
    const others = await server.counterfactual({ run: run.id, lane: front, step, position: selected }).catch(() => null);
    if (key !== asked) return;
    say(about, headline(laneName(store.state.boot, run, front), step));
    if (!Array.isArray(others)) return void (fill(list), say(unsaid, others?.error ?? "The server did not answer."));
    draw(others, lane, selected, step);
  };
  const draw = (/** @type {Other[]} */ others, /** @type {Lane} */ lane, /** @type {number} */ position, /** @type {number} */ step) => {
    const { boot } = store.state;
    // the first is the lane's own: what it did is told above
    const offered = others.slice(1).filter(({ decoder }) => decoder in boot.decoders);
    const told = offered.filter(({ why }) => !why);
    fill(
      list,
      told.map((other) => row(boot, other, saying(other, lane, position, step))),
    );
    say(unsaid, unsayable(offered.filter(({ why }) => why)));
  };
  root.addEventListener("toggle", () => void ask());
  store.view(["run", "version", "step", "selected", "lane"], ({ selected, run, lane: front }) => {
    root.hidden = selected === null || !run || run.lanes[front]?.given.has(selected);
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), PAUSE);
  });
  return root;
}

/** @param {any} boot @param {Other} other @param {{does: string, words: string}} said */
function row(boot, other, said) {
  const knobs = changedKnobs(boot, other.decoder, other.settings);
  return h(
    "li",
    { class: said.does, data: { decoder: other.decoder } },
    h("span", { class: "cv-same-who" }, other.title, knobs ? h("small", {}, ` ${knobs}`) : null),
    h("span", { class: "cv-same-what" }, said.words),
  );
}

/** The last step up to the shown one in which the token was open, 0 for none. @param {Lane} lane @param {number} position @param {number} step */
function lastOpen(lane, position, step) {
  while (step && lane.guessAt(position, step) < 0) step -= 1;
  return step;
}

/** @param {string} name of the lane @param {number} step */
const headline = (name, step) =>
  `No separate run: each decides on the guesses of ${name} in step ${step}, after the same steps before it.`;

/** Decoders of which the record does not hold enough. @param {Other[]} others */
export function unsayable(others) {
  if (!others.length) return "";
  const named = others.map(({ title, why, position }) => `${title} (${why}${position === null ? "" : `, token ${position}`})`);
  return `Cannot be said from the record: ${named.join("; ")}.`;
}

/**
 * What a decoder would do with a token, in words.
 * @param {Other} other @param {Pick<Lane, "tokenAt" | "idOf" | "steps" | "blocks">} lane @param {number} position @param {number} step
 * @returns {{does: "write" | "other" | "wait", words: string}}
 */
export function saying(other, lane, position, step) {
  const { judgement } = other;
  if (lane.tokenAt(position, step - 1) >= 0 && !judgement?.writes) return { does: "wait", words: "let it stand" };
  if (!judgement || !judgement.active) {
    if (!judgement?.writes) return { does: "wait", words: "wait: its block is not being written yet" };
  }
  const final = lane.tokenAt(position, lane.steps);
  const same = final >= 0 && lane.idOf(final) === judgement.token_id;
  const token = quoted(judgement.text);
  if (!judgement.writes) return { does: "wait", words: `wait${same ? "" : ` with ${token}`}: ${compared(other, judgement)}` };
  const words = `${same ? "write it" : `write ${token} instead`}: ${because(other, judgement)}`;
  return { does: same ? "write" : "other", words };
}

/** @param {Other} other @param {Judgement} judgement */
function because(other, judgement) {
  const count = other.writes.length;
  if (judgement.reason === FORCED) return `nothing is sure enough, this is the best (${compared(other, judgement)})`;
  if (judgement.reason === ANSWERED) return "the guesses have settled, all that is left goes at once";
  if (judgement.reason === SCHEDULED) return `its turn: ${numbers(other, judgement)}${count > 1 ? `, one of ${count}` : ""}`;
  return [CONFIDENT, CREDIT].includes(judgement.reason) ? compared(other, judgement) : numbers(other, judgement);
}

/** The score beside the bar. @param {Other} other @param {Judgement} judgement */
function compared(other, judgement) {
  const { score, bar } = judgement;
  if (bar === null || score === null) return `${numbers(other, judgement)}, no probability is enough yet`;
  const digits = [2, 3, 4, 5, 6].find((d) => score.toFixed(d) !== bar.toFixed(d)) ?? 6;
  const least = Math.max(2, score === bar ? 2 : digits);
  return `${numbers(other, judgement, least)} ${score >= bar ? "≥" : "<"} ${signed(bar, least)}`;
}

/** @param {Other} other @param {Judgement} judgement @param {number} [digits] */
function numbers(other, { raw_p: p, fused, score }, digits = 2) {
  const own = score !== null && Math.abs(score - fused) > 1e-6;
  if (own) return `${shortName(other.score_name)} ${signed(/** @type {number} */ (score), digits)}`;
  return `${Math.abs(fused - p) > 0.0005 ? "fused" : "p"} ${signed(fused, digits)}`;
}

/** @param {number} value @param {number} digits */
const signed = (value, digits) => value.toFixed(digits).replace("-", "−");

/**
 * Why lanes of one run need more or fewer passes, as far as one run tells: tokens by the reason they were written for,
 * and what the controls of a lane with credit show. Pure functions over runs; definitions as in trace/reasons.py.
 *
 * The controls are the same lane with β = 0 (no history: a guess lifts only itself, which is a lower bar) and with
 * α = 0 (no credit at all).
 */

import { textDifference } from "./difference.js";
import { REASON } from "./lane.js";
import { counted } from "./text.js";

/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./run.js").Run} Run */
/** @typedef {"beta" | "alpha"} ControlKnob at 0 it makes a control */

/** Tokens by the reason of their last write; given ones were not written. @param {Lane} lane @returns {Map<number, number>} */
export function writtenBy(lane) {
  const counts = new Map();
  for (let position = 0; position < lane.length; position += 1) {
    if (!lane.written[position]) continue;
    const { reason } = /** @type {import("./lane.js").Event} */ (lane.writeAt(position, lane.steps));
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return new Map([...counts].sort(([one], [other]) => one - other));
}

/** Does a lane grant credit? An α that is not set follows the text. @param {Lane} lane */
const credits = ({ info: { settings } }) => "alpha" in settings && "beta" in settings && settings.alpha !== 0;

/** All that a lane's result depends on; without credit, how it is earned and kept is all the same. @param {Lane["info"]} info */
function keyOf({ decoder, settings, interventions }) {
  const { beta, gamma, ...others } = settings;
  const alone = settings.alpha === 0 && beta !== undefined;
  return JSON.stringify([decoder, alone ? others : settings, interventions ?? []]);
}

/** The control of a lane, null where the run has none. @param {Run} run @param {Lane} lane @param {ControlKnob} knob @returns {Lane | null} */
export function controlOf(run, lane, knob) {
  const { settings } = lane.info;
  if (!credits(lane) || settings[knob] === 0) return null;
  const wanted = keyOf({ ...lane.info, settings: { ...settings, [knob]: 0 } });
  return run.lanes.find((other) => keyOf(other.info) === wanted) ?? null;
}

/** Controls that could be put beside a lane. @param {Run} run @param {Lane} lane @returns {ControlKnob[]} */
export function missingControls(run, lane) {
  const knobs = /** @type {ControlKnob[]} */ (["beta", "alpha"]);
  return knobs.filter((knob) => credits(lane) && lane.info.settings[knob] !== 0 && !controlOf(run, lane, knob));
}

/** Lanes of which something is to be said: not those that are a control of another. @param {Run} run @returns {Lane[]} */
export function subjects(run) {
  const controls = run.lanes.flatMap((lane) => [controlOf(run, lane, "beta"), controlOf(run, lane, "alpha")]);
  return run.lanes.filter((lane) => !controls.includes(lane) && (credits(lane) || lane !== run.baseline));
}

/** What is known of a lane, in a few sentences that follow its name. @param {Run} run @param {Lane} lane @param {string} base name of the first lane */
export function story(run, lane, base) {
  if (!lane.complete) return "was stopped before its end, so its passes tell nothing.";
  const counts = writtenBy(lane);
  const all = counted([...counts.values()].reduce((sum, count) => sum + count, 0), "token");
  const beside = lane !== run.baseline && run.baseline.complete ? `, ${fewer(run.baseline.steps - lane.steps)} ${base}` : "";
  const parts = [`takes ${passes(lane.steps)}${beside}.`];
  if (!credits(lane)) {
    const sure = counts.get(REASON.CONFIDENT);
    if (sure) parts.push(`It wrote ${sure} of ${all} for their own confidence.`);
    return parts.join(" ");
  }
  const lifted = counts.get(REASON.CREDIT);
  parts.push(`Credit wrote ${lifted ?? "none"} of ${all} before their own confidence was enough.`);
  return [...parts, ...known(run, lane)].join(" ");
}

/** What the controls show; what none can tell without them. @param {Run} run @param {Lane} lane @returns {string[]} */
function known(run, lane) {
  const forgets = lane.info.settings.beta === 0;
  const [history, plain] = /** @type {ControlKnob[]} */ (["beta", "alpha"]).map((knob) => {
    const found = controlOf(run, lane, knob);
    return found?.complete ? found : null;
  });
  const told = forgets ? ["It forgets after every step (β 0): that is a lower bar, and no memory."] : [];
  if (history && plain) told.push(both(lane, history, plain));
  else if (history) told.push(withoutHistory(lane, history));
  else if (plain) told.push(withoutCredit(lane, plain, forgets));
  else if (!forgets) told.push("That is a lower bar or memory: the same without history tells.");
  const others = [history, plain].filter((control) => control !== null);
  if (others.some((control) => textDifference(lane, control).different)) told.push("Not all of these texts are the same.");
  return told;
}

/** @param {Lane} lane @param {Lane} history @param {Lane} plain */
const both = (lane, history, plain) =>
  `The same takes ${passes(plain.steps)} without credit and ${history.steps} without history: here a lower bar ` +
  `${saved(plain.steps - history.steps)}, and memory ${saved(history.steps - lane.steps)}.`;

/** @param {Lane} lane @param {Lane} control */
function withoutHistory(lane, { steps }) {
  if (steps === lane.steps) return `The same without history takes ${passes(steps)}, too: nothing here came from memory.`;
  return `The same without history takes ${passes(steps)}: memory ${saved(steps - lane.steps)} here.`;
}

/** @param {Lane} lane @param {Lane} control @param {boolean} forgets */
function withoutCredit(lane, { steps }, forgets) {
  if (steps === lane.steps) return `The same without credit takes ${passes(steps)}, too: credit saved nothing here.`;
  const why = forgets || steps < lane.steps ? "" : ", by a lower bar or by memory: the same without history tells";
  return `The same without credit takes ${passes(steps)}: credit ${saved(steps - lane.steps)} here${why}.`;
}

/** @param {number} count */
const passes = (count) => counted(count, "pass", "passes");

/** @param {number} count passes */
const saved = (count) => (count === 0 ? "saved nothing" : `${count > 0 ? "saved" : "cost"} ${passes(Math.abs(count))}`);

/** @param {number} count passes fewer */
const fewer = (count) => (count === 0 ? "as many as" : `${Math.abs(count)} ${count > 0 ? "fewer" : "more"} than`);

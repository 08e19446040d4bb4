/**
 * Tokens of each lane by the reason they were written for, beside what the lane cost; what that says, and the controls
 * that would say more. Knows the store, finished lanes and the marks of the maps; the sentences are why.js's.
 */

import { choiceOfRun } from "./address.js";
import { promptText, setPrompt } from "./ask.js";
import { hasRoom, withKnob } from "./choice.js";
import { fill, h, refill } from "./dom.js";
import { explained } from "./glossary.js";
import { markSign } from "./legend.js";
import { modelId } from "./link.js";
import { redundantGuesses, tokensPerForward } from "./measures.js";
import { laneName } from "./names.js";
import { steps as stepCount } from "./text.js";
import { missingControls, story, subjects, writtenBy } from "./why.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./why.js").ControlKnob} ControlKnob */

const WITHOUT = { beta: "history", alpha: "credit" };

/** What a lane cost: a label, the word that explains itself, the number. @type {[string, () => Node, (lane: Lane) => string | number][]} */
const COSTS = [
  ["passes", () => explained("pass", "passes"), (lane) => lane.steps],
  ["tokens per pass", () => explained("perPass"), (lane) => tokensPerForward(lane).toFixed(2)],
  ["mean wait", () => explained("wait", "mean wait"), (lane) => stepCount(lane.meanWait)],
  ["redundant guesses", () => explained("redundant"), redundantGuesses],
];

/** @param {import("./compare.js").Tools} tools @returns {import("./compare.js").CompareView} */
export function reasonsView({ store }) {
  const table = h("table", { class: "cv-reasons" });
  const said = h("div", { class: "cv-reasons-said" });
  /** @type {import("./compare.js").CompareView["draw"]} */
  const draw = (run, state) => {
    const names = run.lanes.map((lane) => laneName(state.boot, run, lane.index));
    const counts = run.lanes.map(writtenBy);
    const most = Math.max(1, ...counts.map((each) => [...each.values()].reduce((all, count) => all + count, 0)));
    const rows = run.lanes.map((lane, i) => laneRow(state, lane, names[i], counts[i], most));
    fill(table, head(), h("tbody", {}, rows));
    const sayings = subjects(run).map((lane) => saying(store, run, lane, names));
    refill(said, sayings, sayings.length > 0 && oneRun(store));
  };
  return { root: h("div", {}, table, said), draw };
}

function head() {
  const column = (/** @type {Node | string} */ name) => h("th", { scope: "col" }, name);
  const costs = COSTS.map(([, word]) => column(word()));
  return h("thead", {}, h("tr", {}, column("lane"), column("tokens by the reason they were written for"), costs));
}

/** @param {State} state @param {Lane} lane @param {string} name @param {Map<number, number>} counts @param {number} most tokens that any lane wrote */
function laneRow({ boot: { style }, contrast }, lane, name, counts, most) {
  const parts = [...counts].map(([reason, count]) => {
    const { fill: kind, name: why, words, mark } = style.reasons[reason];
    const { color, outline } = style.marks[mark];
    const ink = `--cv-ink:${color};--cv-edge:${outline}`;
    const sign = h("i", { class: `cv-reason ${kind}`, style: ink }, markSign(style.marks[mark], contrast));
    return {
      part: h("i", { class: `cv-reason ${kind}`, style: `${ink};width:${(100 * count) / most}%` }),
      key: h("span", { class: "cv-key", title: words }, sign, `${count} ${why}`),
    };
  });
  const [bar, keys] = [parts.map(({ part }) => part), parts.map(({ key }) => key)];
  return h(
    "tr",
    { class: "cv-lane", data: { lane: String(lane.index) } },
    h("th", { scope: "row", class: "cv-lane-name" }, name),
    h("td", {}, h("div", { class: "cv-reason-bar", "aria-hidden": "true" }, bar), h("p", { class: "cv-keys" }, keys)),
    COSTS.map(([label, , number]) => h("td", { class: "cv-reason-cost", data: { label } }, number(lane))),
  );
}

/** What is known of a lane, and the ways to know more. @param {Store} store @param {Run} run @param {Lane} lane @param {string[]} names */
function saying(store, run, lane, names) {
  const name = names[lane.index];
  const own = h("b", { class: "cv-lane cv-lane-name", data: { lane: String(lane.index) } }, name);
  const known = h("p", {}, own, ` ${story(run, lane, names[0])}`);
  return h("div", { role: "group", "aria-label": name }, known, controls(store, run, lane));
}

/** @param {Store} store @param {Run} run @param {Lane} lane */
function controls(store, run, lane) {
  const { boot } = store.state;
  const missing = missingControls(run, lane);
  const runs = boot.can.run && run.about.prompt && boot.decoders[lane.info.decoder];
  if (!missing.length || !runs || modelId(boot.model) !== modelId(lane.info.model)) return null;
  if (!hasRoom(boot, choiceOfRun(run, store.state.options).lanes))
    return h("p", { class: "cv-help" }, `All ${boot.limits.lanes} lanes are in use: remove one, and a control can be added.`);
  const button = (/** @type {ControlKnob} */ knob) => {
    const act = () => addControl(store, run, lane.index, knob);
    const data = { key: `${knob} ${lane.index}` };
    return h("button", { type: "button", class: "cv-preset", data, onclick: act }, `Add the same without ${WITHOUT[knob]}`);
  };
  return h("p", { class: "cv-reasons-controls" }, missing.map(button));
}

/** The same lane right behind it, with a knob at 0; the others are kept. @param {Store} store @param {Run} run @param {number} index @param {ControlKnob} knob */
function addControl(store, run, index, knob) {
  const { options: before, wanted, live, behind } = store.state;
  if (live !== "idle" || behind) return; // other lanes are on their way
  const { lanes: own, ticket: _, ...options } = choiceOfRun(run, before);
  const lanes = own.toSpliced(index + 1, 0, withKnob(own, index, knob, 0)[index]);
  if (promptText() !== run.about.prompt) setPrompt(run.about.prompt);
  store.set({ lanes, options: { ...before, ...options }, wanted: wanted + 1, error: "", playing: false });
}

/** @param {Store} store */
function oneRun(store) {
  const go = () => store.set({ place: "lab", sweep: store.state.trail?.sweep ?? store.state.sweep });
  const button = () => h("button", { type: "button", class: "cv-differs", onclick: go }, "Ask the Lab about many");
  const lab = store.state.boot.can.lab ? [button(), "."] : [];
  return h("p", { class: "cv-help" }, "This is one prompt; on another one it may be different. ", lab);
}

/**
 * What a screen reader is told unasked: how a run ended, and which token was chosen. Knows the store; shows nothing to
 * the eye. Speaks only when things have come to rest.
 */

import { h, say } from "./dom.js";
import { laneName } from "./names.js";
import { counted, quoted } from "./text.js";

/** @typedef {import("./store.js").State} State */

const REST = 300; // milliseconds: keys held down say only where they ended

/** @param {import("./store.js").Store} store @returns {Node} */
export function announceView(store) {
  const region = h("p", { class: "cv-unseen", role: "status", "aria-live": "polite" });
  let waiting = 0;
  let ended = false; // how a run ended is heard before anything else
  const speak = (/** @type {string} */ text) => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => {
      ended = false;
      say(region, text);
    }, REST);
  };
  let told = "";
  store.view(["run", "version"], (state) => {
    const { run } = state;
    if (!run || run.state === "running" || told === run.id) return;
    if (told) {
      ended = true;
      speak(result(state));
    }
    told = run.id; // the run that is there when the page opens is read, not announced
  });
  store.view(["selected", "lane"], (state) => {
    if (state.selected !== null && told === state.run?.id && !ended) speak(choice(state));
  });
  return region;
}

/** E.g. "Vanilla 64 forward passes, CreditDecoding 11 forward passes." @param {State} state */
export function result({ run, boot }) {
  if (!run) return "";
  const passes = run.lanes.map(
    (lane) => `${laneName(boot, run, lane.index)} ${counted(lane.steps, "forward pass", "forward passes")}`,
  );
  const stopped = run.state === "done" ? "" : "Stopped. ";
  return `${stopped}${passes.join(", ")}.`;
}

/** E.g. "Token 12, kite, written in step 5. CreditDecoding." @param {State} state */
export function choice({ run, boot, selected, lane: front }) {
  const lane = run?.lanes[front];
  if (!run || !lane || selected === null) return "";
  const token = lane.tokenAt(selected, lane.steps);
  const held = token < 0 ? "still masked" : `${quoted(run.text(token))}, written in step ${lane.written[selected]}`;
  return `Token ${selected}, ${held}. ${laneName(boot, run, front)}.`;
}

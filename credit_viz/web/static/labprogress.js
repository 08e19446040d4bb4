/**
 * How far the sweep on show is: a bar, what it says, Cancel, Go on; and the questions that keep it going. They rest while
 * nobody looks. Knows the lab's state and the server.
 */

import { h, say } from "./dom.js";
import { SILENT, answerOf } from "./labfeed.js";
import { isUnderWay } from "./labstate.js";
import { cancelSweep, listSweeps, resumeSweep } from "./labsweeps.js";
import { grouped, inTime } from "./labwords.js";
import { counted } from "./text.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labstate.js").Status} Status */

const PAUSE = 500; // milliseconds between two questions
const LOST_PAUSE = 2000; // milliseconds before a server that did not answer is asked again
const REDRAW = 2000; // milliseconds between two tables of a sweep that grows

/** Said while the server is not there. */
const LOST = "The server does not answer. The page asks again until it does; what is done is kept in the sweep's folder.";

/**
 * What is said of a sweep under way, or of one that ended early; "" where there is nothing to say.
 * @param {Status} status
 */
export function progressWords({ state, done, total, failed, seconds_left, ahead, error }) {
  const runs = `${grouped(done)} of ${grouped(total)} runs`;
  const bad = failed ? `, ${grouped(failed)} failed` : "";
  if (state === "queued") return `Waiting for ${counted(ahead, "sweep")} before it`;
  if (state === "loading") return "Loading the model";
  if (state === "running") return `${runs}${bad}${seconds_left === null ? "" : `, ${inTime(seconds_left)} left`}`;
  if (state === "elsewhere") return `${runs}${bad}. Another program, such as a terminal, runs this sweep; it can only be stopped there.`;
  if (state === "cancelled") return `Stopped after ${runs}. What is there stays.`;
  if (state === "failed") return `Stopped after ${runs}: ${error}`;
  return failed ? `${grouped(failed)} of ${grouped(total)} runs failed; they count nowhere.` : "";
}

/** @param {Lab} lab @returns {Node} */
export function progressView(lab) {
  const words = h("p", { class: "cv-lab-progress-words" });
  const bar = h("progress", { class: "cv-lab-bar", max: 1, "aria-label": "Runs that are done" });
  const cancel = h("button", { class: "cv-again", type: "button" }, "Cancel");
  const spoken = h("p", { class: "cv-unseen", role: "status", "aria-live": "polite" });
  const goOn = h("button", { class: "cv-again", type: "button" }, "Go on");
  for (const [button, act] of /** @type {const} */ ([[cancel, cancelSweep], [goOn, resumeSweep]])) {
    button.addEventListener("click", async () => {
      button.disabled = true;
      button.disabled = await act(lab, /** @type {string} */ (lab.store.state.sweep));
    });
  }
  const shown = h("div", { class: "cv-lab-progress" }, h("div", {}, words, bar), cancel, goOn);
  lab.store.view(["status", "lost", "sweeps", "canStart"], ({ status, lost, sweep, sweeps, canStart }) => {
    const sentence = lost ? LOST : status ? progressWords(status) : "";
    const underWay = status !== null && isUnderWay(status);
    shown.hidden = !sentence;
    shown.dataset.state = status?.state ?? "";
    say(words, sentence);
    if (sentence && (lost || !underWay)) say(spoken, sentence);
    bar.hidden = !underWay;
    if (status && ["running", "elsewhere"].includes(status.state) && status.total) bar.value = status.done / status.total;
    else bar.removeAttribute("value"); // nobody knows how long
    cancel.hidden = !underWay || status.state === "elsewhere";
    if (!underWay) cancel.disabled = false;
    const entry = sweeps?.find(({ id }) => id === sweep);
    goOn.hidden = !(status && canStart && entry && canGoOn(status, entry));
    if (goOn.hidden) goOn.disabled = false;
  });
  return h("div", { class: "cv-lab-progress-place" }, shown, spoken);
}

/**
 * Can somebody here have the rest of it computed?
 * @param {{state: string}} status @param {{lasting: boolean, can_race: boolean}} sweep
 */
export const canGoOn = ({ state }, { lasting, can_race }) =>
  ["cancelled", "failed"].includes(state) && !lasting && can_race;

/** Ask how the sweep on show is doing, as long as there is more to come and somebody looks. @param {Lab} lab */
export function watchProgress(lab) {
  const { store, race } = lab;
  let timer = 0;
  let drawn = 0;
  const looking = () => race.state.place === "lab" && !document.hidden;
  const wanted = () => {
    const { sweep, sweeps, status } = store.state;
    const entry = sweeps?.find(({ id }) => id === sweep);
    return sweep !== null && (status ? isUnderWay(status) : entry !== undefined && entry.state !== "done");
  };
  const ask = async () => {
    timer = 0;
    if (!looking() || !wanted()) return;
    const { sweep } = store.state;
    const status = await answerOf(lab, "lab_status", { sweep });
    if (sweep !== store.state.sweep) return;
    if (status.error === SILENT) {
      store.set({ lost: true });
      return wake();
    }
    if (status.error && !status.state) {
      const followed = store.state.status !== null;
      store.set({ status: null, lost: false, error: status.error });
      return followed ? listSweeps(lab) : undefined; // somebody may have removed it
    }
    const ended = !isUnderWay(status);
    const due = ended || performance.now() - drawn > REDRAW;
    if (due) drawn = performance.now();
    store.set(due ? { status, lost: false, version: status.done } : { status, lost: false });
    if (ended) await listSweeps(lab);
    wake();
  };
  const wake = () => {
    const { status, lost } = store.state;
    if (!timer && looking() && wanted()) timer = window.setTimeout(ask, lost ? LOST_PAUSE : status ? PAUSE : 0);
  };
  store.view(["sweep", "sweeps", "status"], wake);
  race.view(["place"], wake);
  document.addEventListener("visibilitychange", wake);
}

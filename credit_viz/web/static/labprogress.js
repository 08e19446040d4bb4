/**
 * How far the sweep on show is: a bar, what it says, Cancel; and the questions that keep it going. They rest while
 * nobody looks. Knows the lab's state and the server.
 */

import { h, say } from "./dom.js";
import { answerOf } from "./labfeed.js";
import { isUnderWay } from "./labstate.js";
import { cancelSweep, listSweeps } from "./labsweeps.js";
import { grouped, inTime } from "./labwords.js";
import { counted } from "./text.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labstate.js").Status} Status */

const PAUSE = 500; // milliseconds between two questions
const REDRAW = 2000; // milliseconds between two tables of a sweep that grows

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
  cancel.addEventListener("click", () => {
    cancel.disabled = true;
    void cancelSweep(lab, /** @type {string} */ (lab.store.state.sweep));
  });
  const shown = h("div", { class: "cv-lab-progress" }, h("div", {}, words, bar), cancel);
  lab.store.view(["status"], ({ status }) => {
    const sentence = status ? progressWords(status) : "";
    const underWay = status !== null && isUnderWay(status);
    shown.hidden = !sentence;
    shown.dataset.state = status?.state ?? "";
    say(words, sentence);
    if (sentence && !underWay) say(spoken, sentence);
    bar.hidden = !underWay;
    if (status?.state === "running" && status.total) bar.value = status.done / status.total;
    else bar.removeAttribute("value"); // nobody knows how long
    cancel.hidden = !underWay;
    if (!underWay) cancel.disabled = false;
  });
  return h("div", { class: "cv-lab-progress-place" }, shown, spoken);
}

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
    if (status.error && !status.state) return store.set({ error: status.error });
    const ended = !isUnderWay(status);
    const due = ended || performance.now() - drawn > REDRAW;
    if (due) drawn = performance.now();
    store.set(due ? { status, version: status.done } : { status });
    if (ended) await listSweeps(lab);
    wake();
  };
  const wake = () => {
    if (!timer && looking() && wanted()) timer = window.setTimeout(ask, store.state.status ? PAUSE : 0);
  };
  store.view(["sweep", "sweeps", "status"], wake);
  race.view(["place"], wake);
  document.addEventListener("visibilitychange", wake);
}

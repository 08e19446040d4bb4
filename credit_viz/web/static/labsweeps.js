/**
 * Which sweeps there are, and which one is on show: the list as the server has it, the address, the newest choice.
 * Starts, stops and removes sweeps. Knows the lab's state and the server; draws nothing.
 */

import { answerOf } from "./labfeed.js";
import { keepOwn, ownSweeps } from "./labown.js";
import { SEEN, viewText } from "./lablink.js";
import { isUnderWay, showAgain, showSweep } from "./labstate.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labstate.js").Sweep} Sweep */

const NOTHING = "There is no sweep here, and no model is loaded that could make one.";
const GONE = "The sweep of this link is not here: it was removed, or it belongs to another server.";

/** Fill the list from now on, and keep the sweep on show and the page's address together. @param {Lab} lab */
export async function followSweeps(lab) {
  const { store, race } = lab;
  let told = ""; // to the address
  store.view(["sweep", ...SEEN], (state) => {
    if (state.sweep === null) return;
    told = viewText(state).text;
    race.set({ sweep: state.sweep, seen: told });
  });
  race.view(["sweep", "seen"], ({ sweep, seen }) => {
    if (sweep === null || !knows(lab, sweep)) return;
    if (sweep !== store.state.sweep) showSweep(lab, sweep, seen);
    else if (seen !== told) showAgain(lab, seen);
  });
  await listSweeps(lab);
  if (store.state.sweep === null) showFirst(lab);
}

/** Ask for the list anew; an answer that a later question has overtaken is dropped. @param {Lab} lab */
export function listSweeps(lab) {
  const named = lab.race.state.sweep;
  const mine = ownSweeps();
  const asked = named === null || mine.includes(named) ? mine : [...mine, named];
  return lab.lists.ask(
    () => answerOf(lab, "lab_sweeps", { mine: asked }),
    (answer) => {
      if (answer.error) return lab.store.set({ error: answer.error });
      lab.store.set({ sweeps: answer.sweeps, canStart: answer.can_start, form: answer.form });
      // one that was started meanwhile was not asked about
      return keepOwn(ownSweeps().filter((id) => !mine.includes(id) || knows(lab, id)));
    },
  );
}

/** What the address names, else the newest that is being made, else the first with something to see. @param {Lab} lab */
function showFirst(lab) {
  const { race, store } = lab;
  const sweeps = store.state.sweeps ?? [];
  const named = race.state.sweep;
  const first =
    sweeps.find(({ id }) => id === named) ?? sweeps.find(isUnderWay) ?? sweeps.find(({ runs }) => runs > 0) ?? sweeps[0];
  if (first) showSweep(lab, first.id, first.id === named ? race.state.seen : "");
  else store.set(store.state.canStart ? { asking: true } : { note: NOTHING });
  if (named !== null && first?.id !== named) store.set({ note: GONE });
}

/** @param {Lab} lab @param {string} sweep */
const knows = ({ store }, sweep) => (store.state.sweeps ?? []).some(({ id }) => id === sweep);

/**
 * Start a sweep and show it.
 * @param {Lab} lab @param {any} plan @param {string} title
 * @returns {Promise<{error: string, field: string | null} | null>} why it was not started, null where it was
 */
export async function startSweep(lab, plan, title) {
  const answer = await answerOf(lab, "lab_start", { plan, title });
  if (answer.error) return { error: answer.error, field: answer.field ?? null };
  keepOwn([...ownSweeps(), answer.sweep]);
  await listSweeps(lab);
  showSweep(lab, answer.sweep);
  return null;
}

/** What is done stays. @param {Lab} lab @param {string} sweep @returns {Promise<boolean>} is it being stopped? */
export async function cancelSweep(lab, sweep) {
  const answer = await answerOf(lab, "lab_cancel", { sweep });
  if (!answer.state) lab.store.set({ error: answer.error });
  return Boolean(answer.state);
}

/** What is done is not done again. @param {Lab} lab @param {string} sweep @returns {Promise<boolean>} is it begun? */
export async function resumeSweep(lab, sweep) {
  const status = await answerOf(lab, "lab_resume", { sweep });
  if (!status.state) lab.store.set({ error: status.error });
  else if (lab.store.state.sweep === sweep) lab.store.set({ status, error: "" });
  await listSweeps(lab);
  return Boolean(status.state);
}

/** A sweep of one's own, with all of its runs. @param {Lab} lab @param {string} sweep */
export async function deleteSweep(lab, sweep) {
  const answer = await answerOf(lab, "lab_delete", { sweep });
  if (answer?.error) return lab.store.set({ error: answer.error });
  keepOwn(ownSweeps().filter((id) => id !== sweep));
  lab.store.set({ sweeps: (lab.store.state.sweeps ?? []).filter(({ id }) => id !== sweep) });
  if (lab.store.state.sweep !== sweep) return listSweeps(lab);
  lab.race.set({ sweep: null });
  lab.store.set({ sweep: null, table: null, status: null });
  await listSweeps(lab);
  return showFirst(lab);
}

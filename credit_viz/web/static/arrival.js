/**
 * What a visitor sees first: the run of the link that was opened, else a run recorded earlier, else the first example.
 * Knows links, the gallery and Gradio's Run; nothing of views.
 */

import { linkHere, sharedOf } from "./address.js";
import { pressRun, promptDrawn } from "./ask.js";
import { fillForm, named } from "./gallery.js";
import { modelId, runKey } from "./link.js";
import { trailOf } from "./trail.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./gallery.js").Gallery} Gallery */
/** @typedef {NonNullable<ReturnType<typeof linkHere>>} Opened */

/** @param {Store} store @param {import("./live.js").Live} live @param {Gallery} gallery */
export async function arrive(store, live, gallery) {
  const link = store.state.boot.can.run ? linkHere(store.state.boot) : null;
  if (link) note(store, link.problems);
  if (link && (link.prompt !== null || link.problems.length === 0)) await openLink(store, live, gallery, link);
  else await firstVisit(store, live, gallery);
}

/** A first visit shows a finished run at once. @param {Store} store @param {import("./live.js").Live} live @param {Gallery} gallery */
async function firstVisit(store, live, gallery) {
  const { boot } = store.state;
  const exhibit = gallery.exhibits.find(({ name }) => name === boot.welcome);
  if (exhibit) return gallery.open(exhibit);
  const packets = await live.welcome();
  if (store.state.run || store.state.live !== "idle") return undefined;
  if (packets.length) return live.show(packets);
  return boot.can.run && boot.examples.length && store.state.place === "race"
    ? firstRun(store)
    : store.set({ coming: false });
}

/** @param {Store} store @param {import("./live.js").Live} live @param {Gallery} gallery @param {Opened} link */
async function openLink(store, live, gallery, link) {
  const { boot } = store.state;
  const prompt = link.prompt ?? boot.examples[0]?.prompt ?? "";
  const asked = { ...link, prompt };
  await promptDrawn();
  fillForm(store, prompt, link.choice);
  if (link.view.map) store.set({ tab: link.view.map });
  showWhenFinished(store, asked);
  if (boot.can.lab) store.set({ trail: trailOf(asked) });
  const recording = gallery.recordingOf(asked);
  if (recording) return gallery.open(recording);
  if (link.model !== modelId(boot.model)) return offerToRunHere(store, link.model);
  const packets = isWelcome(boot, asked) ? await live.welcome() : [];
  if (packets.length) return live.show(packets);
  return firstRun(store);
}

/** Did the link ask for what a first visit shows? @param {any} boot @param {Opened} asked */
function isWelcome(boot, asked) {
  if (boot.welcome || !boot.examples.length) return false;
  const welcome = { prompt: boot.examples[0].prompt, choice: boot.choice, model: modelId(boot.model) };
  return runKey(boot, welcome) === runKey(boot, asked);
}

/** @param {Store} store @param {string} model */
function offerToRunHere(store, model) {
  const here = modelId(store.state.boot.model);
  note(store, [`This link was made on ${named(model)}; this page serves ${named(here)}, which will write something else.`]);
  const { words } = /** @type {import("./notice.js").Notice} */ (store.state.notice);
  store.set({ coming: false, notice: { words, action: "Run it here", act: () => void firstRun(store) } });
}

/**
 * Once the run that a link asked for is finished, go where the link points. A visitor who runs something else in the
 * meantime is left alone.
 * @param {Store} store @param {Opened} asked
 */
function showWhenFinished(store, asked) {
  const { boot } = store.state;
  /** @type {string | null} */
  let key = runKey(boot, asked);
  store.view(["run", "version"], (state) => {
    const shared = key && state.run ? sharedOf(state) : null;
    if (!shared || !state.run) return;
    if (runKey(boot, { ...shared, model: asked.model }) !== key) key = null;
    if (key === null || state.run.state === "running") return;
    key = null;
    show(store, state.run, asked.view);
  });
}

/** @param {Store} store @param {import("./run.js").Run} run @param {import("./link.js").View} view */
function show(store, run, { step, token, front }) {
  const problems = [];
  if (step !== undefined && step > run.steps) problems.push(`The link’s step is ${step}; this run has ${run.steps}.`);
  else if (step !== undefined) store.set({ step, follow: false });
  if (front !== undefined && front > run.lanes.length)
    problems.push(`The link’s lane in front is ${front}; this run has ${run.lanes.length}.`);
  else if (front !== undefined) store.set({ lane: front - 1 });
  if (token !== undefined && token !== null && token >= run.length)
    problems.push(`The link’s token is ${token}; this run has 0 to ${run.length - 1}.`);
  else if (token !== undefined) store.set({ selected: token });
  note(store, problems);
}

/** Say more of what a link could not bring along. @param {Store} store @param {string[]} problems */
function note(store, problems) {
  if (problems.length) store.set({ notice: { words: [store.state.notice?.words, ...problems].filter(Boolean).join(" ") } });
}

/** Gradio may not listen to its button yet: press until it does. @param {Store} store */
async function firstRun(store) {
  const before = store.state.run;
  const waiting = () => store.state.live === "idle" && store.state.run === before && !store.state.error;
  for (let tries = 0; tries < 20 && waiting(); tries += 1) {
    pressRun();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/**
 * The form of a new sweep: a question to start from, decoders, prompts, canvas; what it comes to, live; and Start. What
 * is typed stays there while the page does. Knows the lab's state and the server.
 */

import { h, say } from "./dom.js";
import { armsView } from "./labarms.js";
import { answerOf } from "./labfeed.js";
import { pills, textField, wrongLine } from "./labfields.js";
import { armText, formOf, outlookWords, planOf, readArm } from "./labplan.js";
import { promptsView } from "./labprompts.js";
import { QUICK, quickStarts } from "./labquick.js";
import { startSweep } from "./labsweeps.js";
import { grouped, inTime } from "./labwords.js";
import { Store } from "./store.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labfields.js").Form} Form */
/** @typedef {import("./labfields.js").FormState} FormState */
/** @typedef {import("./labplan.js").PlanForm} PlanForm */

const PAUSE = 250; // milliseconds that typing rests before the server is asked

/** @param {Lab} lab @returns {Node} drawn when it is first opened */
export function formView(lab) {
  const root = h("section", { class: "cv-lab-form", "aria-labelledby": "cv-lab-form-title", hidden: true });
  let made = false;
  lab.store.view(["asking", "form"], ({ asking, form: can }) => {
    root.hidden = !asking || !can;
    if (root.hidden || made) return;
    made = true;
    root.append(...formParts(lab, newForm(lab, can)));
  });
  lab.store.view(["asking"], ({ asking }) => void (asking && root.querySelector("h2")?.focus()));
  root.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && !event.defaultPrevented && lab.store.state.sweep !== null) lab.store.set({ asking: false });
  });
  return root;
}

/** @param {Lab} lab @param {any} can @returns {Form} */
function newForm(lab, can) {
  const { boot } = lab.race.state;
  const [first] = quickStarts(boot.decoders);
  const plan = formOf({ ...can.defaults, arms: first?.arms ?? ["vanilla"] }, emptyForm(boot, can));
  /** @type {FormState} */
  const initial = { plan: { ...plan, title: first?.title ?? "" }, outlook: null, wrong: null, starting: false };
  const store = new Store(initial);
  let resting = 0;
  const look = async () => {
    const { plan } = store.state;
    const answer = await answerOf(lab, "lab_outlook", { plan: planOf(plan) });
    if (plan !== store.state.plan) return; // more was typed meanwhile
    const wrong = answer.error ? { error: answer.error, field: answer.field ?? null } : null;
    store.set({ wrong, outlook: wrong ? null : answer });
  };
  const change = (/** @type {Partial<PlanForm>} */ patch) => {
    const { plan } = store.state;
    // other decoders than those of a question have another name than the question
    const title = patch.arms && QUICK.some((quick) => quick.title === plan.title) ? "" : plan.title;
    store.set({ plan: { ...plan, title, ...patch } });
    clearTimeout(resting);
    resting = window.setTimeout(look, PAUSE);
  };
  void look();
  return { store, boot, can, change };
}

/** @param {any} boot @param {any} can @returns {PlanForm} */
const emptyForm = (boot, can) => ({
  title: "",
  arms: [],
  tasks: can.tasks ?? [],
  count: "20",
  split: can.splits?.at(-1) ?? "",
  prompts: can.tasks?.length ? "" : (boot.examples[0]?.prompt ?? ""),
  file: null,
  gen_length: String(boot.choice.gen_length),
  block_length: String(boot.choice.block_length),
  seeds: String(boot.choice.seed),
  early_stop: boot.choice.early_stop,
  cache: [boot.choice.cache],
});

/** @param {Lab} lab @param {Form} form @returns {Node[]} */
function formParts(lab, form) {
  const close = h(
    "button",
    { class: "cv-tool", type: "button", "aria-label": "Close the form", onclick: () => lab.store.set({ asking: false }) },
    h("i", { class: "cv-draw-close" }),
  );
  lab.store.view(["sweep"], ({ sweep }) => (close.hidden = sweep === null));
  return [
    h("header", {}, h("h2", { class: "cv-lab-title", id: "cv-lab-form-title", tabindex: -1 }, "New sweep"), close),
    part("Start from a question", quickView(form)),
    part("Decoders", armsView(form)),
    part("Prompts", promptsView(form)),
    part("Canvas", canvasView(form)),
    footView(lab, form),
  ];
}

/** @param {string} title @param {Node} body */
const part = (title, body) => h("section", { class: "cv-lab-part" }, h("h3", { class: "cv-lab-part-name" }, title), body);

/** @param {Form} form */
function quickView(form) {
  const starts = quickStarts(form.boot.decoders);
  const buttons = starts.map(({ title, asks, arms, block_length }) => {
    const block = block_length ?? [form.boot.choice.block_length];
    const use = () => form.change({ ...formOf({ arms, block_length: block }, form.store.state.plan), title });
    return h("button", { type: "button", class: "cv-lab-quick", onclick: use }, h("b", {}, title), h("span", {}, asks));
  });
  form.store.view(["plan"], ({ plan }) => {
    const arms = plan.arms.map(armText).join();
    starts.forEach((start, i) => {
      const same = arms === start.arms.map((arm) => armText(readArm(arm))).join();
      buttons[i].setAttribute("aria-pressed", String(same));
    });
  });
  return h("div", { class: "cv-lab-quicks" }, buttons);
}

/** @param {Form} form */
function canvasView(form) {
  const { boot } = form;
  const stop = h("input", { type: "checkbox", onchange: () => form.change({ early_stop: stop.checked }) });
  const caches = pills(
    "Caches",
    boot.caches.map((/** @type {string} */ name) => [name, name]),
    () => form.store.state.plan.cache,
    (cache) => form.change({ cache }),
  );
  form.store.view(["plan"], ({ plan }) => {
    stop.checked = plan.early_stop;
    caches.show();
  });
  return h(
    "div",
    { class: "cv-lab-canvas" },
    textField(form, "gen_length", "Positions"),
    textField(form, "block_length", "Block lengths"),
    textField(form, "seeds", "Seeds"),
    boot.caches.length > 1 ? h("div", { class: "cv-lab-field cv-lab-caches" }, h("span", { class: "cv-lab-label" }, "Caches"), caches.root) : null,
    h("label", { class: "cv-check" }, stop, "Stop when the text has ended"),
  );
}

/** What it comes to, its name, and Start. @param {Lab} lab @param {Form} form */
function footView(lab, form) {
  const outlook = h("p", { class: "cv-lab-outlook", role: "status", "aria-live": "polite" });
  const wrong = wrongLine("all");
  const start = h("button", { type: "button", class: "cv-lab-start" }, "Start");
  start.addEventListener("click", async () => {
    form.store.set({ starting: true });
    const { plan } = form.store.state;
    const refused = await startSweep(lab, planOf(plan), plan.title.trim());
    form.store.set({ starting: false, wrong: refused });
  });
  form.store.view(["outlook", "wrong", "starting"], (state) => {
    say(outlook, state.outlook ? outlookWords(state.outlook, grouped, inTime) : "");
    wrong.show(state.wrong && { ...state.wrong, field: "all" }); // its own field may be out of sight
    start.disabled = state.starting || state.wrong !== null;
  });
  const words = h("div", { class: "cv-lab-sum" }, outlook, wrong.root);
  return h("div", { class: "cv-lab-foot" }, words, textField(form, "title", "Name"), start);
}

/**
 * The decoders of a new sweep: a card each, with a field for every knob that is changed. Drawn from the decoders' own
 * descriptions, so that a new decoder or knob appears here by itself. Knows the form's store.
 */

import { h, refill } from "./dom.js";
import { choice, markWrong, wrongLine } from "./labfields.js";
import { RANDOM } from "./labplan.js";
import { decoderGroups } from "./lanesettings.js";

/** @typedef {import("./labplan.js").ArmForm} ArmForm */
/** @typedef {import("./labfields.js").Form} Form */
/** @typedef {import("./labfields.js").FormState} FormState */
/** @typedef {import("./knobs.js").Knob} Knob */

const HELP = "Values between commas, or a range: 0..2/5 is five values from 0 to 2. Every combination is run.";

/** @param {Form} form @returns {Node} */
export function armsView(form) {
  const cards = h("div", { class: "cv-lab-arms" });
  const wrong = wrongLine("arms");
  /** @type {((state: FormState) => void)[]} */
  let shows = [];
  let drawn = "";
  form.store.view(["plan", "wrong"], (state) => {
    const { arms } = state.plan;
    const shape = JSON.stringify(arms.map((arm) => [arm.decoder, arm.preset, arm.knobs.map(({ name }) => name)]));
    if (shape !== drawn) {
      drawn = shape;
      const made = arms.map((_, index) => card(form, index));
      shows = made.map(({ show }) => show);
      refill(
        cards,
        made.map(({ root }) => root),
      );
    }
    for (const show of shows) show(state);
    wrong.show(state.wrong);
  });
  return h("div", {}, cards, addArm(form), h("p", { class: "cv-help" }, HELP), wrong.root);
}

/** @param {Form} form */
function addArm(form) {
  const add = h("button", { type: "button", class: "cv-add", data: { key: "add" } }, "Add a decoder");
  add.addEventListener("click", () => {
    const { arms } = form.store.state.plan;
    const used = new Set(arms.map(({ decoder }) => decoder));
    const names = Object.keys(form.boot.decoders);
    const decoder = names.find((name) => !used.has(name)) ?? names[0];
    form.change({ arms: [...arms, { decoder, preset: "", knobs: [] }] });
  });
  return add;
}

/** @param {Form} form @param {number} index */
function card(form, index) {
  const arm = form.store.state.plan.arms[index];
  const decoder = form.boot.decoders[arm.decoder];
  const knobs = /** @type {Knob[]} */ (decoder?.knobs ?? []);
  const set = (/** @type {Partial<ArmForm>} */ patch) => {
    const { arms } = form.store.state.plan;
    form.change({ arms: arms.with(index, { ...arms[index], ...patch }) });
  };
  const field = `arms.${index}`;
  const wrong = wrongLine(field);
  const menu = choice(`Decoder ${index + 1}`, field, decoderGroups(form.boot.decoders), arm.decoder, (name) =>
    set({ decoder: name, preset: "", knobs: [] }),
  );
  const values = arm.knobs.map(({ name }, place) => knobField(form, index, place, knobs.find((knob) => knob.name === name)));
  const root = h(
    "fieldset",
    { class: "cv-lab-arm" },
    h("legend", { class: "cv-unseen" }, `Decoder ${index + 1}: ${decoder?.title ?? arm.decoder}`),
    menu,
    presetMenu(decoder, arm, index, set),
    moreKnobs(knobs, arm, index, set),
    removeArm(form, index),
    h(
      "div",
      { class: "cv-lab-knobs" },
      values.map(({ root }) => root),
    ),
    wrong.root,
  );
  const show = (/** @type {FormState} */ state) => {
    for (const value of values) value.show(state);
    markWrong(menu, field, state.wrong);
    wrong.show(state.wrong);
  };
  return { root, show };
}

/** @param {any} decoder @param {ArmForm} arm @param {number} index @param {(patch: Partial<ArmForm>) => void} set */
function presetMenu(decoder, arm, index, set) {
  const names = Object.keys(decoder?.presets ?? {});
  if (!names.length) return null;
  const words = [["", "defaults"], ...names.map((name) => [name, name])];
  const options = words.map(([value, shown]) => h("option", { value }, shown));
  const menu = choice(`Start from, decoder ${index + 1}`, `preset ${index}`, options, arm.preset, (preset) => set({ preset }));
  menu.classList.add("cv-lab-preset");
  return menu;
}

/** @param {Form} form @param {number} index */
function removeArm(form, index) {
  const { arms } = form.store.state.plan;
  if (arms.length < 2) return null;
  const label = `Remove decoder ${index + 1}`;
  const act = () => form.change({ arms: form.store.state.plan.arms.toSpliced(index, 1) });
  return h(
    "button",
    { type: "button", class: "cv-tool", "aria-label": label, title: label, data: { key: `remove ${index}` }, onclick: act },
    h("i", { class: "cv-draw-remove" }),
  );
}

/**
 * The values that a knob takes.
 * @param {Form} form @param {number} index @param {number} place among the arm's knobs @param {Knob | undefined} knob
 */
function knobField(form, index, place, knob) {
  const arm = form.store.state.plan.arms[index];
  const { name } = arm.knobs[place];
  const key = `knob ${index} ${name}`;
  const setKnobs = (/** @type {ArmForm["knobs"]} */ knobs) => {
    const { arms } = form.store.state.plan;
    form.change({ arms: arms.with(index, { ...arms[index], knobs }) });
  };
  const known = () => form.store.state.plan.arms[index].knobs;
  const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false", data: { key } });
  input.addEventListener("input", () => setKnobs(known().with(place, { name, values: input.value })));
  const label = name === RANDOM ? "random draws" : (knob?.role ?? name);
  const title = `Leave ${label} at its default`;
  const remove = h(
    "button",
    { type: "button", class: "cv-tool", "aria-label": title, title, onclick: () => setKnobs(known().toSpliced(place, 1)) },
    h("i", { class: "cv-draw-remove" }),
  );
  const symbol = knob?.symbol ? h("span", { class: "cv-symbol" }, ` ${knob.symbol}`) : null;
  const root = h(
    "div",
    { class: "cv-lab-knob", title: knob?.help ?? "" },
    h("label", {}, h("span", {}, label, symbol), input),
    remove,
  );
  const show = (/** @type {FormState} */ { plan, wrong }) => {
    const { values } = plan.arms[index].knobs[place];
    if (input.value !== values) input.value = values;
    markWrong(input, `arms.${index}`, wrong);
  };
  return { root, show };
}

/** A menu of what can be changed as well. @param {Knob[]} knobs @param {ArmForm} arm @param {number} index @param {(patch: Partial<ArmForm>) => void} set */
function moreKnobs(knobs, arm, index, set) {
  const left = knobs.filter(({ name }) => !arm.knobs.some((changed) => changed.name === name));
  const random = arm.knobs.length > 0 && !arm.knobs.some(({ name }) => name === RANDOM);
  if (!left.length && !random) return null;
  const options = [
    h("option", { value: "" }, "Change a knob"),
    ...left.map(({ name, role, symbol }) => h("option", { value: name }, `${role} ${symbol}`)),
    random && h("option", { value: RANDOM }, "random draws, not a grid"),
  ].filter((option) => option instanceof Node);
  const menu = choice(`Change a knob of decoder ${index + 1}`, `more ${index}`, options, "", (name) => {
    const knob = left.find((other) => other.name === name);
    set({ knobs: [...arm.knobs, { name, values: knob ? suggested(knob) : "20 seed 1" }] });
  });
  menu.classList.add("cv-lab-more");
  return menu;
}

/** Values to begin with. @param {Knob} knob */
export function suggested({ choices, slider: [low, high], integer }) {
  if (choices.length) return choices.join(", ");
  if (!integer) return `${low}..${high}/5`;
  const middle = Math.round((low + high) / 2);
  return [...new Set([low, middle, high])].join(", ");
}

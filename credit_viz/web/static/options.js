/**
 * The options all lanes of the next run share: lengths, seed, cache, early stop. Knows the store.
 */

import { fill, h, say, term } from "./dom.js";

/** @typedef {import("./store.js").Store} Store */

const NUMBERS = Object.freeze([
  { name: "gen_length", role: "Generated positions", help: "Length of the canvas that is filled, in tokens.", min: 1 },
  {
    name: "block_length",
    role: "Block length",
    help: "Positions written together; must divide the generated positions. Credit restarts in each block.",
    min: 1,
  },
  { name: "seed", role: "Seed", help: "Only matters with a temperature above 0.", min: 0 },
]);

/** Where a prompt's gaps are filled, the prompt says these. */
const FOLLOWS = Object.freeze(["gen_length", "block_length"]);

/** What each cache computes again, and what that does to the result. @type {Record<string, string>} */
const CACHES = Object.freeze({
  none: "Every pass computes the whole canvas.",
  prefix: "Only a block's first pass computes the text before it. Faster, but an approximation.",
  dual: "Only a block's first pass computes the text around it. Fastest, but an approximation.",
  block: "Finished blocks are not computed again. Faster, with the same result.",
});

const EARLY = "Once end-of-text is written and nothing before it is masked, fill the rest and stop.";

/** @param {Store} store @returns {Node} */
export function optionsView(store) {
  const set = (/** @type {string} */ name, /** @type {any} */ value) =>
    store.set({ options: { ...store.state.options, [name]: value } });
  const parts = [...NUMBERS.map((option) => numberField(option, set)), cacheField(store, set), earlyField(set)];
  const fields = parts.filter((part) => part !== null);
  store.view(["options"], ({ options }) => fields.forEach(({ show }) => show(options)));
  return h(
    "div",
    { class: "cv-options" },
    fields.map(({ root }) => root),
  );
}

/** @typedef {(name: string, value: any) => void} Set */

/** @param {{name: string, role: string, help: string, min: number}} option @param {Set} set */
function numberField({ name, role, help, min }, set) {
  const id = `cv-option-${name}`;
  const field = h("input", {
    type: "number",
    id,
    min,
    step: 1,
    "aria-label": role,
    "aria-describedby": `${id}-help`,
    onchange: () => set(name, Math.round(Number(field.value))),
  });
  const show = (/** @type {Record<string, any>} */ options) => {
    field.disabled = FOLLOWS.includes(name) && options.infill === true;
    field.value = field.disabled ? "" : String(options[name]);
    field.placeholder = field.disabled ? "prompt" : "";
    field.title = field.disabled ? "Follows from the prompt, whose gaps are filled" : "";
  };
  return { root: h("div", { class: "cv-knob cv-knob-line" }, named(id, role, help), field), show };
}

/** Nothing where the model has no cache to offer. @param {Store} store @param {Set} set */
function cacheField({ state: { boot } }, set) {
  if (boot.caches.length < 2) return null;
  const id = "cv-option-cache";
  const note = h("p", { class: "cv-help", id: `${id}-help` });
  const select = h("select", {
    class: "cv-select",
    id,
    "aria-describedby": `${id}-help`,
    onchange: () => set("cache", select.value),
  });
  fill(
    select,
    boot.caches.map((/** @type {string} */ mode) => h("option", { value: mode }, mode)),
  );
  const show = (/** @type {Record<string, any>} */ { cache }) => {
    select.value = cache;
    say(note, CACHES[cache]);
  };
  const line = h("div", { class: "cv-knob-line" }, h("label", { for: id }, "Cache"), select);
  return { root: h("div", { class: "cv-knob" }, line, note), show };
}

/** @param {Set} set */
function earlyField(set) {
  const id = "cv-option-early";
  const box = h("input", { type: "checkbox", id, onchange: () => set("early_stop", box.checked) });
  const show = (/** @type {Record<string, any>} */ options) => (box.checked = options.early_stop);
  const label = h("label", { class: "cv-check", for: id }, box, "Stop at the end of the text");
  return { root: h("div", { class: "cv-knob" }, label, h("p", { class: "cv-help" }, EARLY)), show };
}

/** @param {string} id @param {string} role @param {string} help */
function named(id, role, help) {
  const name = term(role, help);
  name.id = `${id}-help`;
  return h("div", { class: "cv-knob-name" }, name);
}

/**
 * Parts that the fields of a new sweep are made of: a name above, what is wrong below. Knows the form's store.
 */

import { h, say } from "./dom.js";

/**
 * @typedef {object} FormState
 * @property {import("./labplan.js").PlanForm} plan
 * @property {{runs: number, settings: number, prompts: number, seconds: number | null} | null} outlook null while unknown
 * @property {{error: string, field: string | null} | null} wrong why it cannot be started
 * @property {boolean} starting
 */
/**
 * The form as its parts know it. `can` is what `lab_sweeps` says a form may ask for.
 * @typedef {{store: import("./store.js").Store<FormState>, boot: any, can: any,
 *   change: (patch: Partial<import("./labplan.js").PlanForm>) => void}} Form
 */

/** @param {string} name */
const idOf = (name) => `cv-lab-wrong-${name.replace(/\W/g, "-")}`;

/**
 * What is wrong with a field, in the library's words; hidden while nothing is.
 * @param {string} name of the field, as the server calls it
 * @returns {{root: HTMLElement, show: (wrong: FormState["wrong"]) => void}}
 */
export function wrongLine(name) {
  const root = h("p", { class: "cv-lab-wrong", id: idOf(name), hidden: true });
  const show = (/** @type {FormState["wrong"]} */ wrong) => {
    const mine = wrong?.field === name;
    root.hidden = !mine;
    say(root, mine ? wrong.error : "");
  };
  return { root, show };
}

/** Say of an input whether it is what is wrong. @param {Element} input @param {string} name @param {FormState["wrong"]} wrong */
export function markWrong(input, name, wrong) {
  const mine = wrong?.field === name;
  input.setAttribute("aria-invalid", String(mine));
  if (mine) input.setAttribute("aria-describedby", idOf(name));
  else input.removeAttribute("aria-describedby");
}

/**
 * A line of text that the form keeps.
 * @param {Form} form
 * @param {"title" | "count" | "gen_length" | "block_length" | "seeds"} name
 * @param {string} label
 * @returns {Node}
 */
export function textField(form, name, label) {
  const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const wrong = wrongLine(name);
  input.addEventListener("input", () => form.change({ [name]: input.value }));
  form.store.view(["plan", "wrong"], (state) => {
    if (input.value !== state.plan[name]) input.value = state.plan[name];
    markWrong(input, name, state.wrong);
    wrong.show(state.wrong);
  });
  return h("div", { class: "cv-lab-field" }, h("label", {}, h("span", {}, label), input), wrong.root);
}

/**
 * @param {string} label for screen readers @param {string} key keeps the focus when it is drawn anew
 * @param {Node[]} options @param {string} value @param {(value: string) => void} set
 * @returns {HTMLSelectElement}
 */
export function choice(label, key, options, value, set) {
  const select = h("select", { class: "cv-select", "aria-label": label, data: { key } }, options);
  select.value = value;
  select.addEventListener("change", () => set(select.value));
  return select;
}

/**
 * Words of which any number can be on.
 * @param {string} label @param {[string, string][]} words value and what is shown
 * @param {() => string[]} get @param {(on: string[]) => void} set
 * @returns {{root: HTMLElement, show: () => void}}
 */
export function pills(label, words, get, set) {
  const toggle = (/** @type {string} */ value) => {
    const on = get();
    set(on.includes(value) ? on.filter((other) => other !== value) : words.map(([other]) => other).filter((other) => other === value || on.includes(other)));
  };
  const buttons = words.map(([value, shown]) =>
    h("button", { type: "button", class: "cv-preset", onclick: () => toggle(value) }, shown),
  );
  const show = () => words.forEach(([value], i) => buttons[i].setAttribute("aria-pressed", String(get().includes(value))));
  return { root: h("div", { class: "cv-presets", role: "group", "aria-label": label }, buttons), show };
}

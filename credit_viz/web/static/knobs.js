/**
 * One knob as a field: a menu of words, or a slider with a number beside it, and "auto" where it may be left unset.
 * Drawn from the decoder's own description, so that a new knob needs no new code. Knows neither lanes nor the store.
 */

import { fill, h, term } from "./dom.js";

/** @typedef {number | string | null} Value null: left to the decoder */

/**
 * What a decoder says about one of its knobs, see credit_viz/decoding/settings.py.
 * @typedef {{name: string, role: string, symbol: string, help: string, default: Value, default_text: string,
 *   minimum: number, maximum: number, step: number, slider: [number, number], unset: string, choices: string[],
 *   integer: boolean}} Knob
 */

/** @typedef {{root: HTMLElement, show: () => void}} Field `show` takes over the present value */

/**
 * @param {string} id of the input
 * @param {Knob} knob
 * @param {() => Value} get the present value
 * @param {(value: Value | undefined) => void} set undefined: the default again
 * @returns {Field}
 */
export function knobField(id, knob, get, set) {
  const { row, show } = knob.choices.length ? wordRow(id, knob, set) : numberRow(id, knob, set);
  const name = term(knob.role, knobHelp(knob));
  name.id = `${id}-help`;
  const title = h("div", { class: "cv-knob-name" }, name, " ", h("span", { class: "cv-symbol" }, knob.symbol));
  const root = h("div", { class: "cv-knob" }, title, row);
  const refresh = () => show(get());
  refresh();
  return { root, show: refresh };
}

/** @param {Knob} knob */
function knobHelp(knob) {
  const range = knob.choices.length ? knob.choices.join(", ") : `${knob.minimum}..${knob.maximum}`;
  const auto = knob.unset ? ` Auto: ${knob.unset}.` : "";
  return `${knob.help} (${range}, default ${knob.default === null ? "auto" : knob.default_text})${auto}`;
}

/** @param {string} id @param {Knob} knob @param {(value: Value) => void} set */
function wordRow(id, knob, set) {
  const select = h("select", {
    id,
    class: "cv-select",
    "aria-label": knob.role,
    "aria-describedby": `${id}-help`,
    onchange: () => set(select.value),
  });
  fill(
    select,
    knob.choices.map((word) => h("option", { value: word }, word)),
  );
  return { row: select, show: (/** @type {Value} */ value) => (select.value = value) };
}

/**
 * An empty number field means the default.
 * @param {string} id @param {Knob} knob @param {(value: Value | undefined) => void} set
 */
function numberRow(id, knob, set) {
  const [low, high] = knob.slider;
  const common = { step: knob.step, "aria-describedby": `${id}-help` };
  const slider = h("input", {
    ...common,
    type: "range",
    min: low,
    max: high,
    "aria-label": `${knob.role}, slider`,
    oninput: () => set(Number(slider.value)),
  });
  const number = h("input", {
    ...common,
    type: "number",
    min: knob.minimum,
    max: knob.maximum,
    id,
    "aria-label": knob.role,
    onchange: () => set(number.value === "" ? undefined : Number(number.value)),
  });
  let last = /** @type {number} */ (knob.default ?? middle(knob));
  const auto = h(
    "button",
    {
      type: "button",
      class: "cv-auto",
      "aria-label": `auto ${knob.role}: ${knob.unset}`,
      title: `Auto: ${knob.unset}`,
      onclick: () => set(auto.getAttribute("aria-pressed") === "true" ? last : null),
    },
    "auto",
  );
  const row = h("div", { class: "cv-knob-row" }, slider, knob.unset ? auto : null, number);
  const show = (/** @type {any} */ value) => {
    const unset = value === null;
    if (!unset) last = value;
    slider.value = String(unset ? last : value);
    slider.classList.toggle("unset", unset);
    if (document.activeElement !== number || Number(number.value) !== value) number.value = unset ? "" : String(value);
    number.placeholder = unset ? "auto" : "";
    auto.setAttribute("aria-pressed", String(unset));
  };
  return { row, show };
}

/** A number to start from where auto is the default: halfway, in factors. @param {Knob} knob */
function middle({ slider: [low, high], step }) {
  const half = low > 0 ? Math.sqrt(low * high) : (low + high) / 2;
  return Math.round(half / step) * step;
}

/**
 * What the next run will use: a card per lane with its decoder, presets and knobs, drawn from the decoders' own
 * descriptions, and the options all lanes share. A new decoder appears here without new code.
 */

import { pressRun } from "./ask.js";
import { fill, h, say } from "./dom.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").LaneChoice} LaneChoice */

/** Options of the whole run. */
const OPTIONS = [
  { name: "gen_length", role: "Generated positions", help: "Length of the canvas that is filled, in tokens.", min: 1 },
  {
    name: "block_length",
    role: "Block length",
    help: "Positions written together; must divide the generated positions. Credit restarts in each block.",
    min: 1,
  },
  { name: "seed", role: "Seed", help: "Only matters with a temperature above 0.", min: 0 },
];

/** @param {Store} store @returns {Node} */
export function settingsView(store) {
  const lanes = h("div", { class: "cv-setting-lanes" });
  const options = h(
    "div",
    { class: "cv-options" },
    ...OPTIONS.map((option) => optionField(store, option)),
    cacheField(store),
    earlyStop(store),
  );
  store.view(["lanes"], (state) => {
    if (lanes.childElementCount !== state.lanes.length)
      fill(
        lanes,
        state.lanes.map((_, index) => laneCard(store, index)),
      );
  });
  const again = h(
    "button",
    { class: "cv-again", type: "button", onclick: () => again.dataset.busy !== "1" && runAgain() },
    "Run again with these",
  );
  store.view(["live"], ({ live }) => (again.disabled = live !== "idle"));
  const head = h("header", {}, h("h2", { class: "cv-title" }, "Decoders and settings"), again);
  return h(
    "section",
    { class: "cv-card cv-settings", id: "cv-settings", tabindex: -1 },
    head,
    lanes,
    h("h3", { class: "cv-sub" }, "All lanes"),
    options,
  );
}

function runAgain() {
  pressRun();
  window.scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

/** @param {Store} store @param {number} index */
function laneCard(store, index) {
  const { boot } = store.state;
  const body = h("div", { class: "cv-knobs" });
  const rule = h("p", { class: "cv-help" });
  const presets = h("div", { class: "cv-presets", role: "group", "aria-label": "Presets" });
  const select = h("select", {
    class: "cv-select",
    "aria-label": `Decoder of lane ${index + 1}`,
    onchange: () => change(store, index, { decoder: select.value, settings: {} }),
  });
  fill(select, decoderGroups(boot.decoders));
  let shown = "";
  store.view(["lanes"], ({ lanes }) => {
    const lane = lanes[index];
    if (!lane) return;
    select.value = lane.decoder;
    if (shown === lane.decoder) return;
    shown = lane.decoder;
    const decoder = boot.decoders[lane.decoder];
    fill(rule, `${decoder.rule[0].toUpperCase()}${decoder.rule.slice(1)}. `, h("cite", {}, decoder.paper));
    fill(
      body,
      decoder.knobs.map((/** @type {any} */ knob) => knobField(store, index, lane.decoder, knob)),
    );
    fill(
      presets,
      Object.entries(decoder.presets).map(([name, settings]) =>
        presetButton(store, index, name, /** @type {any} */ (settings)),
      ),
    );
    presets.hidden = !presets.childElementCount;
  });
  return h("article", { class: "cv-lane cv-setting-lane", data: { lane: String(index) } }, select, rule, presets, body);
}

/** Options of the decoder menu, under the groups the decoders name. @param {Record<string, any>} decoders */
function decoderGroups(decoders) {
  const groups = new Map();
  for (const [name, { title, group }] of Object.entries(decoders))
    groups.set(group, [...(groups.get(group) ?? []), h("option", { value: name }, title)]);
  return Array.from(groups, ([label, options]) => h("optgroup", { label }, options));
}

/** @param {Store} store @param {number} index @param {string} name @param {LaneChoice["settings"]} settings */
function presetButton(store, index, name, settings) {
  const use = () => change(store, index, { decoder: store.state.lanes[index].decoder, settings: { ...settings } });
  return h("button", { type: "button", class: "cv-preset", onclick: use }, name);
}

/**
 * One knob: a menu of words, or a slider with a number field, and "auto" where it may be left unset.
 * @param {Store} store @param {number} index @param {string} decoder @param {any} knob
 */
function knobField(store, index, decoder, knob) {
  const id = `cv-knob-${index}-${knob.name}`;
  const set = (/** @type {number | string | null | undefined} */ value) => {
    const settings = { ...store.state.lanes[index].settings };
    if (value === undefined) delete settings[knob.name];
    else settings[knob.name] = value;
    change(store, index, { decoder, settings });
  };
  const { row, show } = knob.choices.length ? wordRow(id, knob, set) : numberRow(id, knob, set);
  store.view(["lanes"], ({ lanes }) => {
    if (lanes[index]?.decoder !== decoder) return;
    const { settings } = lanes[index];
    show(knob.name in settings ? settings[knob.name] : knob.default);
  });
  const label = h("label", { for: id }, knob.role, " ", h("span", { class: "cv-symbol" }, knob.symbol));
  return h("div", { class: "cv-knob" }, label, row, h("p", { class: "cv-help", id: `${id}-help` }, knobHelp(knob)));
}

/** @param {any} knob */
function knobHelp(knob) {
  const range = knob.choices.length ? knob.choices.join(", ") : `${knob.minimum}..${knob.maximum}`;
  const defaults = knob.default === null ? "auto" : knob.default_text;
  const auto = knob.unset ? ` Auto: ${knob.unset}.` : "";
  return `${knob.help} (${range}, default ${defaults})${auto}`;
}

/** @param {string} id @param {any} knob @param {(value: string) => void} set */
function wordRow(id, knob, set) {
  const select = h("select", {
    id,
    class: "cv-select",
    "aria-describedby": `${id}-help`,
    onchange: () => set(select.value),
  });
  fill(
    select,
    knob.choices.map((/** @type {string} */ word) => h("option", { value: word }, word)),
  );
  return { row: select, show: (/** @type {any} */ value) => (select.value = value) };
}

/**
 * An empty number field means the default.
 * @param {string} id @param {any} knob @param {(value: number | null | undefined) => void} set
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
    onchange: () => set(number.value === "" ? undefined : Number(number.value)),
  });
  let last = knob.default ?? middle(knob);
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
  const show = (/** @type {number | null} */ value) => {
    last = value ?? last;
    if (document.activeElement !== number) number.value = value === null ? "" : String(value);
    number.placeholder = value === null ? "auto" : "";
    slider.value = String(last);
    slider.classList.toggle("unset", value === null);
    auto.setAttribute("aria-pressed", String(value === null));
  };
  return { row: h("div", { class: "cv-knob-row" }, slider, number, knob.unset && auto), show };
}

/** A number to start from where auto is the default: halfway, in factors. @param {any} knob */
function middle({ slider: [low, high], step }) {
  const half = low > 0 ? Math.sqrt(low * high) : (low + high) / 2;
  return Math.round(half / step) * step;
}

/** @param {Store} store @param {number} index @param {LaneChoice} lane */
function change(store, index, lane) {
  store.set({ lanes: store.state.lanes.map((other, i) => (i === index ? lane : other)) });
}

/** @param {Store} store @param {{name: string, role: string, help: string, min: number}} option */
function optionField(store, { name, role, help, min }) {
  const id = `cv-option-${name}`;
  const field = h("input", {
    type: "number",
    id,
    min,
    step: 1,
    value: store.state.options[name],
    onchange: () => store.set({ options: { ...store.state.options, [name]: Math.round(Number(field.value)) } }),
  });
  return h("div", { class: "cv-knob" }, h("label", { for: id }, role), field, h("p", { class: "cv-help" }, help));
}

/** What each cache computes again, and what that does to the result. @type {Record<string, string>} */
const CACHES = {
  none: "Every pass computes the whole canvas.",
  prefix: "Only a block's first pass computes the text before it. Faster, but an approximation.",
  dual: "Only a block's first pass computes the text around it. Fastest, but an approximation.",
  block: "Finished blocks are not computed again. Faster, with the same result.",
};

/** Nothing where the model has no cache to offer. @param {Store} store */
function cacheField(store) {
  const { boot, options } = store.state;
  if (boot.caches.length < 2) return null;
  const note = h("p", { class: "cv-help", id: "cv-option-cache-help" });
  const select = h("select", {
    class: "cv-select",
    id: "cv-option-cache",
    "aria-describedby": "cv-option-cache-help",
    onchange: () => {
      store.set({ options: { ...store.state.options, cache: select.value } });
      say(note, CACHES[select.value]);
    },
  });
  fill(
    select,
    boot.caches.map((/** @type {string} */ mode) => h("option", { value: mode }, mode)),
  );
  select.value = options.cache;
  say(note, CACHES[options.cache]);
  return h("div", { class: "cv-knob" }, h("label", { for: "cv-option-cache" }, "Cache"), select, note);
}

/** @param {Store} store */
function earlyStop(store) {
  const box = h("input", {
    type: "checkbox",
    id: "cv-option-early",
    onchange: () => store.set({ options: { ...store.state.options, early_stop: box.checked } }),
  });
  box.checked = store.state.options.early_stop;
  const note = h("p", { class: "cv-help" });
  say(note, "Once end-of-text is written and nothing before it is masked, fill the rest and stop.");
  return h(
    "div",
    { class: "cv-knob" },
    h("label", { class: "cv-check", for: "cv-option-early" }, box, "Stop at the end of the text"),
    note,
  );
}

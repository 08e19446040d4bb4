/**
 * One lane in the drawer: its decoder, presets and knobs, drawn from the decoders' own descriptions. A new decoder
 * appears here without new code. Knows the store and the choice of lanes; running it is rerun.js's work.
 */

import { freshLane, withDecoder, withKnob, withSettings } from "./choice.js";
import { fill, h, say } from "./dom.js";
import { knobField } from "./knobs.js";
import { changedKnobs, decoderTitle } from "./names.js";
import { handChip, laneTools } from "./tools.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").LaneChoice} LaneChoice */

/** @param {Store} store @param {number} index @returns {{root: HTMLElement, show: () => void}} */
export function laneSettings(store, index) {
  const open = store.state.editing === index;
  const { boot, lanes } = store.state;
  const knobs = h("small", {});
  const hand = h("div", { class: "cv-hand-row" });
  const body = open ? laneBody(store, index) : null;
  const head = h(
    "button",
    {
      type: "button",
      class: "cv-setting-head",
      data: { key: `head ${index}` },
      "aria-expanded": String(open),
      onclick: () => store.set({ editing: open ? -1 : index }),
    },
    h("span", { class: "cv-lane-name" }, decoderTitle(boot, lanes[index].decoder)),
    " ",
    knobs,
  );
  const tools = laneTools(store, index, open ? [resetTool(store, index)] : []);
  const root = h(
    "section",
    { class: `cv-lane cv-setting-lane${open ? " open" : ""}`, data: { lane: String(index) } },
    h("header", {}, h("h3", {}, head), tools),
    hand,
    body?.root ?? null,
  );
  const show = () => {
    const lane = store.state.lanes[index];
    say(knobs, changedKnobs(boot, lane.decoder, lane.settings));
    fill(hand, handChip(store, index));
    body?.show();
  };
  return { root, show };
}

/** @param {Store} store @param {number} index */
function resetTool(store, index) {
  const act = () => {
    const { boot, lanes } = store.state;
    store.set({ lanes: withSettings(lanes, index, freshLane(boot, lanes[index].decoder).settings) });
  };
  return { picture: "reset", title: "Back to the values it began with", act };
}

/** @param {Store} store @param {number} index */
function laneBody(store, index) {
  const { boot, lanes } = store.state;
  const decoder = boot.decoders[lanes[index].decoder];
  const select = h("select", {
    class: "cv-select",
    data: { key: `decoder ${index}` },
    "aria-label": `Decoder of lane ${index + 1}`,
    onchange: () => store.set({ lanes: withDecoder(boot, store.state.lanes, index, select.value) }),
  });
  fill(select, decoderGroups(boot.decoders));
  select.value = lanes[index].decoder;
  const presets = presetRow(store, index, lanes[index].decoder);
  const fields = decoder.knobs.map((/** @type {import("./knobs.js").Knob} */ knob) =>
    knobField(
      `cv-knob-${index}-${knob.name}`,
      knob,
      () => settingsOf(boot, store.state.lanes[index])[knob.name],
      (value) => store.set({ lanes: withKnob(store.state.lanes, index, knob.name, value) }),
    ),
  );
  const rule = `${decoder.rule[0].toUpperCase()}${decoder.rule.slice(1)}. `;
  const root = h(
    "div",
    { class: "cv-setting-body" },
    select,
    h("p", { class: "cv-help" }, rule, h("cite", {}, decoder.paper)),
    presets.root,
    h(
      "div",
      { class: "cv-knobs" },
      fields.map((/** @type {import("./knobs.js").Field} */ { root }) => root),
    ),
  );
  const show = () => {
    for (const field of fields) field.show();
    presets.show();
  };
  return { root, show };
}

/** Every knob of a lane with its value. @param {any} boot @param {LaneChoice} lane @returns {LaneChoice["settings"]} */
function settingsOf(boot, { decoder, settings }) {
  const knobs = boot.decoders[decoder]?.knobs ?? [];
  const defaults = knobs.map((/** @type {import("./knobs.js").Knob} */ knob) => [knob.name, knob.default]);
  return { ...Object.fromEntries(defaults), ...settings };
}

/** Options of the decoder menu, under the groups the decoders name. @param {Record<string, any>} decoders */
export function decoderGroups(decoders) {
  const groups = new Map();
  for (const [name, { title, group }] of Object.entries(decoders))
    groups.set(group, [...(groups.get(group) ?? []), h("option", { value: name }, title)]);
  return Array.from(groups, ([label, options]) => h("optgroup", { label }, options));
}

/**
 * Named settings; the one in use is marked.
 * @param {Store} store @param {number} index @param {string} decoder
 */
function presetRow(store, index, decoder) {
  const { boot } = store.state;
  const own = boot.settings[decoder] ? { "this model": freshLane(boot, decoder).settings } : {};
  const named = Object.entries({ ...own, ...boot.decoders[decoder].presets });
  const whole = (/** @type {any} */ settings) => JSON.stringify(Object.entries(settingsOf(boot, { decoder, settings })));
  const buttons = named.map(([name, settings]) => {
    const use = () => store.set({ lanes: withSettings(store.state.lanes, index, { .../** @type {any} */ (settings) }) });
    return h("button", { type: "button", class: "cv-preset", onclick: use }, name);
  });
  const show = () => {
    const present = whole(store.state.lanes[index].settings);
    named.forEach(([, settings], i) => buttons[i].setAttribute("aria-pressed", String(whole(settings) === present)));
  };
  const root = h("div", { class: "cv-presets", role: "group", "aria-label": "Presets" }, buttons);
  root.hidden = !buttons.length;
  return { root, show };
}

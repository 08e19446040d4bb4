/**
 * What is given before a run: texts at positions, and prompts with gaps. Knows the store and the prompt box; how texts
 * become tokens is the server's work.
 */

import { promptText } from "./ask.js";
import { fill, h } from "./dom.js";
import { isStale, wish } from "./rerun.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {[number, string]} Given position and text */

/** "[MASK]" or "[MASK:5]" that no backslash makes plain text; as in credit_viz/prompt.py. */
const GAP = /(?<!\\)(?:\\\\)*\[MASK(?::[^\]\n]*)?\]/;
const HELP = "Stands there from the beginning and never changes. A space before a word counts.";
const GAPS = "Fill the gaps of the prompt: [MASK] is one token, [MASK:5] are five.";

/** Does a prompt have gaps to fill? @param {string} prompt */
export const hasGaps = (prompt) => GAP.test(prompt);

/** Texts that stand from a position on, row by row. @param {Store} store @returns {Node} */
export function givenView(store) {
  const rows = h("div", { class: "cv-given-rows" });
  const { limits } = store.state.boot;
  /** @type {Given[]} */
  let texts = [];
  const set = () => {
    const given = texts.filter(([, text]) => text !== "");
    if (JSON.stringify(given) === JSON.stringify(store.state.options.given)) return;
    store.set({ options: { ...store.state.options, given } });
  };
  const draw = () => {
    fill(
      rows,
      texts.map((_, index) => row(texts, index, { set, draw })),
    );
    add.hidden = texts.length >= limits.given;
  };
  const more = () => {
    texts = [...texts, [store.state.selected ?? 0, ""]];
    draw();
    /** @type {HTMLInputElement | null} */ (rows.querySelector("div:last-child [type=text]"))?.focus();
  };
  const add = h("button", { type: "button", class: "cv-add", onclick: more }, "Give a text");
  store.view(["options"], ({ options }) => {
    const known = texts.filter(([, text]) => text !== "");
    if (JSON.stringify(options.given ?? []) === JSON.stringify(known)) return;
    texts = [...(options.given ?? [])];
    draw();
  });
  return h(
    "section",
    { class: "cv-given", "aria-label": "Given text" },
    h("h3", { class: "cv-sub" }, "Given text"),
    h("p", { class: "cv-help" }, HELP),
    rows,
    add,
  );
}

/** @param {Given[]} texts changed @param {number} index @param {{set: () => void, draw: () => void}} then */
function row(texts, index, { set, draw }) {
  const [position, text] = texts[index];
  const place = h("input", {
    type: "number",
    min: 0,
    step: 1,
    value: position,
    "aria-label": `Position of given text ${index + 1}`,
    onchange: () => {
      texts[index] = [Math.max(0, Math.round(Number(place.value))), texts[index][1]];
      set();
    },
  });
  const field = h("input", {
    type: "text",
    value: text,
    placeholder: "text",
    "aria-label": `Given text ${index + 1}`,
    autocomplete: "off",
    spellcheck: "false",
    onchange: () => {
      texts[index] = [texts[index][0], field.value];
      set();
    },
  });
  const remove = () => {
    texts.splice(index, 1);
    draw();
    set();
  };
  const label = `Remove given text ${index + 1}`;
  const cross = h("i", { class: "cv-draw-remove" });
  return h(
    "div",
    { class: "cv-given-row" },
    h("label", {}, "from position ", place),
    field,
    h("button", { type: "button", class: "cv-tool", "aria-label": label, title: label, onclick: remove }, cross),
  );
}

/** A switch that is there while the prompt has gaps. @param {Store} store @returns {Node} */
export function gapsView(store) {
  const box = h("input", {
    type: "checkbox",
    role: "switch",
    id: "cv-gaps",
    onchange: () => store.set({ options: { ...store.state.options, infill: box.checked } }),
  });
  const root = h("label", { class: "cv-switch cv-gaps", for: "cv-gaps" }, box, GAPS);
  root.hidden = true;
  document.addEventListener("input", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("#prompt")) return;
    const gaps = hasGaps(promptText());
    if (gaps === !root.hidden) return;
    root.hidden = !gaps;
    turn(store, gaps);
  });
  store.view(["options"], ({ options }) => {
    box.checked = options.infill === true;
  });
  return root;
}

/** Typing alone runs nothing: what was not stale before is not stale now. @param {Store} store @param {boolean} infill */
function turn(store, infill) {
  if (store.state.options.infill === infill) return;
  const stale = isStale(store.state);
  store.set({ options: { ...store.state.options, infill } });
  if (!stale) store.set({ asked: wish(store.state) });
}

/**
 * Lanes side by side: tabs, each a question with a view of its own. Knows the store and the views; what they draw
 * is theirs. Only the view on show draws, only when it is near the window, and never while the step moves. Views that
 * few open come when they are first shown.
 */

import { fill, h, say } from "./dom.js";
import { laneName } from "./names.js";
import { orderView } from "./orderview.js";
import { pairOf } from "./pair.js";
import { partingView } from "./parting.js";
import { textDiffView } from "./textdiff.js";
import { waitsView } from "./waits.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./lane.js").Lane} Lane */

/**
 * One tab. `draw` is called when the run, the pair of lanes, the theme or the width changed and the view is on show;
 * `point` when another token is selected or pointed at.
 * @typedef {object} CompareView
 * @property {Node} root
 * @property {(run: Run, state: State) => void | Promise<void>} draw
 * @property {(state: State) => void} [point]
 */

/** @typedef {{store: Store, live: import("./live.js").Live, base: string}} Tools what views are made with */

/**
 * Tabs by name; `pair`: compares two lanes, and there are menus to choose them.
 * @type {Record<string, {title: string, question: string, help: string, pair: boolean, make: (tools: Tools) => CompareView | Promise<CompareView>}>}
 */
export const COMPARISONS = {
  parting: {
    title: "First difference",
    question: "Where do two lanes part?",
    help: "The first step after which both have written a token at the same place, and the two tokens differ; of several such places the leftmost.",
    pair: true,
    make: partingView,
  },
  text: {
    title: "Text",
    question: "How do the texts differ?",
    help: "Both final texts, place by place. Where they differ, one token stands above the other.",
    pair: true,
    make: textDiffView,
  },
  reasons: {
    title: "Reasons",
    question: "Why fewer passes?",
    help: "Every token counts once, for its last write.",
    pair: false,
    make: async (tools) => (await import("./reasons.js")).reasonsView(tools),
  },
  waits: {
    title: "Waits",
    question: "Which tokens had to wait?",
    help: "Steps between settled and written, text tokens only. In the second chart a dot on the diagonal was written at once; the higher above it, the longer it waited. Larger dots are several tokens.",
    pair: false,
    make: waitsView,
  },
  order: {
    title: "Order",
    question: "In which order was the text written?",
    help: "Under each token the step in which it was written; the stronger its colour, the earlier within its lane. Click a token to go there.",
    pair: false,
    make: orderView,
  },
  steps: {
    title: "Decoding step",
    question: "How near to the earliest possible step?",
    help: "Solid: the mean step in which tokens were written. Dashed: the mean step in which they had settled, the earliest that was possible. The form of Fig. 1 of the paper, for this one run.",
    pair: false,
    make: async (tools) => (await import("./meanstep.js")).meanStepView(tools),
  },
};

/** @param {Store} store @param {import("./live.js").Live} live @param {string} base @returns {Node} */
export function compareView(store, live, base) {
  const question = h("h2", { class: "cv-title" });
  const help = h("p", { class: "cv-help" });
  const body = h("div", { class: "cv-compare-body" });
  const head = h("header", { class: "cv-map-head cv-compare-head" }, question, tabs(store));
  const about = h("div", { class: "cv-compare-about" }, help, pairMenus(store));
  const root = h("section", { class: "cv-card cv-compare", "aria-label": "Compare" }, head, about, body);
  store.view(["compare"], ({ compare }) => {
    say(question, COMPARISONS[compare].question);
    say(help, COMPARISONS[compare].help);
  });
  keepDrawn(store, { store, live, base }, root, body);
  return root;
}

/** @param {Store} store @param {Tools} tools @param {HTMLElement} root @param {HTMLElement} body */
function keepDrawn(store, tools, root, body) {
  /** @type {Map<string, CompareView | Promise<CompareView>>} */
  const views = new Map();
  /** @type {CompareView | null} */
  let shown = null;
  let near = false;
  let drawn = "";
  const draw = async () => {
    const { run, compare, pair, dark, version } = store.state;
    root.classList.toggle("stale", run?.state === "running");
    if (!near || !run || run.state === "running") return;
    const key = [run.id, version, compare, pair, dark, body.clientWidth].join(" ");
    if (key === drawn) return;
    drawn = key;
    if (!views.has(compare)) views.set(compare, COMPARISONS[compare].make(tools));
    const view = await Promise.resolve(views.get(compare)).catch((error) => {
      views.delete(compare); // asked for again when something changes
      return notLoaded(error);
    });
    if (!view || drawn !== key) return;
    if (body.firstChild !== view.root) fill(body, view.root);
    shown = view;
    view.draw(run, store.state);
    view.point?.(store.state);
  };
  store.view(["run", "version", "compare", "pair", "dark"], draw);
  store.view(["selected", "hover", "lane"], (state) => near && shown?.point?.(state));
  new ResizeObserver(draw).observe(body);
  const watch = (/** @type {IntersectionObserverEntry[]} */ [entry]) => {
    near = entry.isIntersecting;
    draw();
  };
  new IntersectionObserver(watch, { rootMargin: "400px" }).observe(root);
}

/** @param {Error} error @returns {CompareView} */
const notLoaded = ({ message }) => ({
  root: h("p", { class: "cv-alert", role: "alert" }, `This comparison could not be loaded: ${message}`),
  draw: () => {},
});

/** @param {Store} store */
function tabs(store) {
  const row = h("div", { class: "cv-tabs", role: "group", "aria-label": "Comparison" });
  for (const [name, { title }] of Object.entries(COMPARISONS)) {
    const show = () => store.set({ compare: name });
    row.append(h("button", { type: "button", class: "cv-tab", onclick: show, data: { compare: name } }, title));
  }
  store.view(["compare"], ({ compare }) => {
    for (const button of row.children) button.setAttribute("aria-pressed", String(button.dataset.compare === compare));
  });
  return row;
}

/** Which two lanes are compared: shown where there are more than two to choose from. @param {Store} store */
function pairMenus(store) {
  const choose = (/** @type {0 | 1} */ side) => (/** @type {any} */ event) => {
    const pair = pairOf(store.state);
    const chosen = Number(event.target.value);
    if (chosen === pair[1 - side]) pair.reverse();
    else pair[side] = chosen;
    store.set({ pair });
  };
  const menus = /** @type {const} */ ([0, 1]).map((side) =>
    h("select", { class: "cv-speed", "aria-label": side ? "Second lane" : "First lane", onchange: choose(side) }),
  );
  const root = h("p", { class: "cv-pair" }, menus[0], h("span", {}, "and"), menus[1]);
  store.view(["run", "pair", "compare"], (state) => {
    const { run, boot, compare } = state;
    root.hidden = !COMPARISONS[compare].pair || (run?.lanes.length ?? 0) < 3;
    if (root.hidden || !run) return;
    const names = run.lanes.map((lane) => laneName(boot, run, lane.index));
    pairOf(state).forEach((chosen, side) => {
      const options = names.map((name, i) => h("option", { value: i, selected: i === chosen }, name));
      fill(menus[side], options);
      menus[side].value = String(chosen);
    });
  });
  return root;
}

/**
 * The maps of all lanes: tabs, legend, figures, the note beside the pointer, and the table in their place. Knows the
 * store and MapFigure.
 */

import { fill, h, markOnce, say } from "./dom.js";
import { MapFigure } from "./figure.js";
import { listen } from "./gestures.js";
import { legendKey, legendParts } from "./legend.js";
import { laneName } from "./names.js";
import { pairOf } from "./pair.js";
import { cellLines, differenceLines, nameOf } from "./reading.js";
import { tableView } from "./table.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */

/**
 * @param {Store} store @param {Node[]} [extra] further buttons beside the title @param {(Node | null)[]} [below] the maps
 * @returns {Node}
 */
export function mapsView(store, extra = [], below = []) {
  const { style } = store.state.boot;
  const question = h("h2", { class: "cv-title" });
  const help = h("p", { class: "cv-help" });
  const legend = h("div", { class: "cv-legend" });
  const row = h("div", { class: "cv-maps" });
  const tip = h("div", { class: "cv-tip", "aria-hidden": "true", hidden: true });
  const maps = new Maps(store, row, tip);
  store.view(["tab"], ({ tab }) => {
    say(question, style.maps[tab].question);
    say(help, style.maps[tab].help);
  });
  let drawn = "";
  store.view(["tab", "run", "version", "pair", "quantity", "contrast"], (state) => {
    const key = legendKey(state);
    if (drawn === key) return;
    drawn = key;
    fill(legend, legendParts(state));
  });
  store.view(["table"], ({ table }) => (row.hidden = legend.hidden = table));
  keepTab(store);
  maps.watch();
  return h(
    "section",
    { class: "cv-card cv-map-section", "aria-label": "Maps" },
    h("header", { class: "cv-map-head" }, question, tools(store, extra)),
    tabs(store),
    h("div", { class: "cv-map-about" }, help, legend),
    pairChoice(store),
    row,
    tableView(store),
    below,
    tip,
  );
}

class Maps {
  /** @param {Store} store @param {HTMLElement} row @param {HTMLElement} tip */
  constructor(store, row, tip) {
    this.store = store;
    this.row = row;
    this.tip = tip;
    /** @type {MapFigure[]} */
    this.figures = [];
    this.built = "";
    this.state = "";
    this.seen = true;
    /** @type {any} */
    this.waiting = 0;
  }

  watch() {
    const { store } = this;
    store.view(["run", "version", "tab", "pair"], (state) => this.#build(state));
    store.view(["version"], (state) => this.#grow(state));
    store.view(["tab", "dark", "contrast", "quantity", "table"], (state) => this.#redraw(state));
    store.view(["zoom"], ({ zoom }) => this.figures.forEach((figure) => figure.show(zoom)));
    store.view(["run", "version", "step", "selected", "hover"], (state) => this.#cursor(state));
    store.view(["lane", "run", "version", "tab", "pair"], (state) => this.#front(state));
    store.view(["supposed", "run", "version", "tab", "pair"], ({ supposed }) =>
      this.figures.forEach((figure) => figure.suppose(supposed)),
    );
    store.view(["hover"], (state) => this.#tell(state));
    new ResizeObserver(() => this.#redraw(store.state)).observe(this.row);
    new IntersectionObserver(
      ([entry]) => {
        this.seen = entry.isIntersecting;
        this.#cursor(store.state);
      },
      { rootMargin: "200px" },
    ).observe(this.row);
  }

  /** One figure per lane, or one of two lanes. @param {State} state */
  #build(state) {
    const { run, boot, tab } = state;
    const pair = pairOf(state);
    // a run that has just begun has nothing to show yet: the maps of the one before stay until it has
    if (run && !run.steps && run.state === "running" && this.figures.length) return;
    const wanted = `${run?.id} ${boot.style.maps[tab].planes ? pair : "each"}`;
    if (wanted === this.built) return;
    this.built = wanted;
    const before = this.figures[0];
    const alike = before && run && before.run.length === run.length ? before.run.steps : 0;
    const each = run?.lanes.map((lane) => [lane]) ?? [];
    const groups = run && boot.style.maps[tab].planes ? [pair.map((index) => run.lanes[index])] : each;
    this.figures = groups.map(
      (lanes) => new MapFigure(/** @type {any} */ (run), lanes, boot.style, state, alike || run?.length || 0),
    );
    fill(
      this.row,
      this.figures.map((figure) => this.#framed(figure, state)),
    );
    this.row.classList.toggle("wide", groups.length === 1);
    this.state = run?.state ?? "";
    this.figures.forEach((figure) => listen(this.store, figure));
    this.#redraw(state);
  }

  /** @param {MapFigure} figure @param {State} state */
  #framed(figure, { boot }) {
    const names = figure.lanes.map((lane) => laneName(boot, figure.run, lane.index));
    const title = names.length > 1 ? `${names[1]} minus ${names[0]}` : names[0];
    figure.root.setAttribute("role", "img");
    figure.root.setAttribute("aria-label", `${title}: map of steps and token positions; T shows it as a table`);
    const lane = names.length > 1 ? {} : { lane: String(figure.lane.index) };
    return h(
      "div",
      { class: "cv-lane cv-map", data: lane },
      h("h3", { class: "cv-lane-name" }, title),
      figure.root,
    );
  }

  /** On a phone one lane is in front. @param {State} state */
  #front(state) {
    for (const figure of this.figures) {
      const front = figure.lanes.length > 1 || figure.lane.index === state.lane;
      figure.root.parentElement?.classList.toggle("front", front);
      if (figure.misfit) figure.draw(state);
    }
  }

  /** @param {State} state */
  #grow(state) {
    const { run } = state;
    if (!run || this.figures[0]?.run !== run) return;
    if (run.state !== this.state) {
      this.state = run.state; // ended: the axes get their final range
      return this.#redraw(state);
    }
    this.figures.forEach((figure) => figure.grow());
    return this.#ready(run);
  }

  /** @param {import("./run.js").Run | null} run */
  #ready(run) {
    if (run?.steps && this.figures.some((figure) => figure.width))
      requestAnimationFrame(() => markOnce("credit-viz:ready"));
  }

  /** @param {State} state */
  #redraw(state) {
    if (state.table) return;
    this.figures.forEach((figure) => figure.draw(state));
    this.#cursor(state);
    this.#ready(state.run);
  }

  /** @param {State} state */
  #cursor({ run, step, selected, hover }) {
    if (!this.seen) return this.#later();
    for (const figure of this.figures) {
      if (figure.run !== run) continue;
      const mine = hover && (hover.step === null || figure.lanes.some((lane) => lane.index === hover.lane));
      figure.drawCursor({ step, selected, hover: mine ? hover : hover && { ...hover, step: null } });
    }
  }

  /** Maps out of sight follow once the step rests. */
  #later() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      const { seen } = this;
      this.seen = true;
      this.#cursor(this.store.state);
      this.seen = seen;
    }, 200);
  }

  /** The small note beside the pointer. @param {State} state */
  #tell(state) {
    const { hover, run } = state;
    const at = /** @type {any} */ (hover);
    const lane = run && hover ? run.lanes[hover.lane] : null;
    const inside = lane && hover && hover.position >= 0 && hover.position < lane.length;
    this.tip.hidden = !(inside && hover.step && at.x !== undefined);
    if (this.tip.hidden || !run || !hover) return;
    fill(
      this.tip,
      noteLines(state, hover).map((line) => h("div", {}, line)),
    );
    const [wide, tall] = [236, 22 * this.tip.childElementCount + 24];
    const left = Math.min(at.x + 14, window.innerWidth - wide);
    const top = at.y + 16 + tall > window.innerHeight ? at.y - tall : at.y + 16;
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
  }
}

/** @param {State} state @param {any} hover @returns {string[]} */
function noteLines(state, { lane, position, step }) {
  const { run, boot, tab, quantity } = state;
  const pair = pairOf(state);
  const shown = /** @type {import("./run.js").Run} */ (run);
  if (!boot.style.maps[tab].planes) return cellLines(shown, shown.lanes[lane], position, step, boot.style, tab);
  const names = pair.map((index) => laneName(boot, shown, index));
  const lanes = pair.map((index) => shown.lanes[index]);
  return differenceLines(shown, lanes, names, quantity, position, step, boot.style);
}

/** @param {Store} store */
function tabs(store) {
  const { maps } = store.state.boot.style;
  const row = h("div", { class: "cv-tabs", role: "group", "aria-label": "Map" });
  for (const [name, map] of Object.entries(maps)) {
    row.append(
      h(
        "button",
        { type: "button", class: "cv-tab", onclick: () => store.set({ tab: name }), data: { tab: name } },
        /** @type {any} */ (map).title,
      ),
    );
  }
  store.view(["tab"], ({ tab }) => {
    for (const button of row.children) {
      button.setAttribute("aria-pressed", String(button.dataset.tab === tab));
      if (button.dataset.tab === tab) row.scrollLeft = button.offsetLeft - (row.clientWidth - button.offsetWidth) / 2;
    }
  });
  store.view(["run"], ({ run }) => {
    for (const button of row.children) button.hidden = maps[button.dataset.tab].planes && run?.lanes.length === 1;
  });
  return row;
}

/** Back to the whole map, and the table in its place. @param {Store} store @param {Node[]} extra */
function tools(store, extra) {
  const reset = h(
    "button",
    { type: "button", class: "cv-map-tool", onclick: () => store.set({ zoom: null }), title: "Z or double click" },
    "Reset zoom",
  );
  const table = h(
    "button",
    { type: "button", class: "cv-map-tool", onclick: () => store.set({ table: !store.state.table }), data: { role: "table" }, title: "T" },
    "Table",
  );
  store.view(["zoom", "table"], (state) => {
    reset.hidden = !state.zoom || state.table;
    table.setAttribute("aria-pressed", String(state.table));
  });
  return h("div", { class: "cv-map-tools" }, reset, table, extra);
}

/** There is no difference where there is one lane. @param {Store} store */
function keepTab(store) {
  store.view(["run", "tab"], ({ run, tab, boot }) => {
    if (run && run.lanes.length < 2 && boot.style.maps[tab].planes) store.set({ tab: "fused" });
  });
}

/** What is compared in the difference map, and between which lanes. @param {Store} store */
function pairChoice(store) {
  const { style } = store.state.boot;
  const root = h("div", { class: "cv-map-pair", role: "group", "aria-label": "What is compared" });
  let drawn = "";
  store.view(["run", "tab", "pair", "quantity"], (state) => {
    const { run, tab, quantity, boot } = state;
    const pair = pairOf(state);
    const { planes } = style.maps[tab];
    root.hidden = !planes || !run;
    if (!run || !planes) return;
    const key = [run.id, pair, quantity].join(" ");
    if (key === drawn) return;
    drawn = key;
    const names = run.lanes.map((lane) => laneName(boot, run, lane.index));
    const lanes = names.length > 2 ? [laneSelect(store, names, 1), "minus", laneSelect(store, names, 0)] : [];
    const options = planes.map((/** @type {string} */ name) =>
      h("option", { value: name, selected: name === quantity }, nameOf(name)),
    );
    const what = h(
      "select",
      {
        "aria-label": "Quantity",
        data: { role: "quantity" },
        onchange: (/** @type {any} */ event) => store.set({ quantity: event.target.value }),
      },
      options,
    );
    fill(root, what, lanes.length ? "of" : null, lanes);
  });
  return root;
}

/** One of the two lanes; choosing the other's lane swaps them. @param {Store} store @param {string[]} names @param {0 | 1} place */
function laneSelect(store, names, place) {
  const pair = pairOf(store.state);
  const choose = (/** @type {any} */ event) => {
    const lane = Number(event.target.value);
    const other = pair[1 - place] === lane ? pair[place] : pair[1 - place];
    store.set({ pair: place ? [other, lane] : [lane, other] });
  };
  return h(
    "select",
    { "aria-label": place ? "Lane" : "Lane it is compared with", data: { role: `pair-${place}` }, onchange: choose },
    names.map((name, index) => h("option", { value: index, selected: index === pair[place] }, name)),
  );
}

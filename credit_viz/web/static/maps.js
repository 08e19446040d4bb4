/**
 * The maps of all lanes: tabs, legend, figures, and the pointer over them. Knows the store and MapFigure.
 */

import { loadPlotly } from "./charts.js";
import { fill, h, markOnce, say } from "./dom.js";
import { MapFigure } from "./figure.js";
import { markOf } from "./lane.js";
import { drawMark } from "./marks.js";
import { laneName } from "./names.js";
import { cssGradient, share } from "./scales.js";
import { precise, probability, quoted } from "./text.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */

/**
 * @param {Store} store @param {string} base
 * @returns {Node}
 */
export function mapsView(store, base) {
  const { style } = store.state.boot;
  const question = h("h2", { class: "cv-title" });
  const help = h("p", { class: "cv-help" });
  const legend = h("div", { class: "cv-legend" });
  const row = h("div", { class: "cv-maps" });
  const tip = h("div", { class: "cv-tip", "aria-hidden": "true", hidden: true });
  const maps = new Maps(store, row, tip, base);
  store.view(["tab"], ({ tab }) => {
    say(question, style.maps[tab].question);
    say(help, style.maps[tab].help);
  });
  let drawn = "";
  store.view(["tab", "run", "version"], ({ tab, run }) => {
    const happened = eventMarks(run);
    if (drawn === `${tab} ${happened}`) return;
    drawn = `${tab} ${happened}`;
    fill(legend, legendParts(style, tab, happened));
  });
  maps.watch();
  return h(
    "section",
    { class: "cv-card cv-map-section", "aria-label": "Maps" },
    h("header", { class: "cv-map-head" }, question, tabs(store)),
    h("div", { class: "cv-map-about" }, help, legend),
    row,
    tip,
  );
}

class Maps {
  /** @param {Store} store @param {HTMLElement} row @param {HTMLElement} tip @param {string} base */
  constructor(store, row, tip, base) {
    Object.assign(this, { store, row, tip, base });
    this.store = store;
    this.row = row;
    this.tip = tip;
    this.base = base;
    /** @type {MapFigure[]} */
    this.figures = [];
    this.state = "";
    this.seen = true;
    /** @type {any} */
    this.waiting = 0;
  }

  watch() {
    const { store } = this;
    store.view(["run"], (state) => this.#build(state));
    store.view(["version"], (state) => this.#grow(state));
    store.view(["tab", "dark"], (state) => this.#redraw(state));
    store.view(["run", "version", "step", "selected", "hover", "dark", "tab"], (state) => this.#cursor(state));
    store.view(["lane", "run"], (state) =>
      this.figures.forEach((figure, i) => figure.root.parentElement?.classList.toggle("front", i === state.lane)),
    );
    store.view(["lane"], (state) => {
      for (const figure of this.figures) if (figure.misfit) figure.draw(state); // on a phone: another lane came to front
      this.#cursor(state);
    });
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

  /** Plotly is large: it comes after the text can be used. */
  async #withPlotly() {
    const plotly = await loadPlotly(this.base);
    for (const figure of this.figures) {
      if (figure.plotly) continue;
      figure.usePlotly(plotly);
      await new Promise((resolve) => setTimeout(resolve));
    }
    if (this.figures.length) markOnce("credit-viz:ready");
  }

  /** @param {State} state */
  #build({ run, boot }) {
    for (const figure of this.figures) figure.dispose();
    this.figures = (run?.lanes ?? []).map(
      (lane) => new MapFigure(lane, /** @type {any} */ (run), boot.style, (zoom) => this.#zoom(zoom)),
    );
    fill(
      this.row,
      this.figures.map((figure) => this.#framed(figure, boot)),
    );
    this.state = run?.state ?? "";
    this.figures.forEach((figure) => this.#listen(figure));
    requestAnimationFrame(() => {
      this.#redraw(this.store.state);
      setTimeout(() => this.#withPlotly(), 50);
    });
  }

  /** @param {MapFigure} figure @param {any} boot */
  #framed(figure, boot) {
    const title = laneName(boot, figure.run, figure.lane.index);
    const label = `${title}: map of steps and token positions; the numbers are in the inspector`;
    figure.root.setAttribute("role", "img");
    figure.root.setAttribute("aria-label", label);
    return h(
      "div",
      { class: "cv-lane cv-map", data: { lane: String(figure.lane.index) } },
      h("h3", { class: "cv-lane-name" }, title),
      figure.root,
    );
  }

  /** @param {State} state */
  #grow({ run }) {
    if (!run) return;
    if (run.state === this.state) return this.figures.forEach((figure) => figure.grow());
    this.state = run.state; // ended: the axes get their final range, and Plotly takes over, one figure per task
    return this.figures.forEach((figure, i) =>
      setTimeout(() => {
        figure.draw(this.store.state);
        this.#cursor(this.store.state);
      }, 40 * i),
    );
  }

  /** @param {State} state */
  #redraw(state) {
    this.figures.forEach((figure) => figure.draw(state));
    this.#cursor(state);
  }

  /** @param {State} state */
  #cursor({ step, selected, hover }) {
    if (!this.seen) return this.#later();
    for (const figure of this.figures) {
      const here =
        hover && (hover.lane === figure.lane.index || hover.step === null) ? hover : hover && { ...hover, step: null };
      figure.drawCursor({ step, selected, hover: here });
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

  /** @param {[number, number][] | null} zoom */
  #zoom(zoom) {
    if (JSON.stringify(zoom) === JSON.stringify(this.figures[0]?.zoom ?? null)) return;
    this.figures.forEach((figure) => figure.setZoom(zoom));
    this.#cursor(this.store.state);
  }

  /** Own pointer handling: Plotly stays in charge of dragging. @param {MapFigure} figure */
  #listen(figure) {
    const cellOf = (/** @type {PointerEvent} */ event) => {
      const box = figure.root.getBoundingClientRect();
      return figure.frame.cell(event.clientX - box.left, event.clientY - box.top);
    };
    let down = [0, 0];
    figure.root.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (event.pointerType !== "mouse") return;
      const cell = cellOf(event);
      const hover = cell && {
        lane: figure.lane.index,
        position: cell.position,
        step: cell.step,
        x: event.clientX,
        y: event.clientY,
      };
      this.store.set({ hover });
    });
    figure.root.addEventListener("pointerleave", () => this.store.set({ hover: null }));
    figure.root.addEventListener(
      "pointerdown",
      (/** @type {PointerEvent} */ event) => (down = [event.clientX, event.clientY]),
      true,
    );
    figure.root.addEventListener("click", (/** @type {any} */ event) => {
      const cell = cellOf(event);
      if (!cell || Math.hypot(event.clientX - down[0], event.clientY - down[1]) > 4) return;
      if (figure.lane.given.has(cell.position)) return;
      const step = Math.max(1, Math.min(cell.step, this.store.state.run?.steps ?? 0));
      this.store.set({ selected: cell.position, lane: figure.lane.index, step, follow: false, playing: false });
    });
  }

  /** The small note beside the pointer. @param {State} state */
  #tell({ hover, run, tab, boot }) {
    const at = /** @type {any} */ (hover);
    const lane = run && hover ? run.lanes[hover.lane] : null;
    this.tip.hidden = !(run && lane && hover && hover.step !== null && at.x !== undefined);
    if (this.tip.hidden || !run || !lane || !hover || hover.step === null) return;
    fill(
      this.tip,
      tipLines(run, lane, hover.position, hover.step, boot.style, tab).map((line) => h("div", {}, line)),
    );
    const left = Math.min(at.x + 14, window.innerWidth - 220);
    this.tip.style.transform = `translate(${left}px, ${at.y + 16}px)`;
  }
}

/**
 * @param {import("./run.js").Run} run @param {import("./lane.js").Lane} lane
 * @param {number} position @param {number} step @param {any} style @param {string} tab
 */
function tipLines(run, lane, position, step, style, tab) {
  const where = `token ${position}, step ${step}`;
  const held = lane.tokenAt(position, step - 1);
  const since = lane.writeAt(position, step - 1)?.step;
  const holds = held < 0 ? [] : [`${since ? `written in step ${since}` : "given"}: ${quoted(run.text(held))}`];
  const guess = lane.guessAt(position, step);
  if (guess < 0)
    return [where, ...(holds.length ? holds : [step > lane.steps ? "this lane has finished" : "nothing recorded"])];
  const map = style.maps[tab];
  const byte = lane.byteAt(map.plane, position, step);
  const value = byte < 0 ? "no credit in this lane" : `${map.plane} ${format(run.values[map.plane][byte], map)}`;
  const event = lane.writeAt(position, step);
  const happened = event?.step === step ? [`${style.reasons[event.reason].did} in this step`] : [];
  return [where, ...holds, `guess ${quoted(run.text(guess))}`, value, ...happened];
}

/** @param {number} value @param {any} map */
const format = (value, map) => (map.scale === "probability" ? probability(value) : precise(value));

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
    for (const button of row.children) button.setAttribute("aria-pressed", String(button.dataset.tab === tab));
  });
  return row;
}

/** Marks of what happened in any lane beside writing. @param {import("./run.js").Run | null} run @returns {string[]} */
function eventMarks(run) {
  const kinds = new Set(run?.lanes.flatMap((lane) => lane.events.map(markOf)));
  return ["taken_back", "edited"].filter((kind) => kinds.has(kind));
}

/** @param {any} style @param {string} tab @param {string[]} happened */
function legendParts(style, tab, happened) {
  const markKey = (/** @type {string} */ kind) =>
    h("span", { class: "cv-key" }, markSign(style.marks[kind]), style.marks[kind].name);
  if (tab === "waiting")
    return [
      h("span", { class: "cv-key" }, h("i", { class: "cv-key-bar" }), "settled → written"),
      ...happened.map(markKey),
      h("span", { class: "cv-key" }, h("i", { class: "cv-key-bar pale" }), "end of text"),
      h("span", { class: "cv-key" }, h("i", { class: "cv-key-veil" }), "not yet"),
    ];
  const scale = style.scales[style.maps[tab].scale];
  const ticks = scale.ticks.map((/** @type {number} */ value) =>
    h("span", { style: `left:${100 * share(value, scale)}%` }, value),
  );
  return [
    ...["settled", "written", ...happened].map(markKey),
    h(
      "span",
      { class: "cv-scale" },
      h("i", { style: `background:${cssGradient(scale)}` }),
      h("span", { class: "cv-scale-ticks" }, ticks),
    ),
  ];
}

/** A mark as it is drawn on the maps. @param {import("./marks.js").Mark} mark */
function markSign(mark) {
  const [size, ratio] = [16, 2];
  const canvas = h("canvas", {
    class: "cv-key-mark",
    width: size * ratio,
    height: size * ratio,
    "aria-hidden": "true",
  });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  drawMark(context, mark, size / 2, size / 2, size);
  return canvas;
}

/**
 * The text of each lane at the shown step: written tokens plain, masked positions as faint guesses, given tokens
 * framed. A token that was taken back is struck out in that step; then its place is a guess with a sign below it.
 * Elements are made once per run; a step only touches what changes. Token text goes through textContent alone.
 */

import { fill, h, markOnce, say } from "./dom.js";
import { markOf } from "./lane.js";
import { laneName } from "./names.js";
import { alike } from "./run.js";
import { selectNext } from "./selection.js";
import { inline, quoted } from "./text.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./lane.js").Lane} Lane */

const LEVELS = 4; // how many shades of sureness a guess can have
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const END = "·\u200b"; // a row of end-of-text marks may break anywhere
const BLANK = "▁";

/**
 * @param {Store} store
 * @returns {Node}
 */
export function panesView(store) {
  const root = h("section", { class: "cv-panes", "aria-label": "Text" });
  /** @type {Pane[]} */
  let panes = [];
  /** @type {import("./run.js").Run | null} */
  let shown = null;
  store.view(["run"], (state) => {
    const { run } = state;
    // where a run takes the place of another of its kind, nothing below may jump
    const heights = shown && run && alike(shown, run) ? panes.map((pane) => pane.tokens.style.minHeight) : [];
    shown = run;
    panes = run ? run.lanes.map((lane, i) => new Pane(store, run, lane, heights[i])) : [];
    fill(
      root,
      panes.map((pane) => pane.root),
    );
  });
  store.view(["run", "step", "version"], (state) => {
    panes.forEach((pane) => pane.draw(state));
    if (state.run?.steps) markOnce("credit-viz:text");
  });
  store.view(["run", "selected", "hover"], (state) => panes.forEach((pane) => pane.point(state)));
  store.view(["lane", "run"], (state) =>
    panes.forEach((pane) => pane.root.classList.toggle("front", pane.lane.index === state.lane)),
  );
  return root;
}

class Pane {
  /** @param {Store} store @param {import("./run.js").Run} run @param {Lane} lane @param {string} [height] least height */
  constructor(store, run, lane, height = "") {
    this.store = store;
    this.lane = lane;
    this.count = h("span", { class: "cv-count" });
    this.bar = h("i", {});
    this.tokens = h("div", {
      class: "cv-tokens",
      tabindex: 0,
      role: "group",
      data: { role: "tokens", lane: String(lane.index) },
    });
    this.tokens.style.minHeight = height;
    const title = laneName(store.state.boot, run, lane.index);
    this.tokens.setAttribute("aria-label", `${title}: text. Up and down arrows choose a token.`);
    this.root = h(
      "article",
      { class: "cv-card cv-lane cv-pane", data: { lane: String(lane.index) } },
      h("header", {}, h("h2", { class: "cv-lane-name" }, title), this.count),
      h("div", { class: "cv-progress", "aria-hidden": "true" }, this.bar),
      this.tokens,
    );
    this.spans = Array.from({ length: lane.length }, (_, position) =>
      h("span", { data: { role: "token", position: String(position) } }),
    );
    /** Leading space of each token stands before its element, so that marks fit the word. */
    this.spaces = this.spans.map(() => document.createTextNode(""));
    fill(
      this.tokens,
      this.spans.flatMap((span, i) => [this.spaces[i], span]),
    );
    this.looks = new Array(lane.length).fill("");
    this.shown = new Int32Array(lane.length).fill(0x7fffffff);
    this.pointed = { selected: -1, hover: -1 };
    this.#listen();
    this.#keepHeight();
  }

  /** @param {State} state */
  draw({ run, step }) {
    if (!run || !run.lanes.includes(this.lane)) return;
    const { lane } = this;
    const at = Math.min(step, lane.steps);
    for (let i = 0; i < lane.length; i += 1) this.#drawToken(run, i, at, step);
    const written = lane.writtenCount(at);
    say(this.count, `${written} / ${lane.open}`);
    this.bar.style.transform = `scaleX(${lane.open ? written / lane.open : 1})`;
  }

  /** Mark the selected and the hovered token. @param {State} state */
  point({ selected, hover }) {
    const next = { selected: selected ?? -1, hover: hover?.position ?? -1 };
    for (const kind of /** @type {const} */ (["selected", "hover"])) {
      if (this.pointed[kind] === next[kind]) continue;
      this.spans[this.pointed[kind]]?.classList.remove(kind);
      this.spans[next[kind]]?.classList.add(kind);
    }
    this.pointed = next;
  }

  /**
   * @param {import("./run.js").Run} run @param {number} i @param {number} step of this lane
   * @param {number} now step of the clock all lanes share
   */
  #drawToken(run, i, step, now) {
    const { lane } = this;
    const { token, name, note } = this.#state(run, i, step, now);
    const ending = token >= 0 && lane.isEnd(token);
    const standing = lane.tokenAt(i, step) >= 0;
    const text = token < 0 ? BLANK : ending ? END : null;
    const key = standing ? token : ~token - 1; // a guess may be spelled differently from a written token
    if (this.shown[i] !== key) {
      const whole = text ?? shownText(run.text(token), standing);
      const word = whole.trimStart();
      this.spaces[i].data = word ? whole.slice(0, whole.length - word.length) : "";
      this.spans[i].textContent = word || whole;
      this.spans[i].dir = RIGHT_TO_LEFT.test(word) ? "auto" : "";
      this.shown[i] = key;
    }
    const all = ending ? `${name} end` : name;
    const look = `${all} ${note}`;
    if (this.looks[i] !== look) {
      this.looks[i] = look;
      this.spans[i].className = all;
      this.spans[i].title = note;
      if (this.pointed.selected === i) this.spans[i].classList.add("selected");
      if (this.pointed.hover === i) this.spans[i].classList.add("hover");
    }
  }

  /**
   * What a position shows: a token (-1: nothing), how it looks, and a note for whoever points at it.
   * @param {import("./run.js").Run} run @param {number} i @param {number} step of this lane @param {number} now
   */
  #state(run, i, step, now) {
    const { lane } = this;
    if (lane.given.has(i)) return { token: lane.tokenAt(i, step), name: "given", note: "given before the run" };
    const event = lane.writeAt(i, step);
    const fresh = event?.step === now;
    if (event && lane.tokenAt(i, step) >= 0) {
      const mark = markOf(event);
      const name = `written${fresh ? " fresh" : ""}${fresh && mark === "edited" ? " edited" : ""}`;
      if (mark !== "by_hand") return { token: event.token, name, note: "" };
      return { token: event.token, name: `${name} by-hand`, note: `written by hand after step ${event.step}` };
    }
    const guess = lane.guessAt(i, step);
    const look = guess < 0 ? "blank" : `guess g${this.#level(i, step)}`;
    if (!event) return { token: guess, name: look, note: "" };
    const was = lane.tokenBefore(event);
    const byHand = markOf(event) === "by_hand" ? " by hand" : "";
    const note = `${quoted(run.text(was))} was taken back${byHand} in step ${event.step}`;
    return fresh ? { token: was, name: "retracted fresh", note } : { token: guess, name: `${look} retracted`, note };
  }

  /** @param {number} position @param {number} step */
  #level(position, step) {
    return Math.min(LEVELS - 1, Math.floor((this.lane.byteAt("confidence", position, step) / 256) * LEVELS));
  }

  #listen() {
    const positionOf = (/** @type {Event} */ event) => {
      const target = /** @type {HTMLElement} */ (event.target).closest?.("[data-position]");
      return target instanceof HTMLElement ? Number(target.dataset.position) : null;
    };
    this.tokens.addEventListener("click", (/** @type {Event} */ event) => {
      const position = positionOf(event);
      if (position !== null && !this.lane.given.has(position))
        this.store.set({ selected: position, lane: this.lane.index });
    });
    this.tokens.addEventListener("pointerover", (/** @type {PointerEvent} */ event) => {
      const position = positionOf(event);
      if (position !== null && event.pointerType === "mouse")
        this.store.set({ hover: { lane: this.lane.index, position, step: null } });
    });
    this.tokens.addEventListener("pointerleave", () => this.store.set({ hover: null }));
    this.tokens.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!way) return;
      event.preventDefault();
      selectNext(this.store, way, this.lane.index);
    });
  }

  /** The pane keeps the greatest height its text has had, so that nothing below it jumps. */
  #keepHeight() {
    let tallest = 0;
    let width = 0;
    new ResizeObserver(([entry]) => {
      const box = entry.borderBoxSize[0];
      if (box.inlineSize !== width) tallest = 0;
      width = box.inlineSize;
      if (box.blockSize <= tallest) return;
      tallest = box.blockSize;
      this.tokens.style.minHeight = `${Math.ceil(tallest)}px`;
    }).observe(this.tokens);
  }
}

/** A guessed line break must not break the line: it may change with the next step. @param {string} text @param {boolean} written */
function shownText(text, written) {
  const visible = inline(text);
  return written && /^\n+$/.test(text) ? `${visible}\n` : visible || "∅";
}

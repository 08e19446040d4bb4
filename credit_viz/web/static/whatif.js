/**
 * "What if?": other knobs or another decoder on the run on show, answered at once from its record and drawn over its
 * map, up to the first step that differs. Knows the store, knobs.js and the server's question `whatif`.
 */

import { choiceOfRun } from "./address.js";
import { promptText, setPrompt } from "./ask.js";
import { freshLane } from "./choice.js";
import { fill, h, say } from "./dom.js";
import { knobField } from "./knobs.js";
import { decoderTitle, laneName } from "./names.js";
import { inline } from "./text.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./store.js").LaneChoice} LaneChoice */

/**
 * The answer on show over a lane's map, see credit_viz/whatif/plain.py.
 * @typedef {{run: string, lane: number, answer: any}} Supposed
 */

const PAUSE = 60; // milliseconds in which several changes become one question
const ABOUT =
  "Turn the knobs of a lane, or give it another decoder: its record says what would have been written, up to the step " +
  "in which that would lead elsewhere. This is no new run.";

/** @param {Store} store @param {any} server @returns {Node | null} */
export function whatIfView(store, server) {
  return store.state.boot.can.ask ? new WhatIf(store, server).root : null;
}

class WhatIf {
  /** @param {Store} store @param {any} server */
  constructor(store, server) {
    this.store = store;
    this.server = server;
    this.lane = 0;
    /** @type {LaneChoice} */
    this.choice = { decoder: "", settings: {} };
    this.asked = 0;
    this.turn = 0;
    /** @type {any} */
    this.timer = 0;
    /** @type {import("./knobs.js").Field[]} */
    this.fields = [];
    this.answer = h("p", { class: "cv-whatif-answer", role: "status", "aria-live": "polite" });
    this.form = h("div", { class: "cv-whatif-form" });
    this.actions = h("div", { class: "cv-whatif-actions" });
    this.root = h(
      "details",
      { class: "cv-whatif", data: { role: "whatif" }, ontoggle: () => this.#begin() },
      h("summary", {}, "What if other knobs had been used?"),
      h("p", { class: "cv-help" }, ABOUT),
      this.form,
      h("div", { class: "cv-whatif-said" }, this.answer, this.actions, keys()),
    );
    store.view(["run"], ({ run }) => {
      this.root.hidden = !run;
      this.#begin();
    });
    store.view(["version", "live"], () => this.root.open && this.#askSoon());
  }

  /** Opened, or another run came: everything as it was recorded. */
  #begin() {
    const { run, lane } = this.store.state;
    if (!this.root.open || !run) return this.#show(null);
    this.lane = Math.min(lane, run.lanes.length - 1);
    return this.#choose(this.#recorded());
  }

  /** @returns {LaneChoice} */
  #recorded() {
    const { info } = /** @type {any} */ (this.store.state.run).lanes[this.lane];
    return { decoder: info.decoder, settings: { ...info.settings } };
  }

  /** Another lane or decoder: other fields. @param {LaneChoice} choice */
  #choose(choice) {
    const { boot, run } = this.store.state;
    this.choice = choice;
    this.turn += 1;
    const mine = this.turn;
    const knobs = boot.decoders[choice.decoder]?.knobs ?? [];
    this.fields = knobs.map((/** @type {import("./knobs.js").Knob} */ knob) =>
      knobField(
        `cv-whatif-${knob.name}`,
        knob,
        () => this.choice.settings[knob.name] ?? (knob.name in this.choice.settings ? null : knob.default),
        // a field that goes away may speak once more, as it loses the focus
        (value) => mine === this.turn && this.#turn(knob.name, value),
      ),
    );
    const name = run ? laneName(boot, run, this.lane) : "";
    fill(
      this.form,
      h("div", { class: "cv-whatif-who" }, this.#lanes(), this.#decoders()),
      h(
        "div",
        { class: "cv-knobs", role: "group", "aria-label": `Knobs in place of those of ${name}` },
        this.fields.map(({ root }) => root),
      ),
    );
    this.#askSoon();
  }

  #lanes() {
    const { boot, run } = this.store.state;
    if (!run || run.lanes.length < 2) return null;
    const options = run.lanes.map((_, index) => h("option", { value: index }, laneName(boot, run, index)));
    const select = h("select", {
      class: "cv-select",
      id: "cv-whatif-lane",
      onchange: () => {
        this.lane = Number(select.value);
        this.store.set({ lane: this.lane });
        this.#choose(this.#recorded());
      },
    });
    fill(select, options);
    select.value = String(this.lane);
    return h("label", {}, "Lane ", select);
  }

  #decoders() {
    const { boot } = this.store.state;
    const recorded = this.#recorded();
    const select = h("select", {
      class: "cv-select",
      id: "cv-whatif-decoder",
      onchange: () => this.#choose(select.value === recorded.decoder ? recorded : freshLane(boot, select.value)),
    });
    fill(
      select,
      Object.entries(boot.decoders).map(([name, { title }]) => h("option", { value: name }, title)),
    );
    select.value = this.choice.decoder;
    return h("label", {}, "Decoder ", select);
  }

  /** @param {string} knob @param {any} value */
  #turn(knob, value) {
    const { [knob]: _, ...others } = this.choice.settings;
    this.choice = { ...this.choice, settings: value === undefined ? others : { ...others, [knob]: value } };
    for (const field of this.fields) field.show();
    this.#askSoon();
  }

  #askSoon() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      void this.#ask();
    }, PAUSE);
  }

  async #ask() {
    const { run } = this.store.state;
    if (!run || !this.root.open) return;
    if (run.state === "running") return this.#tell("The answer comes when the run has ended.");
    this.asked += 1;
    const mine = this.asked;
    const question = { run: run.id, lane: this.lane, ...this.choice };
    const answer = await this.server.whatif(question).catch(() => null);
    if (mine !== this.asked || !this.root.open || this.store.state.run !== run) return;
    if (!answer || answer.error) return this.#tell(`Not possible: ${answer?.error ?? "the server did not answer"}.`);
    this.#tell(inline(answer.sentence));
    this.#show({ run: run.id, lane: this.lane, answer });
  }

  /** @param {string} words */
  #tell(words) {
    say(this.answer, words);
    this.#show(null);
  }

  /** @param {Supposed | null} supposed */
  #show(supposed) {
    if (supposed !== this.store.state.supposed) this.store.set({ supposed });
    fill(this.actions, supposed && supposed.answer.ended !== "same" ? this.#runButton() : null);
  }

  /** As a lane of its own, beside those on show. */
  #runButton() {
    const { boot, run } = this.store.state;
    if (!boot.can.run || !run?.about.prompt) return null;
    const room = run.lanes.length < boot.limits.lanes;
    const title = room
      ? `Run ${decoderTitle(boot, this.choice.decoder)} with these knobs as a new lane`
      : `There is room for ${boot.limits.lanes} lanes: remove one first`;
    return h("button", { type: "button", class: "cv-again", title, disabled: !room, onclick: () => this.#run() }, "Run it");
  }

  #run() {
    const { run, options: before, wanted, live } = this.store.state;
    if (!run || live !== "idle") return;
    const { lanes, ticket: _, ...options } = choiceOfRun(run, before);
    const lane = { decoder: this.choice.decoder, settings: { ...this.choice.settings } };
    if (promptText() !== run.about.prompt) setPrompt(run.about.prompt);
    this.root.open = false;
    const next = { lanes: [...lanes, lane], options: { ...before, ...options } };
    this.store.set({ ...next, lane: lanes.length, wanted: wanted + 1, error: "", playing: false });
  }
}

/** What the marks over the map mean. */
function keys() {
  const key = (/** @type {string} */ kind, /** @type {string} */ words) =>
    h("span", { class: "cv-key" }, h("i", { class: `cv-whatif-key ${kind}` }), words);
  return h(
    "p",
    { class: "cv-legend cv-whatif-keys" },
    key("same", "as recorded"),
    key("also", "written as well"),
    key("less", "not written"),
  );
}

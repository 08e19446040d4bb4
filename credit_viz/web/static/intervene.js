/**
 * Changing a run by hand: a candidate, or any other token, is written at the selected position, or the token there is
 * taken back; the run goes on from the shown step as a new lane. Knows the store, byhand.js, and how runs are asked for.
 */

import { choiceOfRun } from "./address.js";
import { promptText, setPrompt } from "./ask.js";
import { givesWay, leadsTo, refusal, stands, stepOf, withLane } from "./byhand.js";
import { fill, h } from "./dom.js";
import { laneName, namesOf } from "./names.js";
import { wish } from "./rerun.js";
import { counted, quoted } from "./text.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./names.js").Intervention} Intervention */
/** @typedef {{copied: number, change: Intervention}} Wanted */

const MOST_OFFERED = 12; // pieces of a text that is no single token
const SAME = ": the run goes on from there as a new lane. Its steps up to then are the same.";

/** What it adds to the inspector: a button beside each candidate, and a panel below them. */
export class ByHand {
  /** @param {Store} store @param {any} server */
  constructor(store, server) {
    this.store = store;
    this.server = server;
    /** @type {(Wanted & {place: number, before: Partial<import("./store.js").State>}) | null} */
    this.coming = null;
    this.message = h("div", { class: "cv-byhand-message", role: "status", "aria-live": "polite" });
    this.section = this.#panel();
    this.action = this.action.bind(this);
    store.view(["run", "version", "error"], () => this.#arrived());
  }

  /** The button of a candidate that could stand there instead. @param {import("./candidates.js").Candidate} at @returns {Node | null} */
  action({ lane, position, step, id, text }) {
    const { boot, step: shown } = this.store.state;
    const after = stepOf(lane, shown);
    if (step !== after || id === lane.info.mask_id) return null;
    const held = lane.tokenAt(position, after);
    if (held >= 0 && lane.idOf(held) === id) return null;
    const why = refusal(lane, position, shown, false, boot.limits);
    const title = `Run on from step ${after} with ${quoted(text)} written here, as a new lane`;
    const write = () => this.#ask(lane, { step: after, position, token: id });
    return button("write this here", why || title, why, write, (words) => this.#say(words));
  }

  /** @returns {Node} */
  #panel() {
    const where = h("p", { class: "cv-help" });
    const back = h("span", { class: "cv-byhand-back" });
    const field = h("input", {
      type: "text",
      class: "cv-byhand-text",
      placeholder: "another token",
      "aria-label": "Another token to write here",
      autocomplete: "off",
      spellcheck: "false",
    });
    const form = h(
      "form",
      { class: "cv-byhand-row", onsubmit: (/** @type {Event} */ event) => this.#typed(event, field.value) },
      back,
      field,
      h("button", { type: "submit", class: "cv-preset" }, "Write it here"),
    );
    const root = h(
      "section",
      { class: "cv-byhand", "aria-label": "Change it by hand" },
      h("h3", { class: "cv-sub" }, "Change it by hand"),
      where,
      form,
      this.message,
    );
    this.store.view(["run", "version", "selected", "step", "lane"], (state) => {
      const { run, selected, lane: front, boot } = state;
      const lane = run?.lanes[front];
      root.hidden = true;
      if (selected === null || !run?.about.prompt || !lane || lane.given.has(selected)) return;
      root.hidden = false;
      const step = stepOf(lane, state.step);
      const why = refusal(lane, selected, state.step, false, boot.limits);
      const name = h("b", { class: "cv-lane cv-byhand-lane", data: { lane: String(front) } }, laneName(boot, run, front));
      fill(where, `Change token ${selected} of `, name, ` right after step ${step}`, SAME);
      fill(back, this.#backButton(run, lane, selected));
      form.classList.toggle("refused", why !== "");
      form.title = why;
    });
    this.store.view(["run", "selected", "step", "lane"], () => fill(this.message));
    return root;
  }

  /** @param {import("./run.js").Run} run @param {Lane} lane @param {number} position */
  #backButton(run, lane, position) {
    const { boot, step: shown } = this.store.state;
    if (!stands(lane, position, shown)) return null;
    const step = stepOf(lane, shown);
    const why = refusal(lane, position, shown, true, boot.limits);
    const text = quoted(run.text(lane.tokenAt(position, step)));
    const title = `Run on from step ${step} with ${text} taken back, as a new lane`;
    const take = () => this.#ask(lane, { step, position, token: null });
    return button(`Take back ${text}`, why || title, why, take, (words) => this.#say(words));
  }

  /** A text was typed: it must be one token. @param {Event} event @param {string} text */
  async #typed(event, text) {
    event.preventDefault();
    const { run, lane: front, selected, step: shown, boot } = this.store.state;
    const lane = run?.lanes[front];
    if (!lane || selected === null) return;
    const why = refusal(lane, selected, shown, false, boot.limits);
    if (why || !text) return this.#say(why || "write the text of a token first");
    const pieces = await this.server.pieces({ text });
    if (!Array.isArray(pieces)) return this.#say(pieces?.error ?? "the server did not answer");
    const write = (/** @type {number} */ token) => this.#ask(lane, { step: stepOf(lane, shown), position: selected, token });
    if (pieces.length === 1) return write(pieces[0][0]);
    const spaced = await this.server.pieces({ text: ` ${text}` });
    const offered = Array.isArray(spaced) && spaced.length === 1 ? [...spaced, ...pieces] : pieces;
    if (!offered.length) return this.#say(`${quoted(text)} is no token here`);
    return fill(
      this.message,
      h("p", {}, `${quoted(text)} is ${counted(pieces.length, "token")} here. Write one of these:`),
      offered.slice(0, MOST_OFFERED).map(([id, piece]) => offer(quoted(piece), () => write(id))),
    );
  }

  /** A new lane, once there is room for it. @param {Lane} lane @param {Intervention} change */
  #ask(lane, change) {
    const { run, options, boot, live } = this.store.state;
    if (!run?.about.prompt) return;
    if (live !== "idle") return this.#say("a run is on: wait until it has ended");
    const choice = choiceOfRun(run, options);
    const replaced = givesWay(choice.lanes, lane.index, boot.limits);
    const wanted = { copied: lane.index, change };
    if (replaced < 0) return this.#go(wanted);
    const name = namesOf(boot, choice.lanes, (token) => run.textOf(token))[replaced];
    const keep = h("button", { type: "button", class: "cv-link", onclick: () => fill(this.message) }, "Keep it");
    const replace = offer("Replace it", () => this.#go(wanted));
    fill(this.message, h("p", {}, `There is room for ${boot.limits.lanes} lanes. “${name}” would give way.`), replace, keep);
    replace.focus();
  }

  /** @param {Wanted} wanted */
  #go({ copied, change }) {
    const { run, options: before, lanes: lanesBefore, wanted, boot } = this.store.state;
    if (!run) return;
    const { choice, place } = withLane(choiceOfRun(run, before), copied, change, boot.limits);
    const { lanes, ticket: _, ...options } = choice;
    this.coming = { copied, change, place, before: { lanes: lanesBefore, options: before } };
    if (promptText() !== run.about.prompt) setPrompt(run.about.prompt);
    fill(this.message);
    this.store.set({ lanes, options: { ...before, ...options }, wanted: wanted + 1, error: "", playing: false });
  }

  /** The run that was asked for is here, or was refused. */
  #arrived() {
    const { coming, store } = this;
    if (!coming) return;
    const { run, error } = store.state;
    const there = run && leadsTo(run, coming.place, coming.change) && run.state !== "running";
    if (there && run.state === "done") {
      this.coming = null;
      const { step, position } = coming.change;
      store.set({ step, selected: position, lane: coming.place, follow: false, playing: false });
    } else if (there ? run.state === "failed" : error) {
      this.coming = null;
      store.set({ ...coming.before });
      store.set({ asked: wish(store.state) });
    }
  }

  /** @param {string} words */
  #say(words) {
    fill(this.message, h("p", {}, `Not possible: ${words}.`));
  }
}

/** @param {string} label @param {() => void} act */
const offer = (label, act) => h("button", { type: "button", class: "cv-preset", onclick: act }, label);

/**
 * A small button; one that cannot be pressed says why, to whoever points at it and to whoever presses it.
 * @param {string} label @param {string} title @param {string} why not @param {() => void} act @param {(words: string) => void} tell
 */
function button(label, title, why, act, tell) {
  const press = () => (why ? tell(why) : act());
  const attributes = { type: "button", class: "cv-write", title, "aria-disabled": why ? "true" : null, onclick: press };
  return h("button", attributes, label);
}

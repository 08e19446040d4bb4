/**
 * The link to the server: packets in order into the store's run, and the questions a page may ask.
 * Knows packets and the store; nothing of views. The server is Gradio's (`server`, `watch`, `props` of gr.HTML).
 */

import { Behind } from "./behind.js";
import { laneArrays, openPacket } from "./codec.js";
import { markOnce } from "./dom.js";
import { exactLane } from "./explain.js";
import { Run } from "./run.js";

/** @typedef {import("./store.js").Store} Store */

export class Live {
  /**
   * @param {Store} store
   * @param {{packets: Function, position: Function, welcome: Function}} server
   */
  constructor(store, server) {
    this.store = store;
    this.server = server;
    this.queue = Promise.resolve();
    /** @type {number} */
    this.gaps = 0;
    this.behind = new Behind(store, {
      refetch: (run) => this.#refetch(run),
      exact: (run, position) => this.exact(run.id, position).catch(() => null), // the inspector asks again
    });
  }

  /** Take in a packet as it arrives; packets are opened one after the other. @param {string} text */
  receive(text) {
    if (!text) return this.queue;
    this.queue = this.queue.then(() => this.#take(text)).catch((error) => this.#fail(error));
    return this.queue;
  }

  /** Show all packets of a finished run at once: no frame is drawn in between. @param {string[]} texts */
  show(texts) {
    this.behind.forget(); // what is shown now shall not be replaced by a run that was asked for before
    const all = async () => {
      for (const packet of await Promise.all(texts.map(openPacket))) await this.#apply(packet);
    };
    this.queue = this.queue.then(all).catch((error) => this.#fail(error));
    return this.queue;
  }

  /** @returns {Promise<string[]>} the run a first visit shows, [] when there is none yet */
  async welcome() {
    const packets = await this.server.welcome({});
    return Array.isArray(packets) ? packets : [];
  }

  /** Exact numbers of one position. @param {string} run @param {number} position */
  async position(run, position) {
    const answer = await this.server.position({ run, position });
    if (answer?.header) return answer; // a saved page has it at hand
    if (typeof answer !== "string") throw new Error(answer?.error ?? "the server did not answer");
    return openPacket(answer);
  }

  /** The same, lane by lane. @param {string} run @param {number} position */
  async exact(run, position) {
    const packet = await this.position(run, position);
    const lanes = packet.header.lanes.map((/** @type {any} */ entry) =>
      exactLane(laneArrays(packet, entry.lane), entry),
    );
    return { run, position, lanes, texts: new Map(packet.header.vocab), note: packet.header.note ?? "" };
  }

  /** @param {string} text */
  async #take(text) {
    return this.#apply(await openPacket(text));
  }

  /** @param {import("./codec.js").Packet} packet */
  async #apply(packet) {
    const { header } = packet;
    if (this.behind.owns(header)) return this.behind.take(packet);
    if (header.kind === "start") return this.#start(packet);
    if (header.state === "refused") return this.store.set({ error: header.message, live: "idle" });
    const { run } = this.store.state;
    if (!run || run.id !== header.run) return undefined;
    if (run.apply(packet) === "gap") await this.#refetch(run);
    this.#advance(run);
    return undefined;
  }

  /** @param {import("./codec.js").Packet} packet */
  #start(packet) {
    const run = new Run(packet);
    const version = this.store.state.version + 1;
    this.store.set({ run, version, step: 0, follow: true, playing: false, live: "running", error: "", exact: null });
    this.store.set({ selected: null, hover: null, lane: Math.min(this.store.state.lane, run.lanes.length - 1) });
  }

  /** @param {Run} run */
  #advance(run) {
    const { state } = this.store;
    const done = run.state !== "running";
    const failed = run.state === "failed" ? `The run stopped: ${run.message}` : state.error;
    this.store.set({
      version: state.version + 1,
      step: state.follow ? run.steps : state.step,
      live: done ? "idle" : state.live,
      follow: state.follow && !done,
      error: failed,
    });
    if (run.steps > 0) markOnce("credit-viz:first-step");
    if (!done) return;
    performance.mark("credit-viz:done");
    const telling = run.telling;
    if (this.store.state.selected === null && telling)
      this.store.set({ selected: telling.position, lane: telling.lane });
  }

  /**
   * Gradio's event is over: whatever was lost on the way is asked for, and nothing stays pending.
   * @param {boolean} [behind] the event of a run that is made behind the one on show
   */
  settle(behind = false) {
    this.queue = this.queue.then(() => (behind ? this.behind.settle() : this.#settle())).catch((error) => this.#fail(error));
    return this.queue;
  }

  async #settle() {
    const { live, run } = this.store.state;
    if (live === "idle") return;
    if (live === "running" || (live === "cancelling" && run?.state === "running")) {
      const { id } = /** @type {Run} */ (run);
      await this.#refetch(/** @type {Run} */ (run));
      if (this.store.state.run?.id === id) this.#advance(/** @type {Run} */ (run));
    }
    if (this.store.state.live !== "idle") {
      this.store.set({ live: "idle", error: "The model is busy or the connection was lost. Press Run to try again." });
    }
  }

  /** A packet was lost on the way: ask for everything from the first missing one on. @param {Run} run */
  async #refetch(run) {
    this.gaps += 1;
    const answer = await this.server.packets({ run: run.id, from: run.next });
    if (!Array.isArray(answer)) throw new Error(answer?.error ?? "the server did not answer");
    for (const text of answer) run.apply(await openPacket(text));
  }

  /**
   * While a run is on, see now and then whether the server is still there: a dead one never says so itself.
   * @param {() => Promise<unknown>} ask rejects when the server does not answer
   */
  async guard(ask) {
    if (this.store.state.live === "idle") return;
    try {
      await ask();
    } catch {
      this.#lost();
    }
  }

  /** The server is gone: what has arrived stays and can be looked at. */
  #lost() {
    const { live, run, version } = this.store.state;
    if (live === "idle") return;
    this.behind.forget();
    if (run?.state === "running") run.state = "cancelled";
    const error = "The server no longer answers. What was decoded so far stays; press Run to try again.";
    this.store.set({ live: "idle", follow: false, version: version + 1, error });
  }

  /** @param {Error} error */
  #fail(error) {
    this.store.set({ error: `The page lost track of the run: ${error.message}`, live: "idle" });
  }
}

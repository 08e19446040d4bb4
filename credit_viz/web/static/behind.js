/**
 * A run that is made behind the one on show, and takes its place when it has arrived whole: nothing flashes, and what
 * was selected stays. Knows packets, runs and the store; nothing of views or of how a run is asked for.
 */

import { Run } from "./run.js";

/** @typedef {import("./codec.js").Packet} Packet */
/** @typedef {import("./store.js").State} State */

const PATIENCE = 700; // milliseconds after which a run that is still being made is said to be, and can be cancelled
const BUSY = "The model is busy or the connection was lost. What you see is the run before; try again.";

export class Behind {
  /**
   * @param {import("./store.js").Store} store
   * @param {{refetch: (run: Run) => Promise<void>, exact: (run: Run, position: number) => Promise<any>}} ask
   */
  constructor(store, ask) {
    this.store = store;
    this.ask = ask;
    this.ticket = "";
    /** Tickets of runs that nobody waits for any more. @type {Set<string>} */
    this.forgotten = new Set();
    /** @type {Run | null} */
    this.run = null;
    /** @type {any} */
    this.timer = 0;
  }

  /** The next run with this ticket is made behind. @param {string} ticket */
  expect(ticket) {
    this.forget();
    this.ticket = ticket;
    this.store.set({ behind: true });
    this.timer = setTimeout(() => this.store.state.live === "idle" && this.store.set({ live: "asked" }), PATIENCE);
  }

  /** Nothing is expected any more, e.g. because an ordinary run was begun: what still comes of it is dropped. */
  forget() {
    if (this.ticket) this.forgotten.add(this.ticket);
    this.#rest();
  }

  #rest() {
    clearTimeout(this.timer);
    this.ticket = "";
    this.run = null;
    this.store.set({ behind: false });
  }

  /** Is a packet of the run behind? @param {Packet["header"]} header */
  owns(header) {
    if (this.forgotten.has(ticketOf(header))) return true;
    return this.ticket !== "" && (header.run === this.run?.id || this.ticket === ticketOf(header));
  }

  /** Take in a packet of the run behind. @param {Packet} packet */
  async take(packet) {
    const { header } = packet;
    if (this.forgotten.has(ticketOf(header))) return;
    if (header.kind === "start") this.run = new Run(packet);
    else if (header.state === "refused") this.#over({ error: header.message });
    else if (this.run) {
      if (this.run.apply(packet) === "gap") await this.ask.refetch(this.run);
      await this.#arrived(this.run);
    }
  }

  /** Gradio's event is over: what was lost on the way is asked for. */
  async settle() {
    const { run, ticket } = this;
    if (run) {
      await this.ask.refetch(run);
      await this.#arrived(run);
    }
    if (ticket && this.ticket === ticket) this.#over({ error: BUSY });
  }

  /** @param {Run} run */
  async #arrived(run) {
    if (run.state === "running") return;
    if (run.state !== "done") {
      this.#over(run.state === "failed" ? { error: `The run stopped: ${run.message}` } : {});
      return;
    }
    const { selected } = this.store.state;
    const exact = selected !== null && selected < run.length ? await this.ask.exact(run, selected) : null;
    if (this.run === run) this.#over(inPlaceOf(this.store.state, run, exact));
  }

  /** @param {Partial<State>} patch what changes with the end of the run behind */
  #over(patch) {
    this.#rest();
    this.store.set({ live: "idle", ...patch });
  }
}

/** The page's name for a run, in its first packet or in a refusal. @param {Packet["header"]} header @returns {string} */
const ticketOf = (header) => header.about?.ticket || header.ticket || "";

/**
 * What changes when a run takes the place of the one on show: the end stays the end, another step stays that step.
 * @param {State} state @param {Run} run @param {any} exact exact numbers of the selected position in the new run
 * @returns {Partial<State>}
 */
export function inPlaceOf(state, run, exact) {
  const atEnd = state.step >= (state.run?.steps ?? 0);
  const gone = state.selected !== null && state.selected >= run.length;
  return {
    run,
    exact,
    version: state.version + 1,
    step: atEnd ? run.steps : Math.min(state.step, run.steps),
    follow: false,
    error: "",
    selected: gone ? null : state.selected,
    hover: null,
    lane: Math.min(state.lane, run.lanes.length - 1),
  };
}

/**
 * A run: its lanes, its vocabulary and how it stands. Grows packet by packet; knows nothing of the DOM or of Gradio.
 */

import { laneArrays, planeValues } from "./codec.js";
import { Lane, REASON } from "./lane.js";

/** @typedef {import("./codec.js").Packet} Packet */

/** A plane whose bytes are plain numbers. */
const COUNT = { kind: "linear", maximum: 255 };

export class Run {
  /** @param {Packet} packet the run's first packet */
  constructor(packet) {
    const { header } = packet;
    this.id = header.run;
    this.about = header.about;
    /** @type {number[]} lanes that are shown again as an earlier run left them */
    this.kept = header.about.kept ?? [];
    this.next = header.seq + 1;
    /** @type {"running" | "done" | "cancelled" | "failed"} */
    this.state = "running";
    this.message = "";
    /** @type {{forward: number, decoder: number, all: number | null}[]} wall clock per lane; [] before the end */
    this.seconds = [];
    /** @type {{id: number, text: string}[]} */
    this.vocabulary = [];
    this.#learn(header.vocab);
    /** @type {Lane[]} */
    this.lanes = header.lanes.map((/** @type {any} */ info, /** @type {number} */ i) => {
      const { given_positions: positions, given_tokens: tokens } = laneArrays(packet, i);
      return new Lane(i, info, (token) => this.vocabulary[token].id, positions, tokens);
    });
    /** @type {Record<string, Float64Array>} value of each byte, per plane */
    this.values = Object.fromEntries(
      Object.entries({ ...header.planes, flips: COUNT }).map(([name, plane]) => [name, planeValues(/** @type {any} */ (plane))]),
    );
  }

  /** Text of a token id, undefined where the run has not named it. @param {number} id */
  textOf(id) {
    return this.vocabulary.find((token) => token.id === id)?.text;
  }

  /**
   * Take in the next packet.
   * @param {Packet} packet
   * @returns {"ok" | "old" | "gap"} "gap": packets before it are missing; ask for them
   */
  apply(packet) {
    const { header } = packet;
    if (header.run !== this.id || header.seq < this.next) return "old";
    if (header.seq > this.next) return "gap";
    if (header.kind === "steps") {
      this.#learn(header.vocab);
      for (const entry of header.lanes) {
        if (!this.lanes[entry.lane].append(entry, laneArrays(packet, entry.lane))) return "gap";
      }
    } else if (header.kind === "end") {
      this.state = header.state;
      this.message = header.message;
      this.seconds = header.seconds ?? [];
    }
    this.next = header.seq + 1;
    return "ok";
  }

  /** @param {[number, string][]} vocab */
  #learn(vocab) {
    for (const [id, text] of vocab) this.vocabulary.push({ id, text });
  }

  /** Steps of the longest lane so far. */
  get steps() {
    return Math.max(0, ...this.lanes.map((lane) => lane.steps));
  }

  get length() {
    return Math.max(0, ...this.lanes.map((lane) => lane.length));
  }

  /** @param {number} token vocabulary index */
  text(token) {
    return token < 0 ? "" : this.vocabulary[token].text;
  }

  /** The lane others are compared with: the first. */
  get baseline() {
    return this.lanes[0];
  }

  /**
   * A position worth looking at first: where credit lifted the confidence most, else where the decoder changed its
   * mind most often, else where the wait was longest.
   * @returns {{lane: number, position: number} | null}
   */
  get telling() {
    const lifted = this.#best((lane, i) => (lane.writeAt(i, lane.steps)?.reason === REASON.CREDIT ? lift(lane, i) : 0));
    return lifted ?? this.#best((lane, i) => lane.story(i).length - 1) ?? this.#best((lane, i) => lane.wait(i));
  }

  /** Text position with the greatest value above 0. @param {(lane: Lane, position: number) => number} value */
  #best(value) {
    let best = null;
    let most = 0;
    for (const lane of this.lanes) {
      for (let position = 0; position < lane.length; position += 1) {
        const here = lane.isContent(position) ? value(lane, position) : 0;
        if (here > most) [most, best] = [here, { lane: lane.index, position }];
      }
    }
    return best;
  }

  /**
   * First position where a lane's final token differs from the baseline's; -1 when all agree.
   * @param {Lane} lane
   */
  firstDifference(lane) {
    const other = this.baseline;
    for (let i = 0; i < lane.length; i += 1) {
      if (lane.tokenAt(i, lane.steps) !== other.tokenAt(i, other.steps)) return i;
    }
    return -1;
  }
}

/** Are two runs of one kind, so that they fill about as much room? @param {Run} one @param {Run} other */
export const alike = (one, other) =>
  one.about.prompt === other.about.prompt && one.length === other.length && one.lanes.length === other.lanes.length;

/** Bytes by which credit lifted the confidence when a position was written. @param {Lane} lane @param {number} position */
function lift(lane, position) {
  const step = lane.written[position];
  return lane.byteAt("fused", position, step) - lane.byteAt("confidence", position, step);
}

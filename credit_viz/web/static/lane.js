/**
 * One lane of a run: every recorded guess and every event (written, taken back, edited), and what follows from them
 * (settled, written, waited). Pure data: knows packets' arrays, nothing of the DOM or of other lanes. Definitions as
 * in trace/metrics.py.
 *
 * Positions count from 0, steps from 1; step 0 is the canvas before the first forward pass. Tokens are indices into
 * the run's vocabulary; -1 means "nothing". Given tokens stand from the beginning and have no events.
 */

/** @typedef {{start: number, end: number, first: number, last: number}} BlockSpan rows [start, end), steps first..last */

/**
 * @typedef {{step: number, position: number, token: number, reason: number, masks: boolean}} Event token: the mask's
 * where one is taken back, then `masks` is true
 */

const NOTHING = -1;

/** Why an event happened, as in trace/record.py. */
export const REASON = Object.freeze({
  CONFIDENT: 1,
  CREDIT: 2,
  FORCED: 3,
  SCHEDULED: 4,
  FILLED: 5,
  REMASKED: 6,
  EDITED: 7,
  ANSWERED: 8,
  INTERVENED: 9,
});

/** @type {Map<number, string>} */
const MARKS = new Map([
  [REASON.REMASKED, "taken_back"],
  [REASON.EDITED, "edited"],
  [REASON.INTERVENED, "by_hand"],
]);

/** Mark of an event, as style.json names them. @param {{reason: number}} event */
export const markOf = ({ reason }) => MARKS.get(reason) ?? "written";

export class Lane {
  /**
   * @param {number} index
   * @param {Record<string, any>} info RunInfo of the lane
   * @param {(token: number) => number} idOf vocabulary index to token id
   * @param {ArrayLike<number>} [givenPositions] @param {ArrayLike<number>} [givenTokens]
   */
  constructor(index, info, idOf, givenPositions = [], givenTokens = []) {
    this.index = index;
    this.info = info;
    this.length = info.gen_length;
    this.idOf = idOf;
    this.endIds = new Set(info.eos_ids);
    /** @type {Map<number, number>} token by position */
    this.given = new Map(Array.from(givenPositions, (position, i) => [position, givenTokens[i]]));
    this.steps = 0;
    this.capacity = 0;
    this.top = new Int32Array(0);
    this.winner = new Int32Array(0);
    /** @type {Record<string, Uint8Array>} */
    this.planes = {};
    this.flips = new Int32Array(this.length); // how often the best guess changed
    this.lastGuess = new Int32Array(this.length).fill(NOTHING);
    /** @type {BlockSpan[]} */
    this.blocks = [];
    /** @type {Event[]} */
    this.events = [];
    /** @type {number[][]} events of each position, in order */
    this.writes = Array.from({ length: this.length }, () => []);
    this.written = new Int32Array(this.length); // commit step, 0 = never
    this.settled = new Int32Array(this.length); // converge step
    /** @type {number[]} tokens that stand after step i, given ones not counted */
    this.writtenAfter = [0];
    this.textEnd = this.length; // position of the end-of-text token that stopped the run early
  }

  /**
   * Take in `entry.k` steps.
   * @param {{from: number, k: number, planes: Record<string, string>}} entry
   * @param {Record<string, any>} arrays
   * @returns {boolean} false when steps before them are missing
   */
  append(entry, arrays) {
    if (entry.from !== this.steps + 1) return false;
    this.#reserve(this.steps + entry.k, Object.keys(entry.planes));
    let cell = 0;
    let event = 0;
    for (let k = 0; k < entry.k; k += 1) {
      this.steps += 1;
      this.#addBlock(arrays.blocks[2 * k], arrays.blocks[2 * k + 1]);
      this.#addCells(entry, arrays, cell, arrays.counts[k]);
      cell += arrays.counts[k];
      const changedUpTo = event + arrays.event_counts[k];
      let written = this.writtenAfter[this.writtenAfter.length - 1];
      for (; event < changedUpTo; event += 1) written += this.#addEvent(arrays, event);
      this.writtenAfter.push(written);
    }
    this.#applyChanged(entry, arrays);
    if (this.info.early_stop && this.complete) this.textEnd = this.#firstEnd();
    return true;
  }

  /** Where a position's column starts: cell (step, position) is at offset(step) + position. @param {number} step */
  offset(step) {
    return (step - 1) * this.length;
  }

  /**
   * Token at a position after `step`, NOTHING while it is masked.
   * @param {number} position
   * @param {number} step
   */
  tokenAt(position, step) {
    const write = this.writeAt(position, step);
    if (!write) return this.given.get(position) ?? NOTHING;
    return this.#isMask(write.token) ? NOTHING : write.token;
  }

  /**
   * Last event of a position up to `step`.
   * @param {number} position
   * @param {number} step
   * @returns {Event | null}
   */
  writeAt(position, step) {
    const writes = this.writes[position];
    for (let i = writes.length - 1; i >= 0; i -= 1) {
      const event = this.events[writes[i]];
      if (event.step <= step) return event;
    }
    return null;
  }

  /** Token that an event found at its position, NOTHING where a mask stood. @param {Event} event */
  tokenBefore(event) {
    const story = this.story(event.position);
    const before = story[story.indexOf(event) - 1];
    if (!before) return this.given.get(event.position) ?? NOTHING;
    return before.masks ? NOTHING : before.token;
  }

  /** Everything that happened at a position, in order. @param {number} position @returns {Event[]} */
  story(position) {
    return this.writes[position].map((index) => this.events[index]);
  }

  /**
   * The model's best guess in `step`, NOTHING where none was recorded.
   * @param {number} position
   * @param {number} step
   */
  guessAt(position, step) {
    return step < 1 || step > this.steps ? NOTHING : this.top[this.offset(step) + position];
  }

  /**
   * Byte of a plane, -1 where nothing was recorded. "flips" is one too: 1 where the best guess is not that of the
   * position's record before.
   * @param {string} plane
   * @param {number} position
   * @param {number} step
   */
  byteAt(plane, position, step) {
    if (!this.planes[plane] || this.guessAt(position, step) === NOTHING) return NOTHING;
    return this.planes[plane][this.offset(step) + position];
  }

  /** Steps between settled and written; 0 while masked. @param {number} position */
  wait(position) {
    return this.written[position] - this.settled[position];
  }

  /** Is the token finally written text: not end-of-text, mask or given, not behind an early stop? @param {number} position */
  isContent(position) {
    if (position >= this.textEnd || this.given.has(position) || this.byHand(position)) return false;
    const token = this.tokenAt(position, this.steps);
    return token !== NOTHING && !this.isEnd(token);
  }

  /** Was the token that stands there in the end written by a person during the run? @param {number} position */
  byHand(position) {
    const last = this.writeAt(position, this.steps);
    return last?.reason === REASON.INTERVENED && !last.masks;
  }

  /** @param {number} token */
  isEnd(token) {
    return this.endIds.has(this.idOf(token));
  }

  /** @param {number} step */
  writtenCount(step) {
    return this.writtenAfter[Math.min(step, this.steps)];
  }

  /** Positions that are not given. */
  get open() {
    return this.length - this.given.size;
  }

  get complete() {
    return this.writtenAfter[this.steps] === this.open;
  }

  /** How often a written token became a mask again. */
  get takenBack() {
    return this.#count(REASON.REMASKED);
  }

  /** How often a written token was replaced by another. */
  get edited() {
    return this.#count(REASON.EDITED);
  }

  /** Positions that count for waiting: text tokens, or all written ones when there is no text. */
  get countedPositions() {
    const all = Array.from({ length: this.length }, (_, i) => i).filter((i) => this.written[i] > 0);
    const content = all.filter((i) => this.isContent(i));
    return content.length ? content : all;
  }

  /** Mean wait in steps over the text, over all positions when there is none. */
  get meanWait() {
    const total = this.countedPositions.reduce((sum, i) => sum + this.wait(i), 0);
    return total / (this.contentTokens || this.length);
  }

  get contentTokens() {
    let count = 0;
    for (let i = 0; i < this.length; i += 1) if (this.isContent(i)) count += 1;
    return count;
  }

  /** Does this lane write by a schedule, so that its tokens mostly wait for their turn? */
  get scheduled() {
    const { SCHEDULED, FILLED, ANSWERED } = REASON;
    /** @type {number[]} */
    const bySchedule = [SCHEDULED, FILLED, ANSWERED];
    const decided = this.events.filter(({ reason }) => reason !== REASON.INTERVENED);
    return this.#count(SCHEDULED) > 0 && decided.every((event) => bySchedule.includes(event.reason));
  }

  /** @param {number} token */
  #isMask(token) {
    return this.idOf(token) === this.info.mask_id;
  }

  /** @param {number} reason */
  #count(reason) {
    return this.events.reduce((count, event) => count + Number(event.reason === reason), 0);
  }

  #firstEnd() {
    for (let i = 0; i < this.length; i += 1) if (this.isEnd(this.tokenAt(i, this.steps))) return i;
    return this.length;
  }

  /** @param {number} steps @param {string[]} planes */
  #reserve(steps, planes) {
    if (steps > this.capacity) this.capacity = Math.max(steps, this.capacity * 2, 64);
    const size = this.capacity * this.length;
    this.top = grown(this.top, size, NOTHING);
    this.winner = grown(this.winner, size, NOTHING);
    for (const name of new Set([...planes, ...Object.keys(this.planes), "flips"])) {
      this.planes[name] = grown(this.planes[name] ?? new Uint8Array(0), size, 0);
    }
  }

  /** @param {number} start @param {number} end */
  #addBlock(start, end) {
    const current = this.blocks[this.blocks.length - 1];
    if (current && current.start === start && current.end === end) current.last = this.steps;
    else this.blocks.push({ start, end, first: this.steps, last: this.steps });
  }

  /** @param {any} entry @param {Record<string, any>} arrays @param {number} from @param {number} count */
  #addCells(entry, arrays, from, count) {
    const base = this.offset(this.steps);
    const planes = Object.entries(entry.planes).map(([name, array]) => [this.planes[name], arrays[array]]);
    let position = -1;
    for (let m = from; m < from + count; m += 1) {
      position = (position + arrays.positions[m]) & 0xffff;
      const guess = arrays.top[m];
      this.top[base + position] = guess;
      this.winner[base + position] = guess;
      for (const [plane, values] of planes) plane[base + position] = values[m];
      const last = this.lastGuess[position];
      const flipped = Number(last !== NOTHING && last !== guess);
      this.planes.flips[base + position] = flipped;
      this.flips[position] += flipped;
      this.lastGuess[position] = guess;
    }
  }

  /** Cells whose winner is not the raw top-1. @param {any} entry @param {Record<string, any>} arrays */
  #applyChanged(entry, arrays) {
    if (!arrays.changed.length) return;
    let next = 0;
    let cell = 0;
    for (let k = 0; k < entry.k; k += 1) {
      const base = this.offset(entry.from + k);
      let position = -1;
      for (let m = 0; m < arrays.counts[k]; m += 1, cell += 1) {
        position = (position + arrays.positions[cell]) & 0xffff;
        if (arrays.changed[next] === cell) {
          this.winner[base + position] = arrays.winners[next];
          next += 1;
        }
      }
    }
  }

  /** @param {Record<string, any>} arrays @param {number} index @returns {number} by how much the written tokens grew */
  #addEvent(arrays, index) {
    const position = arrays.event_positions[index];
    const token = arrays.event_tokens[index];
    const before = Number(this.written[position] > 0);
    const masked = this.#isMask(token);
    this.writes[position].push(this.events.length);
    const reason = arrays.event_reasons[index];
    this.events.push({ step: this.steps, position, token, reason, masks: masked });
    this.written[position] = masked ? 0 : this.steps;
    // what a person wrote has waited for nothing
    const settled = reason === REASON.INTERVENED ? this.steps : this.#settledStep(position, token);
    this.settled[position] = masked ? 0 : settled;
    return Number(!masked) - before;
  }

  /** First step from which the best guess stayed the written token. @param {number} position @param {number} token */
  #settledStep(position, token) {
    let settled = this.steps;
    for (let step = this.steps; step >= 1; step -= 1) {
      const guess = this.guessAt(position, step);
      if (guess === NOTHING) continue;
      if (guess !== token) return settled;
      settled = step;
    }
    return settled;
  }
}

/**
 * A copy of at least `size` entries, new ones filled.
 * @template {Int32Array | Uint8Array} T
 * @param {T} array @param {number} size @param {number} fill
 * @returns {T}
 */
function grown(array, size, fill) {
  if (array.length >= size) return array;
  const larger = /** @type {T} */ (new /** @type {any} */ (array.constructor)(size).fill(fill));
  larger.set(/** @type {any} */ (array));
  return larger;
}

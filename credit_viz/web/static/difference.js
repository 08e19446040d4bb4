/**
 * What sets two lanes apart: where they part, how their texts differ, how far one is behind the other. Pure functions
 * over lanes of the same length; definitions as in trace/divergence.py. A mask holds no token.
 */

/** @typedef {import("./lane.js").Lane} Lane */

/**
 * @typedef {object} Divergence
 * @property {number} step first step after which both hold different tokens at the same position
 * @property {number} position of several such positions the leftmost
 * @property {[number, number]} tokens that stand there after the step
 * @property {[number, number]} written step in which each was written, 0 where it was given
 */

/** @typedef {{step: number, position: number, holder: 0 | 1}} OrderDifference holder: which lane has written it */

/** @param {Lane} one @param {Lane} other @returns {Divergence | null} */
export function firstDivergence(one, other) {
  const found = firstStep(one, other, (ours, theirs) => ours >= 0 && theirs >= 0 && ours !== theirs);
  if (!found) return null;
  const { step, position } = found;
  const written = [one, other].map((lane) => lane.writeAt(position, step)?.step ?? 0);
  const tokens = [one, other].map((lane) => lane.tokenAt(position, step));
  return { step, position, tokens: /** @type {any} */ (tokens), written: /** @type {any} */ (written) };
}

/**
 * First step after which a position holds a token in one lane and a mask in the other.
 * @param {Lane} one @param {Lane} other @returns {OrderDifference | null}
 */
export function firstOrderDifference(one, other) {
  const found = firstStep(one, other, (ours, theirs) => ours >= 0 !== theirs >= 0);
  return found && { ...found, holder: one.tokenAt(found.position, found.step) >= 0 ? 0 : 1 };
}

/**
 * First step after which two tokens at the same position are as asked for, and the leftmost such position.
 * Only positions that a step changed need to be looked at.
 * @param {Lane} one @param {Lane} other @param {(ours: number, theirs: number) => boolean} asked
 */
function firstStep(one, other, asked) {
  const at = (/** @type {number} */ position, /** @type {number} */ step) =>
    asked(one.tokenAt(position, step), other.tokenAt(position, step));
  const changed = changedPositions(one, other);
  for (let step = 0; step < changed.length; step += 1) {
    const positions = changed[step].filter((position) => at(position, step));
    if (positions.length) return { step, position: Math.min(...positions) };
  }
  return null;
}

/** Positions that each step changed in any of the lanes; step 0: all. @param {Lane} one @param {Lane} other */
function changedPositions(one, other) {
  const length = Math.min(one.length, other.length);
  const steps = Math.max(one.steps, other.steps);
  /** @type {number[][]} */
  const changed = Array.from({ length: steps + 1 }, () => []);
  for (let position = 0; position < length; position += 1) changed[0].push(position);
  for (const { step, position } of [...one.events, ...other.events])
    if (position < length) changed[step].push(position);
  return changed;
}

/** @typedef {"same" | "different" | "end" | "given" | "open"} Kind end: behind both texts; open: written in neither */

/**
 * The final texts position by position. "different" also where only one lane has a token.
 * @param {Lane} one @param {Lane} other
 * @returns {{kinds: Kind[], same: number, different: number}}
 */
export function textDifference(one, other) {
  const kinds = Array.from({ length: Math.min(one.length, other.length) }, (_, i) => kindOf(one, other, i));
  const count = (/** @type {Kind} */ kind) => kinds.filter((each) => each === kind).length;
  return { kinds, same: count("same"), different: count("different") };
}

/** @param {Lane} one @param {Lane} other @param {number} position @returns {Kind} */
function kindOf(one, other, position) {
  const [ours, theirs] = [one.tokenAt(position, one.steps), other.tokenAt(position, other.steps)];
  if (one.given.has(position) && ours === theirs) return "given";
  if (ends(one, position, ours) && ends(other, position, theirs)) return "end";
  if (ours !== theirs) return "different";
  return ours < 0 ? "open" : "same";
}

/** Is a position behind the text of a lane? @param {Lane} lane @param {number} position @param {number} token */
const ends = (lane, position, token) => token >= 0 && (lane.isEnd(token) || position >= lane.textEnd);

/**
 * How a lane stands to another at a position: how many steps earlier it wrote, and whether the same token.
 * @param {Lane} lane @param {Lane} other @param {number} position
 * @returns {{earlier: number, token: number} | null} token: the other's if it is another one, else -1; null where one
 *   of them has not written
 */
export function against(lane, other, position) {
  const [ours, theirs] = [lane.written[position], other.written[position]];
  if (!ours || !theirs) return null;
  const [mine, token] = [lane.tokenAt(position, lane.steps), other.tokenAt(position, other.steps)];
  return { earlier: theirs - ours, token: mine === token ? -1 : token };
}

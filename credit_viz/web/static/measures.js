/**
 * What a lane cost and what that bought, in numbers. Pure functions over a run; definitions as in trace/record.py.
 */

/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./run.js").Run} Run */

/** Sum of waits: guesses that already were the final answer, but were not written yet. @param {Lane} lane */
export function redundantGuesses(lane) {
  let sum = 0;
  for (let i = 0; i < lane.length; i += 1) sum += lane.wait(i);
  return sum;
}

/** Tokens that the decoder has written per forward pass, end of text counted. @param {Lane} lane */
export const tokensPerForward = (lane) =>
  lane.written.filter((step, position) => step > 0 && !lane.byHand(position)).length / Math.max(1, lane.steps);

/** Tokens of text per forward pass: marks of the end of text are no gain. @param {Lane} lane */
export const contentTokensPerForward = (lane) => lane.contentTokens / Math.max(1, lane.steps);

/**
 * How many times fewer forward passes than the first lane; null where they cannot be compared.
 * @param {Run} run @param {Lane} lane
 */
export function timesFewer(run, lane) {
  const base = run.baseline;
  return lane.complete && base.complete && lane.steps > 0 ? base.steps / lane.steps : null;
}

/**
 * Wall clock of a lane in seconds: of its forward passes, of its decoder, and what recording them took beside
 * (null where that is not known). Null before a run is over.
 * @param {Run} run @param {Lane} lane
 */
export function wallClock(run, lane) {
  const spent = run.seconds[lane.index];
  if (!spent) return null;
  const { forward, decoder, all } = spent;
  return { forward, decoder, tracing: all === null ? null : Math.max(0, all - forward - decoder) };
}

/**
 * What the page holds of a lane, as one short text: every recorded cell and every event, in order. For whoever wants to
 * know that nothing was lost or mixed up on the way. Pure; knows lanes only.
 */

/** @typedef {import("./lane.js").Lane} Lane */

const [BASIS, PRIME] = [0x811c9dc5, 0x01000193]; // FNV-1a, over 32-bit numbers

/**
 * "steps cells events sum"; tests/web/held.py says the same of a trace.
 * @param {Lane} lane
 */
export function heldBy(lane) {
  const planes = Object.keys(lane.planes).filter((name) => name !== "flips").sort(); // flips are counted here
  let cells = 0;
  let sum = BASIS;
  const add = (/** @type {number} */ value) => (sum = Math.imul(sum ^ value, PRIME) >>> 0);
  for (let step = 1; step <= lane.steps; step += 1) {
    for (let position = 0; position < lane.length; position += 1) {
      if (lane.guessAt(position, step) < 0) continue;
      cells += 1;
      const cell = lane.offset(step) + position;
      add(position);
      add(lane.idOf(lane.top[cell]));
      add(lane.idOf(lane.winner[cell]));
      for (const plane of planes) add(lane.planes[plane][cell]);
    }
  }
  for (const { step, position, token, reason } of lane.events) [step, position, lane.idOf(token), reason].forEach(add);
  return `${lane.steps} ${cells} ${lane.events.length} ${sum}`;
}

/**
 * Exact numbers of every position, as a saved page keeps them (credit_viz/trace/cells.py), answered position by
 * position as the server would. Where the file holds fewer, what the maps' bytes say stands in. Knows packets and runs.
 */

import { laneArrays } from "./codec.js";

/** @typedef {import("./codec.js").Packet} Packet */
/** @typedef {import("./lane.js").Lane} Lane */

const ROUNDED = "This file keeps one byte for each number: they are rounded, and only the decoder's choice is listed.";
const CHOICES = "This file keeps the exact numbers of the decoder's choices; the other guesses are left out.";

/** What a file may keep of a position, and what the inspector says of it. @type {Record<string, string>} */
const NOTES = { candidates: "", winners: CHOICES, bars: ROUNDED, "": ROUNDED };

/** Numbers by name: their kind, and whether there is one for each candidate. */
const WINNERS = { winner_ids: Int32Array, winner_p: Float32Array, winner_fused: Float32Array };
const CANDIDATES = { ids: Int32Array, p: Float32Array, credit: Float32Array, fused: Float32Array };

/**
 * All numbers of one position, as a packet of kind "position".
 * @param {Packet} cells @param {import("./run.js").Run} run @param {number} position
 * @returns {Packet}
 */
export function positionOf(cells, run, position) {
  const { kept, lanes: entries, vocab } = cells.header;
  const rounded = kept !== "candidates" && kept !== "winners";
  /** @type {Record<string, any>} */
  const arrays = {};
  const lanes = run.lanes.map((lane, i) => {
    const entry = entries[i] ?? { k: 1 };
    const exact = entries[i] ? exactOf(laneArrays(cells, i), entry, position, kept) : {};
    const found = { ...(rounded ? fromBytes(run, lane, position) : {}), ...exact };
    const whole = kept === "candidates" ? found : alone(found);
    for (const [name, values] of Object.entries(whole)) arrays[`${i}.${name}`] = values;
    const channels = Object.keys(whole).filter((name) => name.startsWith("channel."));
    return { lane: i, n: whole.steps.length, k: entry.k, channels: channels.map((name) => name.slice(8)) };
  });
  const texts = rounded ? run.vocabulary.map(({ id, text }) => [id, text]) : vocab;
  const header = { kind: "position", run: run.id, seq: -1, position, lanes, vocab: texts, note: NOTES[kept] };
  return { header, arrays };
}

/** @param {Record<string, any>} arrays @param {any} entry @param {number} position @param {string} kept */
function exactOf(arrays, { k, channels, same }, position, kept) {
  const array = (/** @type {string} */ name) => arrays[same[name] ?? name];
  const [from, to] = [arrays.starts[position], arrays.starts[position + 1]];
  const total = arrays.starts[arrays.starts.length - 1];
  const read = (/** @type {Record<string, any>} */ kinds, columns = 1) =>
    Object.entries(kinds).map(([name, Kind]) => [name, joined(array(name), Kind, total, columns, from, to)]);
  const own = Object.fromEntries(channels.map((/** @type {string} */ name) => [`channel.${name}`, Float32Array]));
  return Object.fromEntries([
    ["steps", array("steps").slice(from, to)],
    ...read(own),
    ...(kept === "bars" ? [] : read(WINNERS)),
    ...(kept === "candidates" ? [...read({ entropy: Float32Array }), ...read(CANDIDATES, k)] : []),
  ]);
}

/** The decoder's choice as the only candidate. @param {any} winner */
const alone = (winner) => ({
  ...winner,
  ids: winner.winner_ids,
  p: winner.winner_p,
  credit: winner["channel.credit"] ?? new Float32Array(winner.steps.length),
  fused: winner.winner_fused,
});

/**
 * Numbers whose four bytes lie apart, rows from..to of a table whose columns lie below each other, row by row.
 * @param {Uint8Array} bytes @param {any} Kind @param {number} rows @param {number} columns
 * @param {number} from @param {number} to
 */
function joined(bytes, Kind, rows, columns, from, to) {
  const size = rows * columns;
  const view = new DataView(new ArrayBuffer(4 * (to - from) * columns));
  let at = 0;
  for (let row = from; row < to; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const cell = column * rows + row;
      for (let byte = 0; byte < 4; byte += 1, at += 1) view.setUint8(at, bytes[byte * size + cell]);
    }
  }
  const read = Kind === Int32Array ? "getInt32" : "getFloat32";
  return Kind.from({ length: view.byteLength / 4 }, (/** @type {unknown} */ _, /** @type {number} */ i) =>
    view[read](4 * i, true),
  );
}

/** What the maps show of a position. @param {import("./run.js").Run} run @param {Lane} lane @param {number} position */
function fromBytes(run, lane, position) {
  const steps = Array.from({ length: lane.steps }, (_, i) => i + 1).filter((step) => lane.guessAt(position, step) >= 0);
  const plane = (/** @type {string} */ name) =>
    Float32Array.from(steps, (step) => run.values[name][lane.byteAt(name, position, step)]);
  const channels = Object.keys(lane.planes).filter((name) => !["confidence", "fused", "entropy"].includes(name));
  return {
    steps: Uint32Array.from(steps),
    winner_ids: Int32Array.from(steps, (step) => lane.idOf(lane.winner[lane.offset(step) + position])),
    // the maps know the raw probability of the best guess alone: nearly always that is the decoder's choice as well
    winner_p: plane("confidence"),
    winner_fused: plane("fused"),
    ...Object.fromEntries(channels.map((name) => [`channel.${name}`, plane(name)])),
  };
}

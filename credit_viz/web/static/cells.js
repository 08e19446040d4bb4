/**
 * Exact numbers of every position, as a saved page keeps them (credit_viz/trace/cells.py), answered position by position
 * as the server would. Where the file holds fewer, what the maps' bytes say stands in. Knows packets and runs only.
 */

import { laneArrays } from "./codec.js";

/** @typedef {import("./codec.js").Packet} Packet */
/** @typedef {import("./lane.js").Lane} Lane */

const ROUNDED = "This file keeps one byte for each number, so they are rounded, and only the decoder's choice is listed.";
const CHOICES = "This file keeps the exact numbers of the decoder's choices; the other guesses are left out.";

/** What the inspector should say of the numbers; "" where all are there. @param {Packet} cells */
export const noteOf = (cells) => ({ candidates: "", winners: CHOICES })[cells.header.kept] ?? ROUNDED;

/**
 * All numbers of one position, as a packet of kind "position".
 * @param {Packet} cells @param {import("./run.js").Run} run @param {number} position
 * @returns {Packet}
 */
export function positionOf(cells, run, position) {
  const { header } = cells;
  /** @type {Record<string, any>} */
  const arrays = {};
  const lanes = run.lanes.map((lane, i) => {
    const entry = header.lanes[i];
    const found = entry ? sliced(laneArrays(cells, i), entry, position, header.kept) : fromBytes(run, lane, position);
    for (const [name, values] of Object.entries(found)) arrays[`${i}.${name}`] = values;
    const channels = Object.keys(found).filter((name) => name.startsWith("channel."));
    return { lane: i, n: found.steps.length, k: entry?.k ?? 1, channels: channels.map((name) => name.slice(8)) };
  });
  const vocab = header.lanes.length ? header.vocab : run.vocabulary.map(({ id, text }) => [id, text]);
  return { header: { kind: "position", run: run.id, seq: -1, position, lanes, vocab, note: noteOf(cells) }, arrays };
}

/** @param {Record<string, any>} arrays @param {any} entry @param {number} position @param {string} kept */
function sliced(arrays, { k, channels, same }, position, kept) {
  const array = (/** @type {string} */ name) => arrays[same[name] ?? name];
  const [from, to] = [arrays.starts[position], arrays.starts[position + 1]];
  const total = arrays.starts[arrays.starts.length - 1];
  const column = (/** @type {string} */ name, /** @type {any} */ Kind, columns = 1) =>
    joined(array(name), Kind, total, columns, from, to);
  const winner = {
    steps: array("steps").slice(from, to),
    winner_ids: column("winner_ids", Int32Array),
    winner_p: column("winner_p", Float32Array),
    winner_fused: column("winner_fused", Float32Array),
    ...Object.fromEntries(channels.map((/** @type {string} */ name) => [`channel.${name}`, column(`channel.${name}`, Float32Array)])),
  };
  if (kept !== "candidates") return alone(winner);
  const table = (/** @type {string} */ name, /** @type {any} */ Kind) => column(name, Kind, k);
  return {
    ...winner,
    entropy: column("entropy", Float32Array),
    ids: table("ids", Int32Array),
    p: table("p", Float32Array),
    credit: table("credit", Float32Array),
    fused: table("fused", Float32Array),
  };
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
  return Kind === Int32Array ? little(view, Int32Array, "getInt32") : little(view, Float32Array, "getFloat32");
}

/** @param {DataView} view @param {any} Kind @param {"getInt32" | "getFloat32"} read */
const little = (view, Kind, read) =>
  Kind.from({ length: view.byteLength / 4 }, (/** @type {unknown} */ _, /** @type {number} */ i) => view[read](4 * i, true));

/** What the maps show of a position. @param {import("./run.js").Run} run @param {Lane} lane @param {number} position */
function fromBytes(run, lane, position) {
  const steps = Array.from({ length: lane.steps }, (_, i) => i + 1).filter((step) => lane.guessAt(position, step) >= 0);
  const plane = (/** @type {string} */ name) =>
    Float32Array.from(steps, (step) => run.values[name][lane.byteAt(name, position, step)]);
  const channels = Object.keys(lane.planes).filter((name) => !["confidence", "fused", "entropy"].includes(name));
  return alone({
    steps: Uint32Array.from(steps),
    winner_ids: Int32Array.from(steps, (step) => lane.idOf(lane.winner[lane.offset(step) + position])),
    // the maps know the raw probability of the best guess alone: nearly always that is the decoder's choice as well
    winner_p: plane("confidence"),
    winner_fused: plane("fused"),
    ...Object.fromEntries(channels.map((name) => [`channel.${name}`, plane(name)])),
  });
}

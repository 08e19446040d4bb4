/**
 * When the tokens of a text were written and had settled: order, points and means over the counted positions (text
 * tokens; all written ones where there is no text). Pure functions over a lane; definitions as in
 * credit_viz/figures/{order,settled_written,decoding_step}.py.
 */

/** @typedef {import("./lane.js").Lane} Lane */

const [LEAST_BINS, MOST_BINS] = [4, 16];
const TOKENS_PER_BIN = 3; // at least, where texts are long enough

/**
 * How much a lane's text was written from left to right.
 * @param {Lane} lane
 * @returns {{inOrder: number, islands: number, first: number, last: number}} inOrder: share of neighbours of which the
 *   left one was not written later; islands: runs of neighbours written in one step beside no earlier one; first and
 *   last step
 */
export function orderOf(lane) {
  const steps = lane.countedPositions.map((position) => lane.written[position]);
  let ordered = 0;
  let islands = 0;
  for (let i = 0, start = 0; i < steps.length; i += 1) {
    if (i + 1 < steps.length && steps[i] <= steps[i + 1]) ordered += 1;
    if (i + 1 < steps.length && steps[i + 1] === steps[i]) continue;
    const earlier = (steps[start - 1] ?? Infinity) < steps[i] || (steps[i + 1] ?? Infinity) < steps[i];
    if (!earlier) islands += 1;
    start = i + 1;
  }
  return {
    inOrder: steps.length > 1 ? ordered / (steps.length - 1) : 1,
    islands,
    first: steps.length ? Math.min(...steps) : 0,
    last: Math.max(0, ...steps),
  };
}

/** @typedef {{settled: number, written: number, positions: number[]}} Point tokens of one lane with the same two steps */

/** Tokens by the steps in which they settled and were written. @param {Lane} lane @returns {Point[]} */
export function pointsOf(lane) {
  /** @type {Map<string, Point>} */
  const points = new Map();
  for (const position of lane.countedPositions) {
    const [settled, written] = [lane.settled[position], lane.written[position]];
    const key = `${settled} ${written}`;
    const point = points.get(key) ?? { settled, written, positions: [] };
    point.positions.push(position);
    points.set(key, point);
  }
  return [...points.values()].sort((a, b) => a.settled - b.settled || a.written - b.written);
}

/** @typedef {{counts: number[], written: number[], settled: number[]}} Means per bin; NaN where a bin is empty */

/** Bins that lanes share: as many as the shortest text can fill. @param {Lane[]} lanes */
export function binCount(lanes) {
  const counts = lanes.map((lane) => lane.countedPositions.length).filter((count) => count > 0);
  const fewest = counts.length ? Math.min(...counts) : 0;
  return Math.max(LEAST_BINS, Math.min(MOST_BINS, Math.floor(fewest / TOKENS_PER_BIN)));
}

/**
 * Mean step of writing and settling along the text: the r-th of n counted tokens lies in bin floor(r bins / n).
 * @param {Lane} lane @param {number} bins
 * @returns {Means}
 */
export function meansAlong(lane, bins) {
  const positions = lane.countedPositions;
  const zeros = () => new Array(bins).fill(0);
  const [counts, written, settled] = [zeros(), zeros(), zeros()];
  positions.forEach((position, rank) => {
    const bin = Math.floor((rank * bins) / positions.length);
    counts[bin] += 1;
    written[bin] += lane.written[position];
    settled[bin] += lane.settled[position];
  });
  const mean = (/** @type {number[]} */ sums) => sums.map((sum, bin) => sum / counts[bin]);
  return { counts, written: mean(written), settled: mean(settled) };
}

/** Mean of lane values over the counted positions. @param {Lane} lane @param {ArrayLike<number>} values */
export function meanOf(lane, values) {
  const positions = lane.countedPositions;
  return positions.reduce((sum, position) => sum + values[position], 0) / Math.max(1, positions.length);
}

/**
 * How many tokens waited how long, per lane, in shared bins.
 * @param {number[][]} waits per lane @param {number} [most] bins
 * @returns {{size: number, counts: number[][]}}
 */
export function binned(waits, most = 24) {
  const longest = Math.max(0, ...waits.flat());
  const size = Math.max(1, Math.ceil((longest + 1) / most));
  const bins = Math.floor(longest / size) + 1;
  const counts = waits.map((lane) => {
    const count = new Array(bins).fill(0);
    for (const wait of lane) count[Math.floor(wait / size)] += 1;
    return count;
  });
  return { size, counts };
}

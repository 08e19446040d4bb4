/**
 * Names in charts, moved apart so that none covers another. Pure; shapes them as Plotly's annotations.
 */

import { plotlySafe } from "./text.js";

const LINE = 16; // pixels a name needs
const LETTER = 6.8; // pixels of a letter at 12 pixels, about

/**
 * Places at least `gap` apart and inside [0, room], as near as can be to where they belong, in the same order.
 * @param {number[]} wanted @param {number} gap @param {number} room
 * @returns {number[]}
 */
export function spread(wanted, gap, room) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const placed = [...wanted];
  order.forEach((i, rank) => {
    const least = rank ? placed[order[rank - 1]] + gap : 0;
    placed[i] = Math.max(placed[i], least);
  });
  [...order].reverse().forEach((i, rank) => {
    const most = rank ? placed[order[order.length - rank]] - gap : room;
    placed[i] = Math.min(placed[i], most);
  });
  return placed;
}

/**
 * Names beside the ends of lines on a value axis from 0 to `top`, `height` pixels high.
 * @param {{value: number, text: string, color: string}[]} ends @param {number} top @param {number} height
 */
export function endLabels(ends, top, height) {
  const pixels = ends.map(({ value }) => (value / top) * height);
  const placed = spread(pixels, LINE, height);
  return ends.map(({ text, color }, i) => ({
    y: (placed[i] / height) * top,
    text: plotlySafe(text),
    font: { color, size: 12 },
    showarrow: false,
    xanchor: "left",
    yanchor: "middle",
  }));
}

/**
 * Row of each name on a line: the first in which it meets no name before it.
 * @param {{from: number, to: number}[]} spans pixels
 * @returns {number[]}
 */
export function rowsOf(spans) {
  const order = spans.map((_, i) => i).sort((a, b) => spans[a].from - spans[b].from);
  /** @type {number[]} where each row ends so far */
  const ends = [];
  const rows = new Array(spans.length).fill(0);
  for (const i of order) {
    const free = ends.findIndex((end) => end <= spans[i].from);
    rows[i] = free < 0 ? ends.length : free;
    ends[rows[i]] = spans[i].to;
  }
  return rows;
}

/**
 * Names above a chart, each over its place.
 * @param {{x: number, text: string, color: string}[]} names x: pixels from the left edge of the axis
 * @param {number} width pixels of the axis
 * @returns {{left: number, row: number}[]} pixels of the left end, and the row from below
 */
export function namesAbove(names, width) {
  const spans = names.map(({ x, text }) => {
    const wide = text.length * LETTER + 10;
    const from = Math.max(0, Math.min(x - wide / 2, width - wide));
    return { from, to: from + wide };
  });
  const rows = rowsOf(spans);
  return spans.map(({ from }, i) => ({ left: from, row: rows[i] }));
}

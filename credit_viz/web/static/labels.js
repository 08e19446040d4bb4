/**
 * Names at the ends of lines, moved apart so that none covers another. Pure; shapes them as Plotly's annotations.
 */

import { plotlySafe } from "./text.js";

const LINE = 16; // pixels a name needs

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

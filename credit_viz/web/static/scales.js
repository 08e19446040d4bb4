/**
 * Colour scales of the maps, from figures/style.json: bytes of a plane to colours, the same in all lanes and runs.
 * Pure functions.
 */

/** @typedef {{kind: string, min?: number, max: number, ticks: number[], colors: string[], names?: string[]}} Scale */

/** Where a value lies on a scale, 0 to 1. @param {number} value @param {Scale} scale */
export function share(value, scale) {
  const { kind, min = 0, max } = scale;
  const part = kind === "log1p" ? Math.log1p(value) / Math.log1p(max) : (value - min) / (max - min);
  return Math.max(0, Math.min(1, part));
}

/** @param {string} hex "#rrggbb" @returns {[number, number, number]} */
export function rgb(hex) {
  const number = parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** Colour at a share of the scale, linear between its colours. @param {number} at @param {string[]} colors */
export function colorAt(at, colors) {
  const place = at * (colors.length - 1);
  const low = Math.min(colors.length - 2, Math.floor(place));
  const [from, to] = [rgb(colors[low]), rgb(colors[low + 1])];
  return from.map((channel, i) => Math.round(channel + (to[i] - channel) * (place - low)));
}

/**
 * Share of the scale for each byte of a plane.
 * @param {Float64Array} values value of each byte @param {Scale} scale
 */
export const shares = (values, scale) => Float32Array.from(values, (value) => share(value, scale));

/**
 * Colour of each byte as little-endian RGBA, ready for ImageData.
 * @param {Float32Array} table from `shares` @param {Scale} scale @param {number} strength opacity
 */
export function pixels(table, scale, strength) {
  return Uint32Array.from(table, (at) => {
    const [r, g, b] = colorAt(at, scale.colors);
    return ((Math.round(255 * strength) << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

/** @param {Scale} scale */
export const cssGradient = (scale) => `linear-gradient(to right, ${scale.colors.join(", ")})`;

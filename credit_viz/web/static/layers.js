/**
 * What a map shows, cell by cell: a code for each, the colour and the value of each code. Knows runs, lanes and the maps
 * of style.json; nothing of canvases or of the store.
 */

import { pixels, rgb, share, shares } from "./scales.js";

/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./run.js").Run} Run */

export const NONE = -1; // nothing was recorded
export const ALONE = -2; // only one of two lanes was still open

/**
 * @typedef {object} Layer
 * @property {number} steps
 * @property {number} length positions
 * @property {boolean} known is there anything to draw? false: this decoder does not have it
 * @property {Float64Array} values value of each code
 * @property {(step: number, out: Int16Array) => void} column the code of every position in one step
 * @property {(position: number, step: number) => number} code of one cell
 */

/** One statistic of one lane. @implements {Layer} */
class Plane {
  /** @param {Lane} lane @param {string} name @param {Float64Array} values */
  constructor(lane, name, values) {
    this.lane = lane;
    this.name = name;
    this.values = values;
  }

  get steps() {
    return this.lane.steps;
  }

  get length() {
    return this.lane.length;
  }

  get known() {
    return !this.lane.steps || this.name in this.lane.planes;
  }

  /** @param {number} step @param {Int16Array} out */
  column(step, out) {
    const { lane } = this;
    const bytes = lane.planes[this.name];
    const base = lane.offset(step);
    for (let i = 0; i < lane.length; i += 1) out[i] = bytes && lane.top[base + i] >= 0 ? bytes[base + i] : NONE;
  }

  /** @param {number} position @param {number} step */
  code(position, step) {
    return this.lane.byteAt(this.name, position, step);
  }
}

/** The second of two lanes minus the first. Bytes stand for evenly spaced values, so their difference is exact. @implements {Layer} */
class Difference {
  /** @param {Lane} first @param {Lane} second @param {string} name @param {Float64Array} values of a byte */
  constructor(first, second, name, values) {
    this.first = first;
    this.second = second;
    this.name = name;
    this.values = Float64Array.from({ length: 511 }, (_, code) => ((code - 255) / 255) * values[255]);
    this.known = true;
    this.other = new Int16Array(Math.max(first.length, second.length));
  }

  get steps() {
    return Math.max(this.first.steps, this.second.steps);
  }

  get length() {
    return Math.max(this.first.length, this.second.length);
  }

  /** @param {number} step @param {Int16Array} out */
  column(step, out) {
    this.#recorded(this.first, step, out);
    this.#recorded(this.second, step, this.other);
    for (let i = 0; i < this.length; i += 1) out[i] = differing(out[i], this.other[i]);
  }

  /** @param {number} position @param {number} step */
  code(position, step) {
    const { first, second, name } = this;
    const one = position < first.length ? first.byteAt(name, position, step) : NONE;
    const other = position < second.length ? second.byteAt(name, position, step) : NONE;
    return differing(one, other);
  }

  /** Bytes of one lane in one step. @param {Lane} lane @param {number} step @param {Int16Array} out */
  #recorded(lane, step, out) {
    out.fill(NONE);
    const bytes = lane.planes[this.name];
    if (!bytes || step > lane.steps) return;
    const base = lane.offset(step);
    for (let i = 0; i < lane.length; i += 1) if (lane.top[base + i] >= 0) out[i] = bytes[base + i];
  }
}

/** Code of a cell of two bytes. @param {number} one @param {number} other */
function differing(one, other) {
  if (one < 0 && other < 0) return NONE;
  return one < 0 || other < 0 ? ALONE : other - one + 255;
}

/**
 * What one figure of a map shows.
 * @param {Run} run @param {any} map of style.json @param {Lane[]} lanes one, or the two that are compared
 * @param {string} quantity that is compared
 * @returns {Layer}
 */
export function layerOf(run, map, lanes, quantity) {
  const name = map.planes ? quantity : map.plane;
  const values = run.values[name] ?? new Float64Array(256);
  return map.planes ? new Difference(lanes[0], lanes[1], name, values) : new Plane(lanes[0], name, values);
}

/** Colour of each code as pixels. @param {Layer} layer @param {any} map @param {any} style */
export const colorsOf = (layer, map, style) =>
  pixels(shares(layer.values, style.scales[map.scale]), style.scales[map.scale], map.strength);

/** Is text on a cell of this code better dark than light? @param {number} value @param {any} map @param {any} style @param {boolean} dark theme */
export function darkInk(value, map, style, dark) {
  if (map.strength < 0.5) return !dark;
  const { colors } = style.scales[map.scale];
  const place = share(value, style.scales[map.scale]) * (colors.length - 1);
  const [r, g, b] = rgb(colors[Math.round(place)]);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 120;
}

/**
 * Where a map's steps and positions lie in pixels, and which part of them is on show. Pure arithmetic: knows no canvas,
 * no lane and no store.
 *
 * A zoom is [[first step edge, last step edge], [top edge, bottom edge]]; cell (step, position) reaches half a unit to
 * each side of its centre.
 */

/** @typedef {[number, number]} Range */
/** @typedef {[Range, Range]} Zoom */

const SMALLEST = [6, 5]; // steps and positions that stay on show at the deepest zoom

/** From steps and positions to pixels: cell (step, position) is centred at (x(step), y(position)). */
export class Frame {
  /**
   * @param {{left: number, top: number, width: number, height: number}} area plot area in CSS pixels
   * @param {Range} xRange @param {Range} yRange top to bottom
   */
  constructor(area, xRange, yRange) {
    this.area = area;
    this.xRange = xRange;
    this.yRange = yRange;
  }

  /** @param {number} step */
  x(step) {
    return this.area.left + ((step - this.xRange[0]) / (this.xRange[1] - this.xRange[0])) * this.area.width;
  }

  /** @param {number} position */
  y(position) {
    return this.area.top + ((position - this.yRange[0]) / (this.yRange[1] - this.yRange[0])) * this.area.height;
  }

  get cellWidth() {
    return this.area.width / (this.xRange[1] - this.xRange[0]);
  }

  get cellHeight() {
    return this.area.height / (this.yRange[1] - this.yRange[0]);
  }

  /** Step and position under a point, with their fractions. @param {number} left @param {number} top @returns {Range} */
  at(left, top) {
    const { area, xRange, yRange } = this;
    return [
      xRange[0] + ((left - area.left) / area.width) * (xRange[1] - xRange[0]),
      yRange[0] + ((top - area.top) / area.height) * (yRange[1] - yRange[0]),
    ];
  }

  /** Cell under a point, null outside. @param {number} left @param {number} top */
  cell(left, top) {
    const { area } = this;
    if (left < area.left || top < area.top || left > area.left + area.width || top > area.top + area.height)
      return null;
    const [step, position] = this.at(left, top);
    return { step: Math.round(step), position: Math.round(position) };
  }

  /** Whole steps and positions of which something can be seen: [first, last] each. @returns {Zoom} */
  get cells() {
    const whole = (/** @type {Range} */ [from, to]) => /** @type {Range} */ ([Math.floor(from + 0.5), Math.ceil(to - 0.5)]);
    return [whole(this.xRange), whole(this.yRange)];
  }
}

/**
 * A zoom as far as there is something to see: kept inside, not too deep; null when it is (nearly) everything.
 * @param {Zoom | null} zoom @param {Zoom} full @returns {Zoom | null}
 */
export function within(zoom, full) {
  if (!zoom) return null;
  const inside = /** @type {Zoom} */ (zoom.map((range, i) => kept(range, full[i], SMALLEST[i])));
  const everything = inside.every((range, i) => width(range) > width(full[i]) * 0.995);
  return everything ? null : inside;
}

/**
 * The part of `zoom` that is left after magnifying by `factor` around a point.
 * @param {Zoom} zoom @param {number} factor above 1 goes deeper @param {Range} around step and position that stay in place
 * @returns {Zoom}
 */
export const magnified = (zoom, factor, around) =>
  /** @type {Zoom} */ (
    zoom.map(([from, to], i) => [around[i] - (around[i] - from) / factor, around[i] + (to - around[i]) / factor])
  );

/** @param {Zoom} zoom @param {Range} by steps and positions @returns {Zoom} */
export const moved = (zoom, by) => /** @type {Zoom} */ (zoom.map(([from, to], i) => [from + by[i], to + by[i]]));

/** @param {Range} range */
const width = ([from, to]) => to - from;

/** @param {Range} range @param {Range} full @param {number} least @returns {Range} */
function kept(range, full, least) {
  const wide = Math.min(width(full), Math.max(least, width(range)));
  const middle = (range[0] + range[1]) / 2;
  const from = Math.max(full[0], Math.min(full[1] - wide, middle - wide / 2));
  return [from, from + wide];
}

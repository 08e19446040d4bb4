/**
 * What is drawn over the maps: marks (settled, written, taken back, edited), waiting bars, block borders, cursor, veil,
 * selection. Draws on a canvas through a Frame; knows lanes, nothing of Plotly or of the store.
 */

import { markOf } from "./lane.js";

/** @typedef {{shape: string, color: string, outline: string}} Mark from style.json */
/** @typedef {import("./lane.js").Lane} Lane */

/** From steps and positions to pixels: cell (step, position) is centred at (x(step), y(position)). */
export class Frame {
  /**
   * @param {{left: number, top: number, width: number, height: number}} area plot area in CSS pixels
   * @param {[number, number]} xRange @param {[number, number]} yRange top to bottom
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

  /** Cell under a point, null outside. @param {number} left @param {number} top */
  cell(left, top) {
    const { area } = this;
    if (left < area.left || top < area.top || left > area.left + area.width || top > area.top + area.height)
      return null;
    const step = this.xRange[0] + ((left - area.left) / area.width) * (this.xRange[1] - this.xRange[0]);
    const position = this.yRange[0] + ((top - area.top) / area.height) * (this.yRange[1] - this.yRange[0]);
    return { step: Math.round(step), position: Math.round(position) };
  }
}

/**
 * A canvas cleared, scaled to the device and clipped to the plot area.
 * @param {HTMLCanvasElement} canvas @param {Frame} frame @param {number} width @param {number} height
 */
export function begin(canvas, frame, width, height) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(frame.area.left - 1, frame.area.top - 1, frame.area.width + 2, frame.area.height + 2);
  context.clip();
  return context;
}

/**
 * Waiting: a bar per token from settled to its last write, and what happened on the way.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane @param {any} marks style.marks
 * @param {string} color of the lane
 */
export function drawWaiting(context, frame, lane, marks, color) {
  const thick = Math.max(1, Math.min(5, frame.cellHeight * 0.5));
  context.lineWidth = thick;
  context.lineCap = "butt";
  context.strokeStyle = color;
  for (let i = 0; i < lane.length; i += 1) {
    if (!lane.written[i]) continue;
    context.globalAlpha = lane.isContent(i) ? 1 : 0.3;
    context.beginPath();
    context.moveTo(frame.x(lane.settled[i]), frame.y(i));
    context.lineTo(frame.x(lane.written[i]), frame.y(i));
    context.stroke();
  }
  for (const event of lane.events) {
    const kind = markOf(event);
    const { position } = event;
    const [x, y] = [frame.x(event.step), frame.y(position)];
    context.globalAlpha = lane.isContent(position) || kind !== "written" ? 1 : 0.3;
    context.fillStyle = color;
    if (kind === "written") fillDot(context, x, y, thick * 0.9);
    else drawMark(context, marks[kind], x, y, frame.cellHeight);
  }
  context.globalAlpha = 1;
}

/**
 * Settled ticks, and a mark for every event.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane @param {any} marks style.marks
 */
export function drawMarks(context, frame, lane, marks) {
  for (let i = 0; i < lane.length; i += 1) {
    const left = frame.x(lane.settled[i]) - frame.cellWidth / 2 + 1.8;
    if (lane.written[i]) drawMark(context, marks.settled, left, frame.y(i), frame.cellHeight);
  }
  for (const event of lane.events)
    drawMark(context, marks[markOf(event)], frame.x(event.step), frame.y(event.position), frame.cellHeight);
}

/**
 * One mark, as large as a row of this height allows.
 * @param {CanvasRenderingContext2D} context @param {Mark} mark @param {number} x @param {number} y @param {number} row
 */
export function drawMark(context, { shape, color, outline }, x, y, row) {
  const size = Math.max(1.3, Math.min(3.6, row * 0.36));
  const draw = /** @type {any} */ ({ tick: fillTick, dot: fillDot, cross: strokeCross, diamond: fillDiamond })[shape];
  for (const [paint, grow] of /** @type {[string, number][]} */ ([
    [outline, 0.9],
    [color, 0],
  ])) {
    context.fillStyle = paint;
    context.strokeStyle = paint;
    draw(context, x, y, size, grow);
  }
}

/** @typedef {(context: CanvasRenderingContext2D, x: number, y: number, size: number, grow?: number) => void} Shape */

/** @type {Shape} */
function fillTick(context, x, y, size, grow = 0) {
  const [wide, half] = [0.8 + grow, size * 1.15 + grow * 0.6];
  context.fillRect(x - wide, y - half, 2 * wide, 2 * half);
}

/** @type {Shape} */
function fillDot(context, x, y, size, grow = 0) {
  context.beginPath();
  context.arc(x, y, size + grow, 0, 2 * Math.PI);
  context.fill();
}

/** @type {Shape} */
function strokeCross(context, x, y, size, grow = 0) {
  const arm = size + grow * 0.7;
  context.lineWidth = Math.max(1, size * 0.55) + 2 * grow;
  context.beginPath();
  context.moveTo(x - arm, y - arm);
  context.lineTo(x + arm, y + arm);
  context.moveTo(x - arm, y + arm);
  context.lineTo(x + arm, y - arm);
  context.stroke();
}

/** @type {Shape} */
function fillDiamond(context, x, y, size, grow = 0) {
  const arm = size * 1.3 + grow * 1.4;
  context.beginPath();
  context.moveTo(x, y - arm);
  context.lineTo(x + arm, y);
  context.lineTo(x, y + arm);
  context.lineTo(x - arm, y);
  context.fill();
}

/**
 * Borders of the blocks: rows of a block during the steps it was active.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane @param {string} color
 */
export function drawBlocks(context, frame, lane, color) {
  if (lane.blocks.length < 2) return;
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  for (const block of lane.blocks) {
    const [left, right] = [frame.x(block.first - 0.5), frame.x(block.last + 0.5)];
    const [top, bottom] = [frame.y(block.start - 0.5), frame.y(block.end - 0.5)];
    context.strokeRect(Math.round(left) + 0.5, Math.round(top) + 0.5, right - left - 1, bottom - top - 1);
  }
  context.setLineDash([]);
}

/**
 * Veil over the future, cursor, selected row and hovered cell.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame
 * @param {{step: number, selected: number | null, hover: {position: number, step: number | null} | null}} shown
 * @param {{veil: string, lane: string, ink: string}} colors
 */
export function drawCursor(context, frame, shown, colors) {
  const { area } = frame;
  const x = frame.x(shown.step + 0.5);
  context.fillStyle = colors.veil;
  context.fillRect(x, area.top - 1, Math.max(0, area.left + area.width + 1 - x), area.height + 2);
  if (shown.hover) drawHover(context, frame, shown.hover, colors.ink);
  if (shown.selected !== null) {
    context.strokeStyle = colors.ink;
    context.lineWidth = 1.5;
    const tall = Math.max(4, frame.cellHeight);
    context.strokeRect(area.left + 0.75, frame.y(shown.selected) - tall / 2, area.width - 1.5, tall);
  }
  context.fillStyle = colors.lane;
  context.fillRect(x - 1, area.top - 1, 2, area.height + 2);
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame @param {{position: number, step: number | null}} hover @param {string} ink */
function drawHover(context, frame, hover, ink) {
  const { area } = frame;
  const tall = Math.max(3, frame.cellHeight);
  context.globalAlpha = 0.45;
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.strokeRect(area.left + 0.5, frame.y(hover.position) - tall / 2, area.width - 1, tall);
  if (hover.step !== null) {
    const wide = Math.max(3, frame.cellWidth);
    context.strokeRect(frame.x(hover.step) - wide / 2, area.top + 0.5, wide, area.height - 1);
  }
  context.globalAlpha = 1;
}

/**
 * What is drawn over the maps: guesses in large cells, marks (settled, written and why, taken back, edited, by hand),
 * waiting bars, block borders, cursor, veil, selection. Draws on a canvas through a Frame; knows lanes and style.json,
 * nothing of the store.
 */

import { cellFont, fitting } from "./axes.js";

/** @typedef {{shape: string, color: string, outline: string}} Mark from style.json */
/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./frame.js").Frame} Frame */
/** @typedef {{color: string, style: any, contrast: boolean, texts: boolean}} Look color of the lane; texts: do cells carry their guesses? */

const TEXT_CELL = [40, 14]; // pixels a cell needs to carry its guess

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

/** Are cells large enough to carry their guesses? @param {Frame} frame */
export const roomForText = (frame) => frame.cellWidth >= TEXT_CELL[0] && frame.cellHeight >= TEXT_CELL[1];

/**
 * The guess of every cell on show.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame
 * @param {(position: number, step: number) => {text: string, dark: boolean} | null} guess and whether its ink is dark
 */
export function drawTexts(context, frame, guess) {
  const [[first, last], [top, bottom]] = frame.cells;
  context.font = cellFont(Math.min(13, Math.round(frame.cellHeight * 0.62)));
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let position = Math.max(0, top); position <= bottom; position += 1) {
    for (let step = Math.max(1, first); step <= last; step += 1) {
      const found = guess(position, step);
      if (!found) continue;
      context.fillStyle = found.dark ? "#10122b" : "#ffffff";
      context.fillText(fitting(context, found.text, frame.cellWidth - 18), frame.x(step), frame.y(position));
    }
  }
}

/**
 * Waiting: a bar per token from settled to its last write, and what happened on the way.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane @param {Look} look
 */
export function drawWaiting(context, frame, lane, look) {
  const thick = Math.max(look.contrast ? 1.6 : 1, Math.min(5, frame.cellHeight * 0.5));
  const low = look.texts ? frame.cellHeight / 2 - thick : 0; // below the guesses
  const faint = look.contrast ? 0.6 : 0.3;
  const seen = inside(frame);
  context.lineWidth = thick;
  context.lineCap = "butt";
  context.strokeStyle = look.color;
  for (let i = 0; i < lane.length; i += 1) {
    if (!lane.written[i] || !seen(i)) continue;
    context.globalAlpha = lane.isContent(i) ? 1 : faint;
    context.beginPath();
    context.moveTo(frame.x(lane.settled[i]), frame.y(i) + low);
    context.lineTo(frame.x(lane.written[i]), frame.y(i) + low);
    context.stroke();
  }
  for (const event of lane.events) {
    const { position, step, reason } = event;
    if (!seen(position)) continue;
    const kind = look.style.reasons[reason].mark;
    const [x, y] = [frame.x(step), frame.y(position) + low];
    context.globalAlpha = lane.isContent(position) || kind !== "written" ? 1 : faint;
    context.fillStyle = look.color;
    if (kind === "written") fillDot(context, x, y, thick * 0.9);
    else drawMark(context, look.style.marks[kind], x, y, frame.cellHeight, look.contrast);
  }
  context.globalAlpha = 1;
}

/**
 * Settled ticks, and a mark for every event.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane @param {Look} look
 */
export function drawMarks(context, frame, lane, look) {
  const { marks, reasons } = look.style;
  const seen = inside(frame);
  const aside = look.texts ? frame.cellWidth / 2 - 7 : 0; // beside the guesses
  const put = (/** @type {Mark} */ mark, /** @type {number} */ x, /** @type {number} */ position) =>
    drawMark(context, mark, x, frame.y(position), frame.cellHeight, look.contrast);
  for (let i = 0; i < lane.length; i += 1)
    if (lane.written[i] && seen(i)) put(marks.settled, frame.x(lane.settled[i]) - frame.cellWidth / 2 + 1.8, i);
  for (const { step, position, reason } of lane.events)
    if (seen(position)) put(marks[reasons[reason].mark], frame.x(step) + aside, position);
}

/**
 * Where a lane wrote each token, in the lane's colour: for maps of two lanes.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane @param {Look} look
 */
export function drawWritten(context, frame, lane, look) {
  const seen = inside(frame);
  const mark = { shape: "dot", color: look.color, outline: "#ffffff" };
  for (let i = 0; i < lane.length; i += 1)
    if (lane.written[i] && seen(i))
      drawMark(context, mark, frame.x(lane.written[i]), frame.y(i), frame.cellHeight, look.contrast);
}

/** @param {Frame} frame @returns {(position: number) => boolean} */
const inside = ({ yRange: [top, bottom] }) => (position) => position > top - 1 && position < bottom + 1;

/**
 * One mark, as large as a row of this height allows.
 * @param {CanvasRenderingContext2D} context @param {Mark} mark @param {number} x @param {number} y @param {number} row
 * @param {boolean} [strong] for high contrast
 */
export function drawMark(context, { shape, color, outline }, x, y, row, strong = false) {
  const size = Math.max(strong ? 2 : 1.3, Math.min(strong ? 4.4 : 3.6, row * 0.36));
  const draw = SHAPES[shape];
  for (const [paint, grow] of /** @type {[string, number][]} */ ([
    [outline, strong ? 1.4 : 0.9],
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
function fillSquare(context, x, y, size, grow = 0) {
  const half = size * 0.95 + grow;
  context.fillRect(x - half, y - half, 2 * half, 2 * half);
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
  fillPath(context, [x, y - arm, x + arm, y, x, y + arm, x - arm, y]);
}

/** A triangle that points up (1) or down (-1). @param {number} way @returns {Shape} */
const fillTriangle =
  (way) =>
  (context, x, y, size, grow = 0) => {
    const [tip, half] = [size * 1.3 + grow * 1.9, size * 1.25 + grow * 1.7];
    const base = y + way * (size * 0.8 + grow);
    fillPath(context, [x, y - way * tip, x + half, base, x - half, base]);
  };

/** @type {Record<string, Shape>} */
const SHAPES = {
  tick: fillTick,
  dot: fillDot,
  square: fillSquare,
  cross: strokeCross,
  diamond: fillDiamond,
  up: fillTriangle(1),
  down: fillTriangle(-1),
};

/** @param {CanvasRenderingContext2D} context @param {number[]} points x, y, x, y, ... */
function fillPath(context, points) {
  context.beginPath();
  for (let i = 0; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
  context.fill();
}

/**
 * Borders of the blocks: rows of a block during the steps it was active.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane
 * @param {string[]} colors of the dashes, in turn: a dark and a light one are seen on any cell
 */
export function drawBlocks(context, frame, lane, colors) {
  if (lane.blocks.length < 2) return;
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  colors.forEach((color, i) => {
    context.strokeStyle = color;
    context.lineDashOffset = 3 * i;
    outlineBlocks(context, frame, lane);
  });
  context.lineDashOffset = 0;
  context.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane */
function outlineBlocks(context, frame, lane) {
  for (const block of lane.blocks) {
    const [left, right] = [frame.x(block.first - 0.5), frame.x(block.last + 0.5)];
    const [top, bottom] = [frame.y(block.start - 0.5), frame.y(block.end - 0.5)];
    context.strokeRect(Math.round(left) + 0.5, Math.round(top) + 0.5, right - left - 1, bottom - top - 1);
  }
}

/**
 * Veil over the future, cursor, selected row, hovered cell, and the box being drawn for a zoom.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame
 * @param {{step: number, selected: number | null, hover: {position: number, step: number | null} | null}} shown
 * @param {{veil: string, lane: string} & Lines} look
 */
export function drawCursor(context, frame, shown, look) {
  const { area } = frame;
  const x = frame.x(shown.step + 0.5);
  context.fillStyle = look.veil;
  // in high contrast what lies under the veil stays readable
  context.globalAlpha = look.contrast ? 0.6 : 1;
  context.fillRect(x, area.top - 1, Math.max(0, area.left + area.width + 1 - x), area.height + 2);
  context.globalAlpha = 1;
  if (shown.hover) drawHover(context, frame, shown.hover, look);
  if (shown.selected !== null) {
    const tall = Math.max(4, frame.cellHeight);
    const row = [area.left + 0.75, frame.y(shown.selected) - tall / 2, area.width - 1.5, tall];
    drawBox(context, row, look, look.contrast ? 2.5 : 1.5);
  }
  const wide = look.contrast ? 3 : 2;
  context.fillStyle = look.lane;
  context.fillRect(x - wide / 2, area.top - 1, wide, area.height + 2);
}

/** @typedef {{ink: string, halo: string, contrast: boolean}} Lines */

/**
 * @param {CanvasRenderingContext2D} context @param {Frame} frame
 * @param {{position: number, step: number | null}} hover @param {Lines} look
 */
function drawHover(context, frame, hover, look) {
  const { area } = frame;
  const tall = Math.max(3, frame.cellHeight);
  context.globalAlpha = look.contrast ? 0.95 : 0.6;
  drawBox(context, [area.left + 0.5, frame.y(hover.position) - tall / 2, area.width - 1, tall], look, 1);
  if (hover.step !== null) {
    const wide = Math.max(3, frame.cellWidth);
    drawBox(context, [frame.x(hover.step) - wide / 2, area.top + 0.5, wide, area.height - 1], look, 1);
  }
  context.globalAlpha = 1;
}

/**
 * A frame that is seen on dark cells and on bright ones.
 * @param {CanvasRenderingContext2D} context @param {number[]} box left, top, width, height @param {Lines} look
 * @param {number} wide pixels of its line
 */
function drawBox(context, [left, top, width, height], { ink, halo }, wide) {
  for (const [color, line] of /** @type {[string, number][]} */ ([
    [halo, wide + 2],
    [ink, wide],
  ])) {
    context.strokeStyle = color;
    context.lineWidth = line;
    context.strokeRect(left, top, width, height);
  }
}

/**
 * The box that is being drawn for a zoom.
 * @param {CanvasRenderingContext2D} context @param {[number, number, number, number]} box left, top, right, bottom
 * @param {string} ink
 */
export function drawBand(context, [left, top, right, bottom], ink) {
  context.fillStyle = ink;
  context.globalAlpha = 0.12;
  context.fillRect(left, top, right - left, bottom - top);
  context.globalAlpha = 1;
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  context.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top);
  context.setLineDash([]);
}

/**
 * What is drawn over the maps: settled and written marks, waiting bars, block borders, cursor, veil, selection.
 * Draws on a canvas through a Frame; knows lanes, nothing of Plotly or of the store.
 */

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
 * Waiting: a bar per token from settled to written.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane @param {{lane: string, quiet: string}} colors
 */
export function drawWaiting(context, frame, lane, colors) {
  const thick = Math.max(1, Math.min(5, frame.cellHeight * 0.5));
  context.lineWidth = thick;
  context.lineCap = "butt";
  for (let i = 0; i < lane.length; i += 1) {
    if (!lane.written[i]) continue;
    const [from, to, y] = [frame.x(lane.settled[i]), frame.x(lane.written[i]), frame.y(i)];
    context.globalAlpha = lane.isContent(i) ? 1 : 0.3;
    context.strokeStyle = colors.lane;
    context.beginPath();
    context.moveTo(from, y);
    context.lineTo(to, y);
    context.stroke();
    context.fillStyle = colors.lane;
    dot(context, to, y, thick * 0.9);
  }
  context.globalAlpha = 1;
}

/**
 * Settled ticks and written dots.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Lane} lane @param {any} marks style.marks
 */
export function drawMarks(context, frame, lane, marks) {
  const radius = Math.max(1.3, Math.min(3.6, frame.cellHeight * 0.36));
  const half = Math.max(1.5, Math.min(5, frame.cellHeight * 0.4));
  for (let i = 0; i < lane.length; i += 1) {
    if (!lane.written[i]) continue;
    const y = frame.y(i);
    const settled = frame.x(lane.settled[i]) - frame.cellWidth / 2 + 1;
    context.fillStyle = marks.settled.outline;
    context.fillRect(settled - 1, y - half - 0.5, 3.6, 2 * half + 1);
    context.fillStyle = marks.settled.color;
    context.fillRect(settled, y - half, 1.6, 2 * half);
    context.fillStyle = marks.written.outline;
    dot(context, frame.x(lane.written[i]), y, radius + 0.8);
    context.fillStyle = marks.written.color;
    dot(context, frame.x(lane.written[i]), y, radius);
  }
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

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius */
function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

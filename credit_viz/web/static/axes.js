/**
 * The axes of a map: ticks, titles, and the tokens themselves where rows are tall enough. Draws on a canvas; token text
 * goes through fillText alone.
 */

/** @typedef {import("./frame.js").Frame} Frame */
/** @typedef {{quiet: string, line: string, text: string}} Ink */

export const NAMED_ROW = 11; // pixels a row needs to carry its token
const NAMES = 92; // pixels for tokens beside the rows
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, monospace";
const TICK = 4;

/** Room around the plot area. @param {boolean} named are rows named by their tokens? @param {number} width of the figure */
export const margins = (named, width) => ({
  left: named ? Math.min(NAMES, width * 0.24) : 46,
  right: 10,
  top: 4,
  bottom: 40,
});

/**
 * Whole numbers at even distances, at most `count` of them.
 * @param {number} from @param {number} to @param {number} count @returns {number[]}
 */
export function ticks(from, to, count) {
  const rough = Math.max(1, (to - from) / Math.max(1, count));
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? 1);
  const first = Math.ceil(from / size);
  return Array.from({ length: Math.max(0, Math.floor(to / size) - first + 1) }, (_, i) => (first + i) * size);
}

/**
 * @param {CanvasRenderingContext2D} context unclipped @param {Frame} frame @param {Ink} ink
 * @param {((position: number) => string) | null} nameOf token of a row, null where rows are numbered
 */
export function drawAxes(context, frame, ink, nameOf) {
  const { area } = frame;
  context.lineWidth = 1;
  context.strokeStyle = ink.line;
  context.fillStyle = ink.quiet;
  context.font = `12px ${FONT}`;
  drawSteps(context, frame);
  if (nameOf) drawNames(context, frame, nameOf, ink.text);
  else drawPositions(context, frame);
  context.strokeStyle = ink.line;
  context.strokeRect(area.left - 0.5, area.top - 0.5, area.width + 1, area.height + 1);
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame */
function drawSteps(context, frame) {
  const { area, xRange } = frame;
  const bottom = area.top + area.height;
  context.textAlign = "center";
  context.textBaseline = "top";
  const even = ticks(Math.max(1, xRange[0]), xRange[1], area.width / 70);
  for (const step of xRange[0] < 1 && even[0] > 1 ? [1, ...even] : even) {
    const x = Math.round(frame.x(step)) + 0.5;
    context.beginPath();
    context.moveTo(x, bottom);
    context.lineTo(x, bottom + TICK);
    context.stroke();
    context.fillText(String(step), x, bottom + TICK + 3);
  }
  context.fillText("denoising step", area.left + area.width / 2, bottom + TICK + 19);
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame */
function drawPositions(context, frame) {
  const { area, yRange } = frame;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const position of ticks(Math.max(0, yRange[0]), yRange[1], area.height / 40)) {
    const y = Math.round(frame.y(position)) + 0.5;
    context.beginPath();
    context.moveTo(area.left - TICK, y);
    context.lineTo(area.left, y);
    context.stroke();
    context.fillText(String(position), area.left - TICK - 3, y);
  }
  context.save();
  context.translate(9, area.top + area.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText("token position", 0, 0);
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame @param {(position: number) => string} nameOf @param {string} color */
function drawNames(context, frame, nameOf, color) {
  const { area } = frame;
  const [first, last] = frame.cells[1];
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillStyle = color;
  context.font = `${Math.min(13, Math.round(frame.cellHeight * 0.92))}px ${MONO}`;
  for (let position = first; position <= last; position += 1) {
    const y = frame.y(position);
    if (y < area.top || y > area.top + area.height) continue;
    context.fillText(fitting(context, nameOf(position), area.left - 8), area.left - 6, y);
  }
}

/**
 * A text cut to a width, with an ellipsis where something is missing.
 * @param {CanvasRenderingContext2D} context with its font @param {string} text @param {number} width pixels
 */
export function fitting(context, text, width) {
  const letters = Array.from(text.slice(0, 80));
  if (letters.length === text.length && context.measureText(text).width <= width) return text;
  const each = context.measureText("n").width;
  let kept = Math.max(1, Math.floor(width / each));
  while (kept > 1 && context.measureText(`${letters.slice(0, kept).join("")}…`).width > width) kept -= 1;
  return kept >= letters.length ? text : `${letters.slice(0, kept).join("")}…`;
}

/** Font of guesses inside cells. @param {number} size */
export const cellFont = (size) => `${size}px ${MONO}`;

/**
 * What a run would have written with other knobs, drawn over its map: a ring for each write, up to the first step that
 * differs, and the line behind which only a new run can tell. Draws on a canvas through a Frame; knows answers of the
 * question `whatif`, nothing of the store.
 */

const LABEL = "needs a re-run from here";

/** @typedef {{ink: string, page: string}} Inks */

/**
 * @param {CanvasRenderingContext2D} context @param {import("./frame.js").Frame} frame
 * @param {any} answer @param {Inks} inks
 */
export function drawSupposed(context, frame, answer, inks) {
  const size = Math.max(2.5, Math.min(6, frame.cellHeight * 0.42, frame.cellWidth * 0.42));
  const changed = new Map(answer.changes.map((/** @type {any} */ change) => [change.position, change]));
  for (const { step, writes } of answer.steps) {
    const last = step === answer.diverges_at;
    for (const { position } of writes) {
      const other = last && changed.has(position);
      ring(context, frame.x(step), frame.y(position), other ? size + 1.5 : size, other ? 2.5 : 1.2, inks);
    }
  }
  for (const { position, predicted } of answer.changes)
    if (predicted === null) cross(context, frame.x(answer.diverges_at), frame.y(position), size, inks);
  if (answer.rerun_from !== null) border(context, frame, answer.rerun_from - 0.5, inks);
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius @param {number} wide @param {Inks} inks */
function ring(context, x, y, radius, wide, inks) {
  const around = () => {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  };
  twice(context, wide, inks, around);
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} size @param {Inks} inks */
function cross(context, x, y, size, inks) {
  twice(context, 2, inks, () => {
    context.beginPath();
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x + size, y - size);
    context.lineTo(x - size, y + size);
    context.stroke();
  });
}

/** In ink on a paler line, so that it is seen on every cell. @param {CanvasRenderingContext2D} context @param {number} wide @param {Inks} inks @param {() => void} stroke */
function twice(context, wide, { ink, page }, stroke) {
  context.lineWidth = wide + 1.6;
  context.strokeStyle = page;
  stroke();
  context.lineWidth = wide;
  context.strokeStyle = ink;
  stroke();
}

/** @param {CanvasRenderingContext2D} context @param {import("./frame.js").Frame} frame @param {number} step @param {Inks} inks */
function border(context, frame, step, inks) {
  const { area } = frame;
  const x = frame.x(step);
  if (x < area.left || x > area.left + area.width + 1) return;
  context.save();
  context.globalAlpha = 0.55;
  context.fillStyle = inks.page;
  context.fillRect(x, area.top, area.left + area.width - x, area.height);
  context.globalAlpha = 1;
  context.setLineDash([5, 4]);
  twice(context, 1.6, inks, () => {
    context.beginPath();
    context.moveTo(x, area.top);
    context.lineTo(x, area.top + area.height);
    context.stroke();
  });
  context.setLineDash([]);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "top";
  const wide = context.measureText(LABEL).width + 12;
  const left = x + wide + 6 < area.left + area.width ? x + 6 : Math.max(area.left + 2, x - wide - 6);
  context.fillStyle = inks.page;
  context.globalAlpha = 0.9;
  context.fillRect(left, area.top + 6, wide, 20);
  context.globalAlpha = 1;
  context.fillStyle = inks.ink;
  context.textAlign = "left";
  context.fillText(LABEL, left + 6, area.top + 10);
  context.restore();
}

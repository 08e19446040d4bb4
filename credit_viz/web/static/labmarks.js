/**
 * What a picture of a sweep is made of: dots, lines and cells, each with the settings it stands for, in pixels. Also
 * which of them lie under a pointer, in a box, in a lasso, or pass an axis in a range. Pure functions; nothing is drawn.
 *
 * Plotly's own selection knows no lines between points, and restyling costs a layout of the picture for each frame.
 */

/** @typedef {[number, number]} Point pixels from the left and the top of the picture */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box pixels */

/**
 * @typedef {object} Mark
 * @property {"dot" | "line" | "cell" | "bar"} kind
 * @property {number[]} rows settings it stands for
 * @property {Point[]} points its middle, or the corners of a line
 * @property {Box} area the axes it lies in
 * @property {Box | null} box of a cell or a bar
 * @property {string} color
 * @property {number} size pixels: width of a dot or a line
 * @property {string} symbol of a dot
 * @property {string[]} lines what Python says of it
 */

/** A figure that Plotly has drawn. @typedef {{data: any[], _fullData: any[], _fullLayout: any}} Drawn */

const REACH = { dot: 12, line: 9 }; // pixels around a pointer
const FINGER = 12; // pixels more around a finger
const BEYOND = 0.032; // of an axis' height: lines fan out beyond its ends

/** All marks of a picture that stand for something, those drawn last at the end. @param {Drawn} drawn @returns {Mark[]} */
export function marksOf(drawn) {
  return drawn._fullData.flatMap((trace) => {
    if (trace.visible !== true) return [];
    const [xaxis, yaxis] = ["x", "y"].map((letter) => axisOf(drawn, trace[`${letter}axis`] ?? letter));
    if (!xaxis || !yaxis) return [];
    const place = { xaxis, yaxis, area: areaOf(xaxis, yaxis) };
    if (trace.type === "heatmap") return cells(trace, place);
    if (trace.type === "bar") return bars(trace, place);
    if (trace.type !== "scatter" || !trace.customdata) return [];
    return trace.mode.includes("markers") ? dots(trace, place) : polylines(trace, place);
  });
}

/** @typedef {{xaxis: any, yaxis: any, area: Box}} Place */

/** @param {Drawn} drawn @param {string} id such as x2 */
const axisOf = (drawn, id) => drawn._fullLayout[`${id[0]}axis${id.slice(1)}`];

/** @param {any} xaxis @param {any} yaxis @returns {Box} */
function areaOf(xaxis, yaxis) {
  const [left, top] = [xaxis._offset, yaxis._offset];
  return { left, top, right: left + xaxis._length, bottom: top + yaxis._length };
}

/** Plotly's own d2p takes a category such as "0.9" for a number. @param {any} axis @param {any} value */
const along = (axis, value) => axis.l2p(axis.d2l(value));

/** @param {Place} place @param {any} x @param {any} y @returns {Point} */
const at = ({ xaxis, yaxis }, x, y) => [xaxis._offset + along(xaxis, x), yaxis._offset + along(yaxis, y)];

/** What a mark stands for: a list, or a single setting. @param {any} data @returns {number[]} */
const rowsOf = (data) => (Array.isArray(data) ? data : Number.isInteger(data) ? [data] : []);

/** Plotly reads a small HTML in labels; here they are plain text. @param {unknown} text */
const plain = (text) =>
  String(text ?? "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&#36;", "$")
    .replaceAll("&amp;", "&")
    .trim();

/** What Python says of a mark. @param {any} text @returns {string[]} */
const linesOf = (text) => (typeof text === "string" && text ? text.split("<br>").map(plain) : []);

/** @param {any} value @param {number} i */
const each = (value, i) => (Array.isArray(value) || ArrayBuffer.isView(value) ? /** @type {any} */ (value)[i] : value);

/** @param {any} value @returns {string} */
const colorOf = (value) => (typeof value === "string" ? value : "");

/** @param {any} trace @param {Place} place @returns {Mark[]} */
function dots(trace, place) {
  const found = [];
  for (let i = 0; i < trace.x.length; i++) {
    const rows = rowsOf(trace.customdata[i]);
    const point = at(place, trace.x[i], trace.y[i]);
    if (!rows.length || !point.every(Number.isFinite)) continue;
    const { color, size, symbol } = trace.marker;
    found.push({
      kind: /** @type {const} */ ("dot"),
      rows,
      points: [point],
      area: place.area,
      box: null,
      color: colorOf(each(color, i)) || colorOf(trace.line?.color),
      size: Number(each(size, i)) || 6,
      symbol: String(each(symbol, i) ?? "circle"),
      lines: linesOf(each(trace.hovertext ?? trace.text, i)),
    });
  }
  return found;
}

/** Pieces of lines between gaps. @param {any} trace @param {Place} place @returns {Mark[]} */
function polylines(trace, place) {
  /** @type {Mark[]} */
  const found = [];
  /** @type {Mark | null} */
  let open = null;
  for (let i = 0; i < trace.x.length; i++) {
    const rows = rowsOf(trace.customdata[i]);
    const { x, y } = { x: trace.x[i], y: trace.y[i] };
    const gap = x === null || y === null || Number.isNaN(x) || Number.isNaN(y) || !rows.length;
    if (gap) open = null;
    else if (open && open.rows[0] === rows[0]) open.points.push(at(place, x, y));
    else {
      open = {
        kind: "line",
        rows,
        points: [at(place, x, y)],
        area: place.area,
        box: null,
        color: colorOf(trace.line.color),
        size: trace.line.width ?? 1,
        symbol: "",
        lines: linesOf(each(trace.hovertext ?? trace.text, i)),
      };
      found.push(open);
    }
  }
  return found;
}

/** @param {any} trace @param {Place} place @returns {Mark[]} */
function cells(trace, place) {
  const { xaxis, yaxis, area } = place;
  const [wide, high] = [size(xaxis, trace.x), size(yaxis, trace.y)];
  /** @type {Mark[]} */
  const found = [];
  for (let row = 0; row < trace.z.length; row++)
    for (let column = 0; column < trace.z[row].length; column++) {
      const value = trace.z[row][column];
      const rows = rowsOf(trace.customdata?.[row]?.[column]);
      if (value === null || !Number.isFinite(value) || !rows.length) continue;
      const [x, y] = at(place, trace.x[column], trace.y[row]);
      const [dx, dy] = [wide / 2, high / 2];
      found.push({
        kind: "cell",
        rows,
        points: [[x, y]],
        area,
        box: { left: x - dx, top: y - dy, right: x + dx, bottom: y + dy },
        color: "",
        size: 0,
        symbol: "",
        lines: linesOf(trace.hovertext?.[row]?.[column]),
      });
    }
  return found;
}

/** Pixels of one cell. @param {any} axis @param {any[]} values */
const size = (axis, values) =>
  values.length > 1 ? Math.abs(along(axis, values[1]) - along(axis, values[0])) : axis._length;

/** Bars are only read. @param {any} trace @param {Place} place @returns {Mark[]} */
function bars(trace, place) {
  const high = size(place.yaxis, trace.y) / 2;
  return Array.from(trace.x, (value, i) => {
    const [right, y] = at(place, value, trace.y[i]);
    const [left] = at(place, 0, trace.y[i]);
    return {
      kind: /** @type {const} */ ("bar"),
      rows: [],
      points: [/** @type {Point} */ ([right, y])],
      area: place.area,
      box: { left, top: y - high, right: Math.max(right, left + 8), bottom: y + high },
      color: "",
      size: 0,
      symbol: "",
      lines: [`${plain(trace.y[i])}: ${(Number(value) * 100).toFixed(1)} %`],
    };
  });
}

// where marks are ---------------------------------------------------------------------------------------------------

/** @param {Box} box @param {Point} point */
export const isIn = ({ left, top, right, bottom }, [x, y]) => x >= left && x <= right && y >= top && y <= bottom;

/** The box between two points. @param {Point} one @param {Point} other @returns {Box} */
export const boxOf = ([x, y], [u, v]) => ({
  left: Math.min(x, u),
  top: Math.min(y, v),
  right: Math.max(x, u),
  bottom: Math.max(y, v),
});

/**
 * The mark under a pointer, the nearest one; null for none.
 * @param {Mark[]} marks @param {Point} point @param {boolean} [finger]
 */
export function markAt(marks, point, finger = false) {
  let best = null;
  let least = Infinity;
  for (const mark of marks) {
    const away = distance(mark, point);
    const reach = mark.box ? 0 : REACH[/** @type {"dot" | "line"} */ (mark.kind)] + (finger ? FINGER : 0);
    if (away <= reach && away <= least) [least, best] = [away, mark];
  }
  return best;
}

/** Pixels from a mark. @param {Mark} mark @param {Point} point */
function distance({ kind, points, size: width, box }, point) {
  if (box) return isIn(box, point) ? 0 : Infinity;
  if (kind === "dot") return Math.max(0, Math.hypot(points[0][0] - point[0], points[0][1] - point[1]) - width / 2);
  let least = Infinity;
  for (let i = 1; i < points.length; i++) least = Math.min(least, fromSegment(point, points[i - 1], points[i]));
  return least;
}

/** @param {Point} point @param {Point} from @param {Point} to */
function fromSegment([x, y], [u, v], [s, t]) {
  const [dx, dy] = [s - u, t - v];
  const along = Math.max(0, Math.min(1, ((x - u) * dx + (y - v) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - u - along * dx, y - v - along * dy);
}

/**
 * Settings of all marks that a test takes, each once, in order.
 * @param {Mark[]} marks @param {(mark: Mark) => boolean} takes
 */
export function settingsOf(marks, takes) {
  const found = new Set(marks.filter(takes).flatMap(({ rows }) => rows));
  return [...found].sort((a, b) => a - b);
}

/** Does a box touch a mark? @param {Box} box @returns {(mark: Mark) => boolean} */
export const touches = (box) => (mark) =>
  mark.box
    ? mark.box.left < box.right && mark.box.right > box.left && mark.box.top < box.bottom && mark.box.bottom > box.top
    : mark.points.some((point) => isIn(box, point));

/** Does a lasso hold a mark's middle? @param {Point[]} lasso @returns {(mark: Mark) => boolean} */
export const holds = (lasso) => (mark) => mark.points.some((point) => surrounds(lasso, point));

/** @param {Point[]} lasso @param {Point} point */
function surrounds(lasso, [x, y]) {
  let inside = false;
  for (let i = 0, j = lasso.length - 1; i < lasso.length; j = i++) {
    const [[u, v], [s, t]] = [lasso[i], lasso[j]];
    if (v > y !== t > y && x < ((s - u) * (y - v)) / (t - v) + u) inside = !inside;
  }
  return inside;
}

/** Where the axes of parallel coordinates stand: where lines have their corners. @param {Mark[]} marks @returns {number[]} */
export function axesOf(marks) {
  const places = new Set(marks.flatMap(({ points }) => points.map(([x]) => Math.round(x))));
  return [...places].sort((a, b) => a - b);
}

/** Axes of parallel coordinates with their names and ticks. @param {Drawn} drawn @returns {import("./labgrips.js").Axis[]} */
export function axesIn({ _fullLayout: { xaxis, yaxis, annotations = [] } }) {
  const height = (/** @type {number} */ y) => yaxis._offset + along(yaxis, y);
  return (xaxis.ticktext ?? []).map((/** @type {string} */ name, /** @type {number} */ i) => ({
    at: Math.round(xaxis._offset + along(xaxis, i)),
    name: plain(name),
    top: height(1 + BEYOND),
    bottom: height(-BEYOND),
    ticks: annotations
      .filter((/** @type {any} */ { x }) => x === i)
      .map((/** @type {any} */ { y, text }) => ({ at: height(y), text: plain(text) })),
  }));
}

/**
 * Does a line pass all these ranges?
 * @param {Map<number, [number, number]>} ranges pixels, by place of the axis @returns {(mark: Mark) => boolean}
 */
export const passes = (ranges) => (mark) =>
  [...ranges].every(([axis, [from, to]]) =>
    mark.points.some(([x, y]) => Math.abs(x - axis) < 1.5 && y >= from - 1 && y <= to + 1),
  );

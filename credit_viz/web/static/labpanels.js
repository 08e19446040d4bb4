/**
 * Layouts of Python's figures, made to fit the room that a page has: as wide as its card, without an empty head, and with
 * as many panels side by side as can be read. Pure functions of Plotly layouts.
 */

const READABLE = 240; // pixels that a panel needs across
const PANEL = 240; // pixels of a row of panels, with the names below
const GAP = 0.045; // of the width, between panels
const NAMES = 64; // pixels below a panel for its values and its name
const HEAD = 44; // pixels above the panels, for the legend

/**
 * A layout as wide as its room.
 * @param {{data: any[], layout: any}} figure @param {number} width pixels
 * @returns {{layout: any, height: number}}
 */
export function fitted({ data, layout }, width) {
  const clear = "rgba(0,0,0,0)";
  const plain = { ...layout, width, autosize: false, paper_bgcolor: clear, plot_bgcolor: clear };
  const used = [...new Set(data.map(({ xaxis = "x" }) => xaxis.slice(1)))].sort((a, b) => Number(a) - Number(b));
  if (used.length > 1) return panels(plain, used, width);
  const { t = 40, ...margin } = layout.margin ?? {};
  const head = layout.showlegend === false || !layout.showlegend ? Math.min(t, spare(layout)) : t;
  const height = Math.round(Math.min(layout.height ?? 420, Math.max(340, width * 1.15))) - (t - head);
  return { layout: { ...plain, height, margin: { ...margin, t: head } }, height };
}

/** Pixels above a picture without a legend. @param {any} layout */
const spare = ({ xaxis }) => (xaxis?.side === "top" ? Infinity : 12);

/** Panels in as few rows as can be read, the rows equally full. @param {number} count @param {number} width pixels */
export function rowsOf(count, width) {
  const most = Math.max(1, Math.min(count, Math.floor(width / READABLE)));
  const rows = Math.ceil(count / most);
  return { rows, columns: Math.ceil(count / rows) };
}

/**
 * @param {any} layout @param {string[]} used numbers of the axes, as in xaxis2 @param {number} width pixels
 * @returns {{layout: any, height: number}}
 */
function panels(layout, used, width) {
  const { rows, columns } = rowsOf(used.length, width);
  const height = HEAD + rows * PANEL;
  const [wide, high] = [(1 - GAP * (columns - 1)) / columns, 1 / rows];
  const name = NAMES / (height - HEAD);
  const moved = { ...layout, height, margin: { ...layout.margin, t: HEAD, b: 0 } };
  const title = used.map((end) => layout[`yaxis${end}`]?.title).find((each) => each?.text);
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key)))
    if (!used.includes(axis.slice(5))) moved[axis] = { ...layout[axis], visible: false };
  used.forEach((end, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const left = column * (wide + GAP);
    const top = 1 - row * high;
    moved[`xaxis${end}`] = { ...layout[`xaxis${end}`], domain: [left, left + wide] };
    moved[`yaxis${end}`] = {
      ...layout[`yaxis${end}`],
      domain: [top - high + name, top],
      showticklabels: column === 0,
      title: column === 0 ? title : { text: "" },
    };
  });
  return { layout: moved, height };
}

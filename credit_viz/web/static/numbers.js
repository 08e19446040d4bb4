/**
 * The numbers behind a chart, as a table that opens on demand. Knows nothing of what they mean.
 */

import { fill, h } from "./dom.js";

/** @typedef {{head: string[], rows: string[][]}} Numbers the first entry of each row names it */

/**
 * @param {string} caption
 * @returns {{root: Node, show: (numbers: () => Numbers) => void}} `show` says what to fill the table with once it opens
 */
export function numbersTable(caption) {
  const room = h("div", { class: "cv-numbers-room", tabindex: 0, role: "group", "aria-label": caption });
  const root = h("details", { class: "cv-numbers" }, h("summary", {}, "Numbers as a table"), room);
  /** @type {() => Numbers} */
  let wanted = () => ({ head: [], rows: [] });
  const draw = () => {
    if (!root.open) return fill(room);
    const { head, rows } = wanted();
    const line = (/** @type {string[]} */ [name, ...cells]) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, name),
        cells.map((cell) => h("td", {}, cell)),
      );
    const top = h(
      "tr",
      {},
      head.map((name) => h("th", { scope: "col" }, name)),
    );
    return fill(room, h("table", {}, h("caption", {}, caption), h("thead", {}, top), h("tbody", {}, rows.map(line))));
  };
  root.addEventListener("toggle", draw);
  return {
    root,
    show: (numbers) => {
      wanted = numbers;
      draw();
    },
  };
}

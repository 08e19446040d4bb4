/**
 * Taking a run away and bringing one in: the Share menu with its files, the sheet that saves figures, opening traces.
 * Knows these views; a page without a server has none of them.
 */

import { downloadItems } from "./downloads.js";
import { h } from "./dom.js";
import { openedView, openingView } from "./opening.js";
import { FigureSheet } from "./savefigure.js";
import { shareItem, shareView } from "./share.js";

/**
 * `links` stand beside the examples, `mapTools` beside the maps' title, `note` above the run, `overlays` anywhere.
 * @typedef {{links: Node[], mapTools: Node[], note: Node | null, overlays: Node[]}} Parts
 */

/**
 * @param {import("./store.js").Store} store @param {import("./live.js").Live} live @param {string} base
 * @returns {Parts}
 */
export function exportViews(store, live, base) {
  if (!store.state.boot.can.ask) return { links: [], mapTools: [], note: null, overlays: [] };
  const figures = new FigureSheet(store, base);
  const open = () => figures.open();
  const { link, veil } = openingView(store, live, base);
  const figure = shareItem("Figure, SVG or PNG", "Any map or chart of this run, for a paper or a slide.", open);
  const button = h("button", { class: "cv-map-tool cv-save-figure", type: "button", onclick: open }, "Save figure");
  store.view(["run"], ({ run }) => (button.disabled = !run));
  return {
    links: [shareView(store, [...downloadItems(store, base), figure]), link],
    mapTools: [button],
    note: openedView(store),
    overlays: [figures.root, veil],
  };
}

/**
 * What can be done with a lane: change, duplicate or remove it, and add one. Small buttons for cards and drawer.
 * Knows the store and the choice of lanes; running it again is rerun.js's work.
 */

import { added, duplicated, hasRoom, removed } from "./choice.js";
import { h } from "./dom.js";
import { namesOf } from "./names.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").LaneChoice} LaneChoice */

/** @typedef {{picture: "change" | "duplicate" | "remove", title: string, hidden?: boolean, act: () => void}} Tool */

/** Lanes came or went: the new ones are run at once, the others are kept. @param {Store} store @param {LaneChoice[]} lanes */
function setLanes(store, lanes) {
  if (lanes === store.state.lanes) return;
  store.set({ lanes, wanted: store.state.wanted + 1 });
}

/** Open the drawer at a lane. @param {Store} store @param {number} index */
export const openDrawer = (store, index = store.state.editing) => store.set({ drawer: true, editing: index });

/** @param {Store} store @param {number} index @returns {Node} */
export function laneTools(store, index) {
  const { boot, lanes } = store.state;
  const name = namesOf(boot, lanes)[index];
  const alone = lanes.length === 1;
  /** @type {Tool[]} */
  const tools = [
    { picture: "change", title: `Change ${name}`, act: () => openDrawer(store, index) },
    {
      picture: "duplicate",
      title: `Duplicate ${name}`,
      hidden: !hasRoom(boot, lanes),
      act: () => setLanes(store, duplicated(boot, store.state.lanes, index)),
    },
    {
      picture: "remove",
      title: `Remove ${name}`,
      hidden: alone,
      act: () => setLanes(store, removed(store.state.lanes, index)),
    },
  ];
  return h(
    "div",
    { class: "cv-tools", role: "group", "aria-label": `Lane ${index + 1}` },
    tools.filter(({ hidden }) => !hidden).map(toolButton),
  );
}

/** @param {Tool} tool */
const toolButton = ({ picture, title, act }) =>
  h(
    "button",
    { type: "button", class: "cv-tool", data: { tool: picture }, "aria-label": title, title, onclick: act },
    h("i", { class: `cv-draw-${picture}` }),
  );

/** Nothing where there is no room for another lane. @param {Store} store @returns {Node | null} */
export function addTool(store) {
  const { boot, lanes } = store.state;
  if (!hasRoom(boot, lanes)) return null;
  const add = () => setLanes(store, added(boot, store.state.lanes));
  return h("button", { type: "button", class: "cv-add", onclick: add }, "Add a lane");
}

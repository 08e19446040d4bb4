/**
 * What can be done with a lane: change, duplicate or remove it, and add one. Small buttons for cards and drawer.
 * Knows the store and the choice of lanes; running it again is rerun.js's work.
 */

import { added, duplicated, hasRoom, removed, untouched } from "./choice.js";
import { h } from "./dom.js";
import { namesOf } from "./names.js";
import { counted } from "./text.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").LaneChoice} LaneChoice */

/** @typedef {{picture: string, title: string, hidden?: boolean, act: () => void}} Tool */

/** Lanes came or went: the new ones are run at once, the others are kept. @param {Store} store @param {LaneChoice[]} lanes */
function runLanes(store, lanes) {
  const { state } = store;
  if (lanes === state.lanes) return;
  store.set({ lanes, wanted: state.wanted + 1, editing: Math.min(state.editing, lanes.length - 1) });
}

/** Open the drawer at a lane. @param {Store} store @param {number} index */
const openDrawer = (store, index) => store.set({ drawer: true, editing: index });

/**
 * @param {Store} store @param {number} index
 * @param {Tool[]} [first] tools before those that every place has
 * @returns {Node}
 */
export function laneTools(store, index, first = [changeTool(store, index)]) {
  const { boot, lanes } = store.state;
  const name = namesOf(boot, lanes)[index];
  const alone = lanes.length === 1;
  const tools = [
    ...first,
    {
      picture: "duplicate",
      title: `Duplicate ${name}`,
      hidden: !hasRoom(boot, lanes),
      act: () => runLanes(store, duplicated(boot, store.state.lanes, index)),
    },
    {
      picture: "remove",
      title: `Remove ${name}`,
      hidden: alone,
      act: () => runLanes(store, removed(store.state.lanes, index)),
    },
  ];
  return h(
    "div",
    { class: "cv-tools", role: "group", "aria-label": `Lane ${index + 1}` },
    tools.filter(({ hidden }) => !hidden).map((tool) => toolButton(tool, index)),
  );
}

/** @param {Store} store @param {number} index @returns {Tool} */
function changeTool(store, index) {
  const name = namesOf(store.state.boot, store.state.lanes)[index];
  return { picture: "change", title: `Change ${name}`, act: () => openDrawer(store, index) };
}

/** @param {Tool} tool @param {number} index */
const toolButton = ({ picture, title, act }, index) =>
  h(
    "button",
    {
      type: "button",
      class: "cv-tool",
      data: { tool: picture, key: `${picture} ${index}` },
      "aria-label": title,
      title,
      onclick: act,
    },
    h("i", { class: `cv-draw-${picture}` }),
  );

/**
 * Says that tokens of a lane were changed by hand, and takes that back; nothing where none was.
 * @param {Store} store @param {number} index
 */
export function handChip(store, index) {
  const count = store.state.lanes[index]?.interventions?.length ?? 0;
  if (!count) return null;
  const title = `${counted(count, "token")} changed by hand: take back`;
  const act = () => runLanes(store, untouched(store.state.lanes, index));
  return h(
    "button",
    { type: "button", class: "cv-hand", title, "aria-label": title, onclick: act },
    "changed by hand",
    h("i", { class: "cv-draw-remove", "aria-hidden": "true" }),
  );
}

/** Nothing where there is no room for another lane. @param {Store} store @returns {Node | null} */
export function addTool(store) {
  const { boot, lanes } = store.state;
  if (!hasRoom(boot, lanes)) return null;
  const add = () => runLanes(store, added(boot, store.state.lanes));
  return h("button", { type: "button", class: "cv-add", data: { key: "add" }, onclick: add }, "Add a lane");
}

/**
 * Choosing tokens and lanes without a pointer. Knows the store; draws nothing.
 */

/** @typedef {import("./store.js").Store} Store */

/**
 * Select the nearest token of a lane that was not given; from the near end where none is selected.
 * @param {Store} store @param {number} way 1 or -1 @param {number} [index] lane, else the one in front
 */
export function selectNext(store, way, index = store.state.lane) {
  const lane = store.state.run?.lanes[index];
  if (!lane) return;
  let selected = (store.state.selected ?? (way > 0 ? -1 : lane.length)) + way;
  while (lane.given.has(selected)) selected += way;
  if (selected >= 0 && selected < lane.length) store.set({ selected, lane: index });
}

/** Bring the next lane to the front, around the ends. @param {Store} store @param {number} way 1 or -1 */
export function nextLane(store, way) {
  const count = store.state.run?.lanes.length ?? 0;
  if (count) store.set({ lane: (store.state.lane + way + count) % count });
}

/** Show the map at a place in the row of maps, if there is one. @param {Store} store @param {number} place from 0 */
export function showMap(store, place) {
  const tab = Object.keys(store.state.boot.style.maps)[place];
  if (tab) store.set({ tab });
}

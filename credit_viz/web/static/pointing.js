/**
 * Tokens that are drawn more than once on the page: pointing at one marks it everywhere, a click selects it.
 * Knows the store and elements with data-position (and data-lane on themselves or around them).
 */

/** @typedef {import("./store.js").Store} Store */

/** @param {EventTarget | null} target @returns {{position: number, lane: number | null} | null} */
function placeOf(target) {
  const token =
    target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest("[data-position]")) : null;
  const lane = /** @type {HTMLElement | null} */ (token?.closest("[data-lane]") ?? null);
  return token && { position: Number(token.dataset.position), lane: lane ? Number(lane.dataset.lane) : null };
}

/**
 * @param {Store} store @param {HTMLElement} root
 * @param {(place: {position: number, lane: number}) => void} [choose] instead of only selecting
 */
export function listenToTokens(store, root, choose = ({ position, lane }) => store.set({ selected: position, lane })) {
  root.addEventListener("click", (event) => {
    const place = placeOf(event.target);
    const lane = place?.lane ?? store.state.lane;
    if (place && !store.state.run?.lanes[lane].given.has(place.position)) choose({ position: place.position, lane });
  });
  root.addEventListener("pointerover", (event) => {
    const place = event.pointerType === "mouse" ? placeOf(event.target) : null;
    if (place) store.set({ hover: { lane: place.lane ?? store.state.lane, position: place.position, step: null } });
  });
  root.addEventListener("pointerleave", () => store.set({ hover: null }));
}

/**
 * Mark the selected and the hovered token.
 * @param {Map<number, HTMLElement[]>} tokens by position @param {{selected: number, hover: number}} before as last marked
 * @param {import("./store.js").State} state
 */
export function markTokens(tokens, before, { selected, hover }) {
  const next = { selected: selected ?? -1, hover: hover?.position ?? -1 };
  for (const kind of /** @type {const} */ (["selected", "hover"])) {
    if (before[kind] === next[kind]) continue;
    for (const token of tokens.get(before[kind]) ?? []) token.classList.remove(kind);
    for (const token of tokens.get(next[kind]) ?? []) token.classList.add(kind);
    before[kind] = next[kind];
  }
}

/**
 * The two places of the page, race and lab: which one is on show. The lab's own modules come when it is first shown.
 * Knows the store and the page's head; what a place holds is the work of others.
 */

import { fill, h } from "./dom.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {"race" | "lab"} Place */

/**
 * Where a page begins: where its address says, if it has a lab; without a model and a saved run there is only the lab.
 * @param {any} boot @param {string} query @returns {Place}
 */
export function firstPlace({ can }, query) {
  const asked = new URLSearchParams(query).get("at") === "lab";
  return can.lab && (asked || !can.race) ? "lab" : "race";
}

/** Go to the other place, where there is one. @param {Store} store */
export function switchPlace(store) {
  const { boot, place } = store.state;
  if (boot.can.lab && boot.can.race) store.set({ place: place === "lab" ? "race" : "lab" });
}

/**
 * The lab's element, empty until it is first shown. Marks the place in the head, and takes clicks there.
 * @param {Store} store @param {() => Promise<Node>} load makes what the lab holds
 * @returns {Node}
 */
export function labPlace(store, load) {
  const root = h("section", { class: "cv-lab-place", "aria-label": "Lab" });
  const { boot } = store.state;
  const scrolled = { race: 0, lab: 0 };
  let shown = store.state.place;
  let asked = false;
  store.view(["place"], ({ place }) => {
    scrolled[shown] = window.scrollY;
    document.documentElement.dataset.cvAt = place;
    root.hidden = place !== "lab";
    if (boot.can.lab) markPlace();
    if (place === "lab" && !asked) {
      asked = true;
      load().then(
        (lab) => fill(root, lab),
        (/** @type {Error} */ error) => {
          asked = false;
          fill(root, h("p", { class: "cv-alert", role: "alert" }, `The lab could not be loaded: ${error.message}`));
        },
      );
    }
    if (place === shown) return;
    shown = place;
    store.set({ playing: false, drawer: false });
    window.scrollTo({ top: scrolled[place], behavior: "instant" });
  });
  document.addEventListener("click", (event) => {
    const place = placeOf(event);
    if (!place) return;
    event.preventDefault();
    store.set({ place });
  });
  return root;
}

/** The place that a plain click on the head asks for. @param {MouseEvent} event @returns {Place | null} */
function placeOf(event) {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return null;
  const target = event.target instanceof Element ? event.target.closest(".cv-places [data-place]") : null;
  return target ? /** @type {Place} */ (/** @type {HTMLElement} */ (target).dataset.place) : null;
}

/** Gradio draws the head in its own time: until it is there, styles alone say where one is. */
function markPlace() {
  const links = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".cv-places [data-place]"));
  if (!links.length) requestAnimationFrame(markPlace);
  for (const link of links) {
    if (link.dataset.place === document.documentElement.dataset.cvAt) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

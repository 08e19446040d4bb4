/**
 * The switch for high contrast: faint guesses, thin lines and small marks drawn in full. Says so to style sheets through
 * `data-cv-contrast` and to what draws on canvases through the store.
 */

import { h } from "./dom.js";

/** Does the reader's system ask for it? */
export const prefersContrast = () => matchMedia("(prefers-contrast: more)");

/** @param {import("./store.js").Store} store @returns {Node} */
export function contrastSwitch(store) {
  const button = h(
    "button",
    {
      class: "cv-contrast",
      type: "button",
      title: "High contrast",
      "aria-label": "High contrast",
      onclick: () => store.set({ contrast: !store.state.contrast }),
    },
    "Aa",
  );
  store.view(["contrast"], ({ contrast }) => {
    document.documentElement.dataset.cvContrast = contrast ? "high" : "normal";
    button.setAttribute("aria-pressed", String(contrast));
  });
  prefersContrast().addEventListener("change", ({ matches }) => store.set({ contrast: matches }));
  return button;
}

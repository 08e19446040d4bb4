/**
 * A calm sentence above the run, sometimes with something to do about it: what a link could not bring along, or that
 * it was made elsewhere. Knows the store; errors of runs are said by ask.js.
 */

import { fill, h } from "./dom.js";

/** @typedef {{words: string, action?: string, act?: () => void}} Notice */

/** @param {import("./store.js").Store} store @returns {Node} */
export function noticeView(store) {
  const root = h("div", { class: "cv-notice", role: "status", "aria-live": "polite" });
  const close = () => store.set({ notice: null });
  store.view(["notice"], ({ notice }) => {
    root.hidden = !notice;
    if (!notice) return fill(root);
    const act = () => {
      close();
      notice.act?.();
    };
    fill(
      root,
      h("p", {}, notice.words),
      notice.action && h("button", { class: "cv-preset", type: "button", onclick: act }, notice.action),
      h("button", { class: "cv-notice-close", type: "button", "aria-label": "Close this note", onclick: close }, "×"),
    );
  });
  return root;
}

/** Buttons that make a setting A or B of the comparison. Knows the lab's state. */

import { h } from "./dom.js";
import { SIDES, choose, pairOf } from "./labpair.js";

/** @typedef {import("./labstate.js").Lab} Lab */

/** The letter of a side in its colour, which is that of its lane in the race. @param {0 | 1} side */
export const letter = (side) => h("b", { class: "cv-con-letter", data: { lane: String(side) } }, SIDES[side]);

/**
 * @param {Lab} lab @param {number} number of the setting @param {string} name its name
 * @param {{tabindex?: number, key: string}} about key: what sets these buttons apart from others of the setting
 * @returns {Node}
 */
export function sideButtons(lab, number, name, { tabindex = 0, key }) {
  const pair = pairOf(lab.store.state);
  const button = (/** @type {"A" | "B"} */ words, /** @type {number} */ i) => {
    const side = /** @type {0 | 1} */ (i);
    return h(
      "button",
      {
        type: "button",
        class: "cv-con-side",
        tabindex,
        "aria-label": `${words}: compare ${name}`,
        "aria-pressed": String(pair?.[side] === number),
        data: { lane: String(i), side: words, key: `${key} ${words}` },
        onclick: (/** @type {Event} */ event) => {
          event.stopPropagation();
          choose(lab, side, number);
        },
      },
      words,
    );
  };
  return h("span", { class: "cv-con-sides", role: "group", "aria-label": "Compare as" }, SIDES.map(button));
}

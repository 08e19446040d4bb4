/**
 * "‹ Prompt 4 of 50 ›": one of several things after the other. Knows nothing of what they are.
 */

import { h } from "./dom.js";

/**
 * @param {string} name of one of them, e.g. "Prompt" @param {number} at from 0 @param {number} count
 * @param {(to: number) => void} go @param {string} [of] what they all belong to
 * @returns {Node}
 */
export function stepper(name, at, count, go, of = "") {
  const button = (/** @type {number} */ by, /** @type {string} */ sign, /** @type {string} */ words) =>
    h(
      "button",
      {
        type: "button",
        class: "cv-stepper-button",
        "aria-label": `${words} ${name.toLowerCase()}`,
        data: { key: `${name}${by}` },
        disabled: at + by < 0 || at + by >= count,
        onclick: () => go(at + by),
      },
      sign,
    );
  const words = h("span", {}, `${name} ${at + 1} of ${count}${of && ` ${of}`}`);
  const group = { class: "cv-stepper", role: "group", "aria-label": name };
  return h("div", group, button(-1, "‹", "Previous"), words, button(1, "›", "Next"));
}

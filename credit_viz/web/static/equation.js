/**
 * The sum behind one decision, as a small equation: each number with its name below it, explained on hover. Knows the
 * parts from explain.js and the glossary; nothing of the store.
 */

import { sumParts, verdict } from "./explain.js";
import { h, term } from "./dom.js";
import { about, explained } from "./glossary.js";

/** @typedef {import("./explain.js").Moment} Moment @typedef {import("./explain.js").Part} Part */

const SCORE = "What this decoder holds against the bar.";

/**
 * @param {Moment} moment @param {import("./explain.js").Reasons} reasons @param {string} compared with the first lane
 * @returns {Node}
 */
export function equation(moment, reasons, compared) {
  const parts = sumParts(moment);
  return h(
    "div",
    { class: "cv-sum" },
    h(
      "p",
      { class: "cv-equation" },
      parts.map((part, i) =>
        h(
          "span",
          { class: "cv-part" },
          i && part.kind !== "bar" ? h("span", { class: "cv-arrow" }, "→") : null,
          h("b", {}, part.text),
          h("small", {}, caption(part, moment)),
        ),
      ),
    ),
    h("p", { class: "cv-verdict-line" }, verdict(moment, reasons, compared)),
  );
}

/** The name below a number. @param {Part} part @param {Moment} moment */
function caption({ kind, of }, { boost, credit }) {
  if (kind === "score") return term("score", SCORE);
  if (kind === "bar") return explained("threshold");
  if (kind === "fused") return explained("fused", of ?? "after credit");
  if (kind === "credit") {
    const made = `${about("credit")} Here ${credit.toFixed(2)}: a boost of ${boost.toFixed(2)} nats, which multiplies the odds p / (1 − p) by e^${boost.toFixed(2)}.`;
    return term(of ?? "credit", made);
  }
  return explained("confidence");
}

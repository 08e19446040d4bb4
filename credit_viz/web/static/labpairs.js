/**
 * The prompts on which two settings were compared: one bar each from most saved to most lost, and the same as a list.
 * A click on one opens both in the race. Knows what `lab_contrast` answers; no state, no server.
 */

import { fill, h, refill, say } from "./dom.js";
import { outcomeOf, outcomes, outcomeText, qualityText, ranked, spreadText, stepOf, stepText } from "./labdiffer.js";
import { letter } from "./labsides.js";
import { counted, inline } from "./text.js";

/** @typedef {import("./labdiffer.js").Contrast} Contrast */
/** @typedef {import("./labdiffer.js").Prompt} Prompt */
/** @typedef {((prompt: string) => void) | null} Open null where this page cannot make the runs */

const PAGE = 8; // prompts of the list at first
const MORE = 50; // and each time that more are asked for
const THIN = 1.5; // per cent of the height, of a prompt on which both need as many passes

/** @param {Contrast} contrast @param {Open} open @returns {Node} */
export function promptsFigure(contrast, open) {
  const keys = outcomes(contrast).map(([outcome, count]) => {
    const sign = h("i", { class: "cv-con-outcome", data: marked(outcome) });
    return h("span", { class: "cv-key" }, sign, `${outcomeText(contrast, outcome)} ${count}`);
  });
  return h(
    "div",
    { class: "cv-con-prompts" },
    h("p", { class: "cv-con-spread" }, spreadText(contrast.pairs)),
    bars(contrast, open),
    h("p", { class: "cv-keys" }, keys),
    list(contrast, open),
  );
}

/** A prompt on which one is better has that one's colour. @param {import("./labdiffer.js").Outcome} outcome */
const marked = (outcome) => ({ outcome, ...(outcome === "A" && { lane: "0" }), ...(outcome === "B" && { lane: "1" }) });

/** "12 and 9 passes, wrong and right". @param {Contrast} contrast @param {Prompt} prompt */
function promptText(contrast, prompt) {
  const [a, b] = prompt.quality.map((quality) => qualityText(contrast, quality));
  const judged = a && b ? `, ${a === b ? `both ${a}` : `${a} and ${b}`}` : "";
  return `${prompt.prompt}: ${prompt.passes.map(passText).join(" and ")} passes${judged}`;
}

/** A count that may be a mean over seeds. @param {number} passes */
const passText = (passes) => String(+passes.toFixed(1));

/** @param {Contrast} contrast @param {Open} open */
function bars(contrast, open) {
  const prompts = ranked(contrast.pairs);
  const steps = prompts.map(stepOf);
  const [low, high] = [Math.min(0, ...steps), Math.max(0, ...steps)];
  const scale = 100 / (high - low || 1); // per cent
  const zero = high * scale;
  const told = h("p", { class: "cv-help cv-con-told" });
  const hint = `One bar per prompt.${open ? " Click one to see both in the race." : ""}`;
  const at = (/** @type {PointerEvent | MouseEvent} */ event) => {
    const { left, width } = picture.getBoundingClientRect();
    return Math.max(0, Math.min(prompts.length - 1, Math.floor(((event.clientX - left) / width) * prompts.length)));
  };
  const drawn = prompts.map((prompt, i) => {
    const step = stepOf(prompt) * scale;
    const [top, height] = step === 0 ? [zero - THIN, 2 * THIN] : [zero - Math.max(0, step), Math.abs(step)];
    const [left, width] = [i + 0.12, 0.76].map((part) => (100 * part) / prompts.length);
    const style = `left:${left}%;width:${width}%;top:${top}%;height:${height}%`;
    return h("i", { style, data: marked(outcomeOf(contrast, prompt)) });
  });
  const label = `${spreadText(contrast.pairs)} The numbers are in the list below.`;
  const axis = h("b", { style: `top:${zero}%` });
  const picture = h("div", { class: "cv-con-picture", role: "img", "aria-label": label }, axis, drawn);
  const point = (/** @type {number} */ i) => drawn.forEach((bar, k) => bar.classList.toggle("pointed", k === i));
  say(told, hint);
  picture.addEventListener("pointermove", (/** @type {any} */ event) => {
    const i = at(event);
    point(i);
    say(told, promptText(contrast, prompts[i]));
  });
  picture.addEventListener("pointerleave", () => {
    point(-1);
    say(told, hint);
  });
  if (open) picture.addEventListener("click", (/** @type {any} */ event) => open(prompts[at(event)].prompt));
  picture.classList.toggle("open", open !== null);
  const end = (/** @type {number} */ value) => h("span", {}, stepText(value));
  const scaleBeside = h("div", { class: "cv-con-scale", "aria-hidden": "true" }, high > 0 && end(high), low < 0 && end(low));
  const room = h("div", { class: "cv-con-bars" }, scaleBeside, picture);
  return h("div", {}, h("p", { class: "cv-con-ends", "aria-hidden": "true" }, "passes of B − A"), room, told);
}

/** @param {Contrast} contrast @param {Open} open */
function list(contrast, open) {
  const body = h("tbody", {});
  const more = h("button", { type: "button", class: "cv-pic-act" });
  const { pairs } = contrast;
  let shown = 0;
  const show = (/** @type {number} */ count) => {
    shown = Math.min(pairs.length, count);
    refill(body, pairs.slice(0, shown).map((prompt) => row(contrast, prompt, open)));
    more.hidden = shown === pairs.length;
    say(more, `Show ${Math.min(MORE, pairs.length - shown)} more`);
  };
  more.addEventListener("click", () => show(shown + MORE));
  show(PAGE);
  const column = (/** @type {any} */ name) => h("th", { scope: "col" }, name);
  const head = h("tr", {}, column("prompt"), h("th", { scope: "col", class: "cv-con-text" }, h("span", { class: "cv-unseen" }, "text")));
  head.append(column(letter(0)), column(letter(1)), column("B − A"));
  const table = h(
    "table",
    { class: "cv-con-table cv-con-list" },
    h("caption", { class: "cv-unseen" }, "Forward passes on each prompt, most different first"),
    h("thead", {}, head),
    body,
  );
  const left = contrast.prompts > pairs.length ? `The ${pairs.length} most different of ${counted(contrast.prompts, "prompt")}.` : "";
  return h("div", {}, table, more, left && h("p", { class: "cv-help" }, left));
}

/** @param {Contrast} contrast @param {Prompt} prompt @param {Open} open */
function row(contrast, prompt, open) {
  const name = open
    ? h("button", { type: "button", class: "cv-con-open", data: { key: `prompt ${prompt.prompt}` }, onclick: () => open(prompt.prompt) }, prompt.prompt)
    : prompt.prompt;
  const side = (/** @type {0 | 1} */ i) => {
    const quality = prompt.quality[i];
    const said = qualityText(contrast, quality);
    return h("td", {}, passText(prompt.passes[i]), " ", said && h("small", { data: { right: said } }, said));
  };
  const text = h("td", { class: "cv-con-text", dir: "auto", title: prompt.text }, inline(prompt.text));
  return h("tr", { data: { prompt: prompt.prompt } }, h("th", { scope: "row" }, name), text, side(0), side(1), h("td", {}, h("b", {}, stepText(stepOf(prompt)))));
}

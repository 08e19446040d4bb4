/**
 * The sweeps to choose from: what is recorded here, and one's own. Knows the lab's state; asks nothing itself.
 */

import { fill, h, refill } from "./dom.js";
import { helpLink } from "./help.js";
import { isUnderWay, showSweep } from "./labstate.js";
import { deleteSweep } from "./labsweeps.js";
import { grouped, onDay } from "./labwords.js";
import { counted } from "./text.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labstate.js").Sweep} Sweep */

const EDGE = 16; // pixels at the left of a list that is a row, on a phone

/** @param {Lab} lab @returns {Node} */
export function listView(lab) {
  const { store } = lab;
  const add = h(
    "button",
    { class: "cv-lab-new", type: "button", onclick: () => store.set({ asking: true }) },
    "New sweep",
  );
  const list = h("ul", { class: "cv-lab-list" });
  store.view(["sweeps", "sweep", "asking", "status", "canStart"], (state) => {
    add.hidden = !state.canStart;
    add.setAttribute("aria-pressed", String(state.asking));
    const sweeps = state.sweeps ?? [];
    refill(
      list,
      sweeps.map((sweep) => item(lab, sweep)),
    );
  });
  store.view(["sweep"], () => {
    const shown = /** @type {HTMLElement | null} */ (list.querySelector("[aria-current]"));
    list.scrollLeft = Math.max(0, (shown?.parentElement?.offsetLeft ?? 0) - list.offsetLeft - EDGE);
  });
  return h(
    "nav",
    { class: "cv-lab-sweeps", "aria-label": "Sweeps" },
    h("header", {}, h("h2", { class: "cv-title" }, "Sweeps"), add),
    list,
    h("p", { class: "cv-lab-help" }, helpLink(lab.race)),
  );
}

/** @param {Lab} lab @param {Sweep} sweep */
function item(lab, sweep) {
  const { state } = lab.store;
  const shown = sweep.id === state.sweep && !state.asking;
  const open = h(
    "button",
    {
      type: "button",
      class: "cv-lab-sweep",
      data: { key: `sweep ${sweep.id}` },
      "aria-current": shown ? "true" : null,
      onclick: () => showSweep(lab, sweep.id),
    },
    h("b", {}, sweep.title),
    h("span", {}, sizeWords(sweep)),
    h("span", {}, noteWords(sweep, sweep.id === state.sweep ? state.status : null)),
  );
  const own = !sweep.lasting && !isUnderWay(sweep);
  return h("li", { class: own ? "own" : null }, open, own ? removeTool(lab, sweep) : null);
}

/** @param {Sweep} sweep */
export const sizeWords = ({ settings, prompts }) =>
  `${counted(settings, "setting").replace(/^\d+/, grouped(settings))} on ${counted(prompts, "prompt")}`;

/** When it was made, or how it is doing. @param {Sweep} sweep @param {import("./labstate.js").Status | null} status */
export function noteWords(sweep, status) {
  const now = status ?? sweep;
  if (now.state === "queued") return "waiting";
  if (now.state === "loading") return "loading the model";
  if (isUnderWay(now)) {
    const running = now.state === "elsewhere" ? "running elsewhere" : "running";
    return status?.total ? `${running}, ${Math.floor((100 * status.done) / status.total)} %` : running;
  }
  if (!sweep.model) return "damaged";
  const ended = now.state === "done" ? "" : "stopped early";
  return [ended, sweep.model, onDay(new Date(sweep.made))].filter(Boolean).join(" · ");
}

/** Asks once more before it removes. @param {Lab} lab @param {Sweep} sweep */
function removeTool(lab, sweep) {
  const root = h("div", { class: "cv-lab-remove" });
  const label = `Remove “${sweep.title}”`;
  const key = `remove ${sweep.id}`;
  const cross = () =>
    h(
      "button",
      { type: "button", class: "cv-tool", "aria-label": label, title: label, data: { key }, onclick: ask },
      h("i", { class: "cv-draw-remove" }),
    );
  const ask = () => {
    const yes = () => void deleteSweep(lab, sweep.id);
    const no = () => fill(root, cross());
    fill(
      root,
      h("button", { type: "button", class: "cv-preset", data: { key }, onclick: yes }, "Remove"),
      h("button", { type: "button", class: "cv-preset", onclick: no }, "Keep"),
    );
    /** @type {HTMLElement | null} */ (root.querySelector("button"))?.focus();
  };
  fill(root, cross());
  return root;
}

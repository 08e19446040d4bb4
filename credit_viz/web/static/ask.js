/**
 * Around Gradio's prompt box and buttons: example chips, Run turning into Cancel, and errors in words.
 * Knows the store and the ids `prompt`, `run`, `cancel`; starting and stopping is Gradio's work.
 */

import { h, say } from "./dom.js";
import { modelsView } from "./models.js";

/** @typedef {import("./store.js").Store} Store */

/** @returns {HTMLTextAreaElement | null} */
const promptBox = () => document.querySelector("#prompt textarea");

/** @param {string} id */
const press = (id) => document.getElementById(id)?.dispatchEvent(new MouseEvent("click", { bubbles: true }));

/** Press Gradio's Run: every lane is decoded, and watched live. */
export const pressRun = () => press("run");

/** Press the hidden button beside it: only what changed is decoded, on a small model behind the run on show. */
export const pressAgain = () => press("again");

/** What stands in Gradio's prompt box. */
export const promptText = () => promptBox()?.value ?? "";

/** Gradio draws its parts in no fixed order: resolves once its prompt box is there and takes text. */
export function promptDrawn() {
  return new Promise((resolve) => {
    const look = () => {
      if (!promptBox()) return false;
      seen.disconnect();
      setTimeout(resolve); // in this moment Gradio may still fill in what stood there first
      return true;
    };
    const seen = new MutationObserver(look);
    if (!look()) seen.observe(document.body, { childList: true, subtree: true });
  });
}

/** Put text into Gradio's prompt box. @param {string} text */
export function setPrompt(text) {
  const box = promptBox();
  if (!box) return;
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * What the next run will use, as the server reads it. Called by Gradio when Run is pressed.
 * @param {Store} store @param {string} ticket
 */
export function choiceOf({ state }, ticket) {
  return JSON.stringify({ ...state.options, lanes: state.lanes, ticket });
}

/**
 * @param {Store} store
 * @param {Node[]} [links] further links beside the examples
 * @param {Node | null} [gallery] above the examples
 * @returns {Node}
 */
export function askView(store, links = [], gallery = null) {
  const chips = h("div", { class: "cv-chips", role: "group", "aria-label": "Examples" });
  const { boot } = store.state;
  for (const example of boot.can.run ? boot.examples : []) chips.append(chip(example));
  const settings = boot.can.run && settingsLink(store);
  const status = h("p", { class: "cv-status", role: "status", "aria-live": "polite" });
  const alert = h("p", { class: "cv-alert", role: "alert" });
  store.view(["live", "error", "run"], (state) => {
    document.documentElement.dataset.cvLive = state.live;
    say(status, state.error ? "" : progress(state));
    say(alert, sentence(state.error));
    alert.hidden = !state.error;
  });
  const row = h("div", { class: "cv-ask-links" }, modelsView(boot.models), settings, links);
  return h("section", { class: "cv-ask" }, gallery, h("div", { class: "cv-chips-row" }, chips, row), alert, status);
}

/** Opens and closes the drawer. @param {Store} store */
function settingsLink(store) {
  const link = h(
    "button",
    {
      class: "cv-link",
      type: "button",
      "aria-controls": "cv-settings",
      onclick: () => store.set({ drawer: !store.state.drawer }),
    },
    "Decoders and settings",
  );
  store.view(["drawer"], ({ drawer }) => link.setAttribute("aria-expanded", String(drawer)));
  return link;
}

/** @param {{task: string, prompt: string}} example */
function chip(example) {
  const use = () => {
    setPrompt(example.prompt);
    if (document.documentElement.dataset.cvLive === "idle") setTimeout(pressRun, 60);
  };
  const label = [
    h("span", { class: "cv-chip-task" }, example.task),
    h("span", { class: "cv-chip-text" }, example.prompt),
  ];
  return h("button", { class: "cv-chip", type: "button", onclick: use, title: example.prompt }, ...label);
}

/** @param {string} text */
export const sentence = (text) => text && `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** @param {import("./store.js").State} state */
function progress(state) {
  if (state.live === "asked") return "Waiting for the model…";
  if (state.live === "cancelling") return "Stopping after this step…";
  if (state.run?.state === "cancelled") return "Stopped. Everything up to here is kept: scrub through it below.";
  return "";
}

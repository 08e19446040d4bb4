/**
 * The Share menu: copying the link of the run on show, and a place for other things to take away.
 * Knows the store and the clipboard; what a link says is address.js's work.
 */

import { linkOf } from "./address.js";
import { fill, h, say } from "./dom.js";
import { counted } from "./text.js";

/** @typedef {import("./store.js").Store} Store */

const NAME = "Share";
const COPIED = "Link copied.";
const LONG = 2000; // characters; chats and mail programs cut links beyond about this many

/**
 * @param {Store} store
 * @param {Node[]} [items] further entries, see `shareItem`
 * @returns {Node}
 */
export function shareView(store, items = []) {
  const status = h("p", { class: "cv-share-status", role: "status", "aria-live": "polite" });
  const copy = shareItem("Copy link", "Opens this run again, at this step and token.", () => copied(store));
  const slot = h("div", { class: "cv-share-more" }, items);
  const panel = h("div", { class: "cv-share-panel", id: "cv-share-panel", role: "group", "aria-label": "Share" });
  fill(panel, copy, slot, status);
  const button = h(
    "button",
    { class: "cv-link cv-share-button", type: "button", "aria-controls": "cv-share-panel", "aria-expanded": "false" },
    NAME,
  );
  const root = h("div", { class: "cv-share" }, button, panel);
  const open = (/** @type {boolean} */ yes) => {
    panel.hidden = !yes;
    button.setAttribute("aria-expanded", String(yes));
    if (yes) say(status, "");
  };
  open(false);
  button.addEventListener("click", () => open(panel.hidden));
  root.addEventListener("cv-share", (/** @type {CustomEvent<string>} */ event) => say(status, event.detail));
  root.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    open(false);
    button.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!panel.hidden && !root.contains(/** @type {Node} */ (event.target))) open(false);
  });
  store.view(["run"], ({ run }) => (button.disabled = !run));
  return root;
}

/**
 * One entry of the menu; what `act` returns is said below the entries.
 * @param {string} words @param {string} help @param {() => string | void | Promise<string | void>} act
 */
export function shareItem(words, help, act) {
  const item = h("button", { class: "cv-share-item", type: "button" }, h("b", {}, words), h("span", {}, help));
  item.addEventListener("click", async () => {
    const sentence = await act();
    if (sentence) item.dispatchEvent(new CustomEvent("cv-share", { bubbles: true, detail: sentence }));
  });
  return item;
}

/** Copy the link; the menu's button says so for a moment, anything else is said above the run. @param {Store} store */
export async function copyLink(store) {
  const words = await copied(store);
  const button = document.querySelector("#view .cv-share-button");
  if (words !== COPIED || !button) return store.set({ notice: { words } });
  say(button, COPIED);
  setTimeout(() => say(button, NAME), 2000);
}

/** @param {Store} store @returns {Promise<string>} what happened, as a sentence */
async function copied({ state }) {
  const link = linkOf(state);
  if (!link) return "There is no link to this run: it has no prompt in words.";
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    return `This browser does not let the page copy. The link is ${link}`;
  }
  const length = counted(link.length, "character");
  return link.length > LONG ? `${COPIED} It has ${length}: some programs cut such a link.` : COPIED;
}

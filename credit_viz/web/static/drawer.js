/**
 * The drawer "Decoders and settings": what the next run will use. It lies beside the page or, where there is no room,
 * over its lower half, so that a changed knob is seen at work. Knows the store and what each lane's part is made of.
 */

import { pressAgain } from "./ask.js";
import { h, refill, say } from "./dom.js";
import { givenView } from "./given.js";
import { laneSettings } from "./lanesettings.js";
import { optionsView } from "./options.js";
import { isStale } from "./rerun.js";
import { addTool } from "./tools.js";

/** @typedef {import("./store.js").Store} Store */

/** @param {Store} store @returns {Node} */
export function drawerView(store) {
  const close = h(
    "button",
    { type: "button", class: "cv-tool", "aria-label": "Close", onclick: () => store.set({ drawer: false }) },
    h("i", { class: "cv-draw-close" }),
  );
  const root = h(
    "aside",
    { class: "cv-drawer", id: "cv-settings", tabindex: -1, "aria-label": "Decoders and settings" },
    h("header", {}, h("h2", { class: "cv-title" }, "Decoders and settings"), close),
    h(
      "div",
      { class: "cv-drawer-body" },
      lanesView(store),
      h("h3", { class: "cv-sub" }, "All lanes"),
      optionsView(store),
      givenView(store),
    ),
    h("div", { class: "cv-drawer-foot" }, atOnceSwitch(store), againButton(store)),
  );
  root.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    store.set({ drawer: false });
  });
  keepFocus(store, root);
  return root;
}

/** Opening takes the focus there, closing takes it back. @param {Store} store @param {HTMLElement} root */
function keepFocus(store, root) {
  /** @type {Element | null} */
  let opener = null;
  let open = false;
  store.view(["drawer"], ({ drawer }) => {
    root.hidden = !drawer;
    document.documentElement.dataset.cvDrawer = drawer ? "open" : "closed";
    if (drawer === open) return;
    open = drawer;
    const active = document.activeElement;
    if (drawer) {
      opener = active;
      root.focus({ preventScroll: true });
    } else if (root.contains(active) || active === document.body) {
      const back = opener?.isConnected ? opener : document.querySelector("[aria-controls=cv-settings]");
      /** @type {HTMLElement | null} */ (back)?.focus({ preventScroll: true });
    }
  });
}

/** A part per lane; only the one in front shows its knobs. @param {Store} store */
function lanesView(store) {
  const root = h("div", { class: "cv-setting-lanes" });
  let drawn = "";
  /** @type {(() => void)[]} */
  let refresh = [];
  store.view(["lanes", "editing"], ({ lanes, editing }) => {
    const key = JSON.stringify([editing, lanes.map(({ decoder }) => decoder)]);
    if (key !== drawn) {
      drawn = key;
      const parts = lanes.map((_, index) => laneSettings(store, index));
      refresh = parts.map(({ show }) => show);
      refill(
        root,
        parts.map((part) => part.root),
        addTool(store),
      );
    }
    for (const show of refresh) show();
  });
  return root;
}

/** Only where a run is quick enough to follow a knob. @param {Store} store */
function atOnceSwitch(store) {
  if (!store.state.boot.quick) return null;
  const box = h("input", {
    type: "checkbox",
    role: "switch",
    id: "cv-at-once",
    onchange: () => store.set({ atOnce: box.checked }),
  });
  store.view(["atOnce"], ({ atOnce }) => (box.checked = atOnce));
  return h("label", { class: "cv-switch", for: "cv-at-once" }, box, "Run at once on every change");
}

/** Needed where changes wait; it says so by its looks. @param {Store} store */
function againButton(store) {
  const button = h("button", { class: "cv-again", type: "button", onclick: pressAgain }, "");
  store.view(["live", "behind", "atOnce", "lanes", "options", "asked"], (state) => {
    const waits = isStale(state);
    button.hidden = state.boot.quick && state.atOnce;
    button.disabled = state.live !== "idle" || state.behind;
    button.classList.toggle("waits", waits);
    say(button, waits ? "Run again with these" : "Run again");
  });
  return button;
}

/**
 * Puts the page together: state, views, the link to the server. The only module that knows them all.
 */

import { followAddress, labIn } from "./address.js";
import { announceView } from "./announce.js";
import { arrive } from "./arrival.js";
import { askView, choiceOf } from "./ask.js";
import { compareView } from "./compare.js";
import { prefersContrast } from "./contrast.js";
import { h } from "./dom.js";
import { exportViews } from "./export.js";
import { drawerView } from "./drawer.js";
import { Gallery, galleryView, lookView } from "./gallery.js";
import { gapsView } from "./given.js";
import { heldBy } from "./held.js";
import { helpLink, helpSheet } from "./help.js";
import { inspectorView } from "./inspector.js";
import { ByHand } from "./intervene.js";
import { listenToKeys } from "./keyboard.js";
import { Live } from "./live.js";
import { mapsView } from "./maps.js";
import { laneName } from "./names.js";
import { noticeView } from "./notice.js";
import { panesView } from "./panes.js";
import { firstPlace, labPlace } from "./places.js";
import { isStale, rerunWhenChanged, wish } from "./rerun.js";
import { sameStateView } from "./samestate.js";
import { Store } from "./store.js";
import { trailView } from "./trail.js";
import { transportView } from "./transport.js";
import { footnoteView, verdictView } from "./verdict.js";
import { whatIfView } from "./whatif.js";

/**
 * Mount the page. `boot.can` says what it can do: start runs (`run`), ask a server questions (`ask`); parts that need
 * what it cannot do are left out.
 * @param {{element: HTMLElement, base: string, server: any, props: any, watch: Function, boot?: any}} host Gradio, or
 *   a saved page that brings its own `boot`
 */
export async function mount({ element, base, server, props, watch, boot: own }) {
  const boot = own ?? (await (await fetch(`${base}boot.json`)).json());
  document.documentElement.dataset.cvRuns = boot.can.run ? "yes" : "no";
  const store = new Store(initialState(boot));
  const live = new Live(store, server);
  const gallery = new Gallery(store, live, base);
  const byHand = boot.can.run ? new ByHand(store, server) : null;
  const carried = exportViews(store, live, base);
  paint(boot.style);
  const stage = h(
    "div",
    { class: "cv-stage" },
    verdictView(store),
    transportView(store),
    laneTabs(store),
    panesView(store),
    footnoteView(store),
    mapsView(store, carried.mapTools, [whatIfView(store, server)]),
    inspectorView(store, live, base, {
      actions: byHand ? [byHand.action] : [],
      sections: [sameStateView(store, server), byHand?.section].filter((section) => section instanceof Node),
    }),
    compareView(store, live, base),
  );
  store.view(["run", "coming"], ({ run, coming }) => {
    stage.classList.toggle("empty", !run);
    stage.hidden = !run && !coming;
  });
  const ask = askView(store, [...carried.links, helpLink(store)], galleryView(gallery));
  const drawer = boot.can.run ? drawerView(store) : null;
  const gaps = boot.can.run ? gapsView(store) : null;
  const above = [gaps, ask, noticeView(store), trailView(store, server, base), carried.note, lookView(gallery)];
  const race = h("div", { class: "cv-race" }, above, stage, drawer);
  const lab = labPlace(store, async () => (await import("./lab.js")).mountLab(store, live, server, base));
  const unseen = [announceView(store), helpSheet(store), ...carried.overlays];
  element.replaceChildren(h("div", { class: "cv" }, race, lab, footer(boot), unseen));
  watch("value", () => live.receive(props.value));
  expose(store, live);
  listenToKeys(store);
  rerunWhenChanged(store);
  followTheme(store);
  const knock = () => fetch(`${base}boot.json`, { method: "HEAD", cache: "no-store" });
  setInterval(() => live.guard(knock), 3000);
  if (boot.can.run || boot.can.lab) followAddress(store);
  await arrive(store, live, gallery);
}

/** @param {any} boot @returns {import("./store.js").State} */
function initialState(boot) {
  const { lanes, ...options } = boot.choice;
  return {
    boot,
    place: firstPlace(boot, location.search),
    ...labIn(location.search),
    run: null,
    version: 0,
    step: 0,
    follow: true,
    playing: false,
    speed: 16,
    live: "idle",
    error: "",
    notice: null,
    coming: boot.can.run && (Boolean(boot.welcome) || boot.examples.length > 0),
    tab: "waiting",
    compare: "parting",
    pair: [0, 1],
    quantity: "fused",
    zoom: null,
    table: false,
    selected: null,
    lane: Math.min(1, lanes.length - 1),
    hover: null,
    exact: null,
    supposed: null,
    lanes,
    options,
    wanted: 0,
    asked: "",
    behind: false,
    atOnce: true,
    costs: false,
    drawer: false,
    editing: Math.min(1, lanes.length - 1),
    dark: false,
    contrast: prefersContrast().matches,
    help: false,
    trail: null,
  };
}

/** What Gradio's handlers and tests call. @param {Store} store @param {Live} live */
function expose(store, live) {
  let ticket = "";
  /** @type {any} */ (window).creditViz = {
    choice: (again = false) => {
      ticket = Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(16).padStart(2, "0")).join(
        "",
      );
      store.set({ asked: wish(store.state) });
      if (again && store.state.boot.quick) {
        live.behind.expect(ticket);
      } else {
        live.behind.forget();
        store.set({ live: "asked", error: "", playing: false });
      }
      return choiceOf(store, ticket);
    },
    cancel: () => {
      if (store.state.live !== "idle") store.set({ live: "cancelling" });
      return ticket;
    },
    settled: (again = false) => live.settle(again && store.state.boot.quick),
    snapshot: () => snapshot(store, live),
    held: () => (store.state.run?.lanes ?? []).map(heldBy),
  };
}

/** What is on show, as plain data. @param {Store} store @param {Live} live */
function snapshot({ state }, live) {
  const { run } = state;
  const lanes = (run?.lanes ?? []).map((lane) => ({
    decoder: lane.info.decoder,
    title: laneName(state.boot, /** @type {any} */ (run), lane.index),
    steps: lane.steps,
    length: lane.length,
    written: lane.writtenCount(state.step),
    meanWait: lane.meanWait,
    ids: Array.from({ length: lane.length }, (_, i) =>
      lane.tokenAt(i, state.step) < 0 ? -1 : lane.idOf(lane.tokenAt(i, state.step)),
    ),
  }));
  const selection = state.selected === null ? null : { position: state.selected, lane: state.lane };
  return {
    place: state.place,
    run: run?.id ?? null,
    state: run?.state ?? "none",
    live: state.live,
    step: state.step,
    steps: run?.steps ?? 0,
    tab: state.tab,
    compare: state.compare,
    pair: state.pair,
    quantity: state.quantity,
    zoom: state.zoom,
    table: state.table,
    playing: state.playing,
    kept: run?.kept ?? [],
    behind: state.behind,
    stale: isStale(state),
    drawer: state.drawer,
    next: state.lanes,
    front: state.lane,
    contrast: state.contrast,
    help: state.help,
    error: state.error,
    notice: state.notice?.words ?? "",
    exhibit: run?.about.gallery ?? null,
    lanes,
    selection,
    gaps: live.gaps,
    supposed: state.supposed && { lane: state.supposed.lane, ...state.supposed.answer },
  };
}

/** On a phone one lane is in front; these buttons choose which. @param {Store} store */
function laneTabs(store) {
  const row = h("div", { class: "cv-lane-tabs", role: "group", "aria-label": "Lane" });
  store.view(["run", "lane"], ({ run, boot, lane: front }) => {
    row.replaceChildren(
      ...(run?.lanes ?? []).map((lane) =>
        h(
          "button",
          {
            type: "button",
            class: "cv-tab",
            "aria-pressed": String(lane.index === front),
            onclick: () => store.set({ lane: lane.index }),
          },
          laneName(boot, /** @type {import("./run.js").Run} */ (run), lane.index),
        ),
      ),
    );
  });
  return row;
}

/** Colours of lanes and marks as custom properties, from the one definition. @param {any} style */
function paint({ lanes, marks }) {
  const rules = (/** @type {"light" | "dark"} */ mode) => {
    const scope = mode === "dark" ? ".dark " : "";
    const own = lanes.map(
      (/** @type {any} */ lane, /** @type {number} */ i) => `${scope}[data-lane="${i}"]{--cv-lane:${lane[mode]}}`,
    );
    const named = Object.entries(marks).filter(([, mark]) => mark[mode]);
    const vars = named.map(([name, mark]) => `--cv-${name.replace("_", "-")}:${mark[mode]}`);
    return `${own.join("")}${scope}.cv{${vars.join(";")}}`;
  };
  document.head.append(h("style", {}, rules("light") + rules("dark")));
}

/** Gradio marks dark mode with a class. @param {Store} store */
function followTheme(store) {
  const read = () => store.set({ dark: document.querySelector("html.dark, body.dark") !== null });
  read();
  for (const target of [document.documentElement, document.body])
    new MutationObserver(read).observe(target, { attributes: true, attributeFilter: ["class"] });
}

/** @param {any} boot */
function footer(boot) {
  return h(
    "footer",
    { class: "cv-foot" },
    `${boot.can.run ? `Model: ${boot.model}. ` : ""}Everything on this page is computed here; nothing is sent elsewhere. `,
    "CreditDecoding: arXiv 2510.06133.",
  );
}

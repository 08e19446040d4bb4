/**
 * The gallery: runs recorded earlier that open without a model, and what to look at in the one on show. Knows the store
 * and where the recordings are; shows them through live.js like any other run.
 */

import { setPrompt } from "./ask.js";
import { fill, h } from "./dom.js";
import { readLink, runKey, writeLink } from "./link.js";
import { wish } from "./rerun.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./link.js").Choice} Choice */
/**
 * @typedef {{run: string, name: string, title: string, look: string, model: string, prompt: string, choice: Choice,
 *   spot: {step: number, position: number, lane: number, map: string}}} Exhibit
 */

/** A model in running text. @param {string} model */
export const named = (model) => (model === "embedded" ? "the embedded model" : model);

export class Gallery {
  /** @param {Store} store @param {import("./live.js").Live} live @param {string} base folder of the page's files */
  constructor(store, live, base) {
    this.store = store;
    this.live = live;
    this.base = base;
    /** @type {Exhibit[]} */
    this.exhibits = store.state.boot.gallery ?? [];
  }

  /** The exhibit on show. */
  get shown() {
    const name = this.store.state.run?.about.gallery;
    return this.exhibits.find((exhibit) => exhibit.name === name);
  }

  /** The recording of the very run that a link asks for. @param {{prompt: string | null, choice: Choice, model: string}} asked */
  recordingOf(asked) {
    const { boot } = this.store.state;
    const key = runKey(boot, asked);
    return this.exhibits.find(
      (exhibit) => runKey(boot, { ...exhibit, choice: { ...boot.choice, ...exhibit.choice } }) === key,
    );
  }

  /** Put an exhibit on show, and its prompt and choice into the form. @param {Exhibit} exhibit */
  async open(exhibit) {
    const { store } = this;
    try {
      const answer = await fetch(`${this.base}gallery/${exhibit.run}.json`);
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const packets = await answer.json();
      if (store.state.live !== "idle") return;
      fillForm(store, exhibit.prompt, { ...store.state.boot.choice, ...exhibit.choice });
      await this.live.show(packets);
    } catch (error) {
      store.set({ error: `This run could not be opened: ${/** @type {Error} */ (error).message}` });
    }
  }

  /** Go to what there is to see. @param {Exhibit} exhibit */
  visit({ spot }) {
    this.store.set({
      step: spot.step,
      selected: spot.position,
      lane: spot.lane,
      tab: spot.map,
      playing: false,
      follow: false,
    });
  }
}

/**
 * What the next run will use, with knobs at their defaults left out.
 * @param {Store} store @param {string | null} prompt null: as it stands @param {Choice} choice
 */
export function fillForm(store, prompt, choice) {
  const { boot } = store.state;
  const bare = readLink(boot, writeLink(boot, { prompt: "", choice, model: "", view: {} }));
  const { lanes, ...options } = bare?.choice ?? boot.choice;
  if (prompt !== null) setPrompt(prompt); // first: to one who types gaps they are offered, here the choice says
  store.set({ lanes, options });
  store.set({ asked: wish(store.state) }); // what is filled in here waits for Run
}

/** One chip per run. @param {Gallery} gallery @returns {Node | null} nothing where the gallery is empty */
export function galleryView(gallery) {
  if (!gallery.exhibits.length) return null;
  const chips = gallery.exhibits.map((exhibit) =>
    h(
      "button",
      { class: "cv-chip cv-exhibit", type: "button", title: exhibit.look, onclick: () => gallery.open(exhibit) },
      exhibit.title,
    ),
  );
  gallery.store.view(["run", "live"], ({ live }) => {
    gallery.exhibits.forEach((exhibit, i) => {
      chips[i].setAttribute("aria-pressed", String(exhibit === gallery.shown));
      chips[i].disabled = live !== "idle";
    });
  });
  const row = h("div", { class: "cv-chips", role: "group", "aria-labelledby": "cv-gallery-name" }, chips);
  const name = h("h2", { class: "cv-gallery-name", id: "cv-gallery-name" }, "Worth a look");
  return h("section", { class: "cv-gallery" }, name, row);
}

/** What to look at in the run on show, with a way there. @param {Gallery} gallery @returns {Node} */
export function lookView(gallery) {
  const root = h("aside", { class: "cv-look", "aria-label": "What to look at" });
  gallery.store.view(["run"], () => {
    const exhibit = gallery.shown;
    root.hidden = !exhibit;
    if (!exhibit) return fill(root);
    const show = h("button", { class: "cv-preset", type: "button", onclick: () => gallery.visit(exhibit) }, "Show me");
    const seed = exhibit.choice.seed;
    const source = `Recorded earlier on ${named(exhibit.model)}, seed ${seed}.`;
    fill(root, h("p", {}, exhibit.look, " ", h("small", {}, source)), show);
  });
  return root;
}

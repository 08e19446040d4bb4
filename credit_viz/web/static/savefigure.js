/**
 * A figure of the run on show as an image: drawn by the server's Python, made a picture by the browser's Plotly.
 * A sheet with a preview. Knows the store, the server's addresses and Plotly.
 */

import { loadPlotly } from "./charts.js";
import { fill, h, say } from "./dom.js";
import { laneName } from "./names.js";
import { addressOf, ask, save } from "./save.js";
import { sheet } from "./sheet.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {"svg" | "png"} Format */

const WIDTH = 960;
const HEIGHT = 480; // of figures that name none
const SHARPNESS = 2; // pixels of a PNG per pixel of the page

export class FigureSheet {
  /** @param {Store} store @param {string} base */
  constructor(store, base) {
    this.store = store;
    this.base = base;
    const changed = () => void this.#preview();
    this.which = h("select", { onchange: changed, "aria-label": "Figure" });
    this.lane = h("select", { onchange: changed, "aria-label": "Lane" });
    this.help = h("p", { class: "cv-help" });
    this.image = h("img", { alt: "" });
    this.status = h("p", { class: "cv-help", role: "status", "aria-live": "polite" });
    const buttons = /** @type {Format[]} */ (["svg", "png"]).map((format) =>
      h(
        "button",
        { class: "cv-preset", type: "button", onclick: () => void this.#save(format) },
        `Save as ${format.toUpperCase()}`,
      ),
    );
    for (const [name, { title }] of Object.entries(store.state.boot.figures)) {
      this.which.append(h("option", { value: name }, /** @type {any} */ (title)));
    }
    this.root = sheet(
      "figure-sheet",
      "Save a figure",
      h("div", { class: "cv-figure-choice" }, this.which, this.lane),
      this.help,
      h("div", { class: "cv-figure-preview" }, this.image),
      h("div", { class: "cv-figure-buttons" }, buttons, this.status),
    );
    this.asked = 0;
    store.view(["dark"], () => this.root.open && changed());
  }

  /** Open at a figure. @param {string} [name] */
  open(name = this.store.state.tab) {
    const { run, boot, lane } = this.store.state;
    if (!run) return;
    if (name in boot.figures) this.which.value = name;
    fill(
      this.lane,
      run.lanes.map(({ index }) => h("option", { value: index, selected: index === lane }, laneName(boot, run, index))),
    );
    this.root.showModal();
    void this.#preview();
  }

  /** The chosen figure. */
  get #chosen() {
    const { run, boot, dark } = this.store.state;
    const figure = boot.figures[this.which.value];
    return { run: /** @type {import("./run.js").Run} */ (run), name: this.which.value, figure, dark };
  }

  /** @param {Format} format @returns {Promise<Blob>} */
  async #picture(format) {
    const { run, name, figure, dark } = this.#chosen;
    const address = addressOf(this.base, run.id, `figure-${name}.json?theme=${dark ? "dark" : "light"}`);
    const [plotly, drawn] = await Promise.all([loadPlotly(this.base), ask(address).then((answer) => answer.json())]);
    const { data, layout } = drawn[figure.per_run ? Number(this.lane.value) : 0];
    const size = { width: WIDTH, height: layout.height ?? HEIGHT };
    const scale = format === "png" ? SHARPNESS : 1;
    const picture = await plotly.toImage({ data, layout }, { format, ...size, scale, imageDataOnly: true });
    return format === "svg"
      ? new Blob([picture], { type: "image/svg+xml" })
      : new Blob([Uint8Array.from(atob(picture), (byte) => byte.charCodeAt(0))], { type: "image/png" });
  }

  async #preview() {
    const { figure } = this.#chosen;
    this.asked += 1;
    const { asked } = this;
    this.lane.hidden = !figure.per_run || this.lane.options.length < 2;
    say(this.help, `${figure.question} ${figure.help}`);
    say(this.status, "Drawing…");
    try {
      const picture = await this.#picture("svg");
      if (asked !== this.asked) return;
      URL.revokeObjectURL(this.image.src);
      this.image.src = URL.createObjectURL(picture);
      this.image.alt = `${figure.title}: ${figure.question}`;
      say(this.status, "");
    } catch (error) {
      if (asked === this.asked) this.#fail(error);
    }
  }

  /** @param {Format} format */
  async #save(format) {
    try {
      say(this.status, "Drawing…");
      const { figure, name } = this.#chosen;
      const picture = await this.#picture(format);
      const file = `credit-viz-${name}${figure.per_run ? `-${Number(this.lane.value) + 1}` : ""}.${format}`;
      save(picture, file);
      say(this.status, `Saved as ${file}.`);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    say(this.status, `Not drawn: ${/** @type {Error} */ (error).message}.`);
  }
}

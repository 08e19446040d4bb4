/**
 * The page in a file of its own (credit_viz/web/standalone.py): mounts the same views on a run that lies in the file,
 * and answers what they would ask a server. Knows the file's parts; fetches nothing.
 */

import { positionOf } from "./cells.js";
import { providePlotly } from "./charts.js";
import { openPacket } from "./codec.js";
import { h, say } from "./dom.js";
import { mount } from "./main.js";
// what a served page fetches when it is first shown lies in the file, too
import "./meanstep.js";
import "./reasons.js";
import { Run } from "./run.js";

/**
 * @param {{boot: any, packets: string[]}} page
 * @param {{text: (id: string) => Promise<string>, unpack: (id: string) => Promise<string>, nonce: string}} file
 */
export async function start({ boot, packets }, file) {
  document.querySelector(".cv-head")?.append(themeSwitch());
  providePlotly(() => plotlyOf(file));
  const cells = once(async () => openPacket(await file.text("cv-cells")));
  const run = once(async () => runOf(packets));
  const server = {
    packets: async () => packets,
    welcome: async () => packets,
    position: async (/** @type {{position: number}} */ { position }) =>
      positionOf(await cells(), await run(), position),
  };
  const element = /** @type {HTMLElement} */ (document.querySelector(".cv-mount"));
  await mount({ element, base: "", server, props: {}, watch: () => {}, boot });
}

/** @template T @param {() => Promise<T>} make @returns {() => Promise<T>} made when first asked for */
function once(make) {
  /** @type {Promise<T> | null} */
  let made = null;
  return () => (made ??= make());
}

/** @param {string[]} packets */
async function runOf(packets) {
  const [first, ...rest] = await Promise.all(packets.map(openPacket));
  const run = new Run(first);
  for (const packet of rest) run.apply(packet);
  return run;
}

/** @param {{unpack: (id: string) => Promise<string>, nonce: string}} file @returns {Promise<any>} the Plotly object */
async function plotlyOf(file) {
  const script = h("script", {}, await file.unpack("cv-plotly"));
  script.nonce = file.nonce;
  document.head.append(script);
  return /** @type {any} */ (window).Plotly;
}

/** Light or dark as the reader's system is, until the reader says otherwise. */
function themeSwitch() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = h("button", { class: "cv-theme", type: "button" });
  const turn = (/** @type {boolean} */ dark) => {
    root.classList.toggle("dark", dark);
    root.style.colorScheme = dark ? "dark" : "light";
    say(button, dark ? "Light" : "Dark");
    button.setAttribute("aria-label", dark ? "Light colours" : "Dark colours");
  };
  const follow = () => turn(system.matches);
  system.addEventListener("change", follow);
  button.addEventListener("click", () => {
    system.removeEventListener("change", follow);
    turn(!root.classList.contains("dark"));
  });
  follow();
  return button;
}

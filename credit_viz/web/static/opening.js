/**
 * Trace files dropped on the page, or chosen by a button: sent to the server, checked there, shown like any run. Knows
 * the store, the link to the server and the server's address for files.
 */

import { choiceOfRun } from "./address.js";
import { h, say } from "./dom.js";
import { fillForm } from "./gallery.js";
import { inline } from "./text.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./live.js").Live} Live */

/** This visit's name, by which the server counts what it keeps. */
const visit = () => Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(16)).join("");

/**
 * The button, its hidden input, and the veil that says where to drop.
 * @param {Store} store @param {Live} live @param {string} base
 * @returns {{link: Node, veil: Node}}
 */
export function openingView(store, live, base) {
  const name = visit();
  const open = (/** @type {File[]} */ files) => void opened(store, live, base, name, files);
  const input = h("input", { type: "file", accept: ".safetensors", multiple: true, hidden: true });
  input.addEventListener("change", () => {
    open([...input.files]);
    input.value = ""; // the same file can be chosen again
  });
  const button = h("button", { class: "cv-link", type: "button", onclick: () => input.click() }, "Open a trace");
  const veil = h(
    "div",
    { class: "cv-veil", hidden: true },
    h("p", {}, h("b", {}, "Drop to open"), "Trace files (.safetensors); several of one prompt become lanes."),
  );
  listen(veil, open);
  return { link: h("span", {}, button, input), veil };
}

/** Where an opened run comes from, and its prompt where there is no prompt box. @param {Store} store @returns {Node} */
export function openedView(store) {
  const words = h("small", {});
  const prompt = h("span", { dir: "auto", hidden: store.state.boot.can.run });
  const root = h("p", { class: "cv-opened", "aria-label": "Opened traces" }, words, prompt);
  store.view(["run"], ({ run }) => {
    const files = run?.about.opened;
    root.hidden = !files;
    if (!run || !files) return;
    say(words, `Opened from ${files.map(inline).join(", ")}, recorded on ${inline(run.lanes[0].info.model)}.`);
    say(prompt, inline(run.about.prompt) || "(no prompt text)");
  });
  return root;
}

/** @param {HTMLElement} veil @param {(files: File[]) => void} open */
function listen(veil, open) {
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  let inside = 0; // every element that is entered is left again
  const show = (/** @type {number} */ by) => {
    inside = Math.max(0, inside + by);
    veil.hidden = inside === 0;
  };
  document.addEventListener("dragenter", (event) => hasFiles(event) && show(1));
  document.addEventListener("dragleave", (event) => hasFiles(event) && show(-1));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(-inside);
    open([...(event.dataTransfer?.files ?? [])]);
  });
}

/** @param {Store} store @param {Live} live @param {string} base @param {string} visit @param {File[]} files */
async function opened(store, live, base, visit, files) {
  if (!files.length) return;
  if (store.state.live !== "idle") return store.set({ error: "A run is on. Stop it first, then open a trace." });
  store.set({ error: "" });
  try {
    const run = await send(store.state.boot.limits, base, visit, files);
    const packets = await live.server.packets({ run, from: 0 });
    if (!Array.isArray(packets)) throw new Error(packets?.error ?? "the server did not answer");
    if (store.state.live !== "idle") throw new Error("a run was started meanwhile");
    await live.show(packets);
    intoForm(store);
  } catch (error) {
    store.set({ error: `Not opened: ${/** @type {Error} */ (error).message}` });
  }
}

/** Put the opened run's prompt and choice into the form, so that it can be run again. @param {Store} store */
function intoForm(store) {
  const { run, boot, options } = store.state;
  if (run?.about.opened && boot.can.run) fillForm(store, run.about.prompt, choiceOfRun(run, options));
}

/**
 * @param {{lanes: number, bytes: number}} limits @param {string} base @param {string} visit @param {File[]} files
 * @returns {Promise<string>} the run they became
 */
async function send(limits, base, visit, files) {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (files.length > limits.lanes)
    throw new Error(`${files.length} trace files; valid: 1 to ${limits.lanes}, the lanes of one run`);
  if (size > limits.bytes)
    throw new Error(`the files hold ${megabytes(size)}; valid: up to ${megabytes(limits.bytes)} in all`);
  const parts = files.flatMap((file) => [
    ["name", file.name],
    ["size", String(file.size)],
  ]);
  const asked = new URLSearchParams(parts);
  let answer;
  try {
    const address = new URL(`../open?${asked}`, base);
    const told = await fetch(address, { method: "POST", headers: { "X-Credit-Viz": visit }, body: new Blob(files) });
    answer = await told.json();
  } catch {
    throw new Error("the files could not be sent: the server does not answer, or they are no longer there");
  }
  if (answer.error) throw new Error(answer.error);
  return answer.run;
}

/** @param {number} bytes */
const megabytes = (bytes) => `${Math.ceil(bytes / (1 << 20))} MB`;

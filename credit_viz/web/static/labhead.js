/**
 * The head of the sweep on show: its name, the answer in one sentence, its facts, and what it can be taken away as.
 * Knows the lab's state and the server's addresses.
 */

import { labLink } from "./address.js";
import { fill, h, say } from "./dom.js";
import { viewText } from "./lablink.js";
import { isUnderWay } from "./labstate.js";
import { ask, nameOf, save } from "./save.js";

/** @typedef {import("./labstate.js").Lab} Lab */

const FILES = [
  ["report.html", "Report, HTML"],
  ["runs.csv", "CSV"],
  ["runs.parquet", "Parquet"],
];
const LONG_ANSWER = 130; // characters

/** @param {Lab} lab @param {Node} progress of one that is not done @returns {Node} */
export function headView(lab, progress) {
  const title = h("h2", { class: "cv-lab-title" });
  const lead = h("p", { class: "cv-lab-lead" });
  const rest = h("p", { class: "cv-lab-rest" });
  const facts = h("dl", { class: "cv-lab-facts" });
  const how = h("details", { class: "cv-lab-how" }, h("summary", {}, "How it was run"), facts);
  lab.store.view(["sweep", "sweeps"], ({ sweep, sweeps }) => {
    say(title, sweeps?.find(({ id }) => id === sweep)?.title ?? "");
  });
  lab.store.view(["table", "status"], ({ table, status }) => {
    const [answer, ...others] = sentences(table?.lead ?? "");
    say(lead, answer && status && isUnderWay(status) ? `So far: ${answer[0].toLowerCase()}${answer.slice(1)}` : answer);
    say(rest, others.join(" "));
    lead.classList.toggle("long", answer.length > LONG_ANSWER);
    lead.hidden = !answer;
    rest.hidden = !others.length;
    how.hidden = table === null;
    fill(facts, Object.entries(table?.facts ?? {}).map(fact));
  });
  return h("header", { class: "cv-lab-head" }, title, progress, lead, rest, h("div", { class: "cv-lab-line" }, how, takeAway(lab)));
}

/** The answer comes first, what it rests on after it. @param {string} text @returns {string[]} at least one */
export const sentences = (text) => text.split(/(?<=[.!?]) (?=[A-Z])/);

/** @param {[string, any]} entry */
const fact = ([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { dir: "auto" }, String(value)));

/** @param {Lab} lab */
function takeAway(lab) {
  const status = h("span", { class: "cv-lab-saved", role: "status", "aria-live": "polite" });
  const files = FILES.map(([file, words]) =>
    h("button", { type: "button", class: "cv-link", onclick: async () => say(status, await download(lab, file)) }, words),
  );
  const copy = h("button", { type: "button", class: "cv-link" }, "Copy the command");
  copy.addEventListener("click", async () => {
    say(status, await copied(lab.store.state.table.command));
  });
  const link = h("button", { type: "button", class: "cv-link" }, "Copy the link");
  link.addEventListener("click", async () => say(status, await linked(lab)));
  const root = h("div", { class: "cv-lab-take", role: "group", "aria-label": "Take away" }, files, copy, link, status);
  lab.store.view(["table"], ({ table }) => {
    root.hidden = table === null;
    copy.hidden = !table?.command;
  });
  return root;
}

/** @param {Lab} lab @param {string} file @returns {Promise<string>} what happened */
async function download({ store, base }, file) {
  const sweep = encodeURIComponent(/** @type {string} */ (store.state.sweep));
  try {
    const answer = await ask(new URL(`../sweep/${sweep}/${file}`, base).href);
    const name = nameOf(answer);
    save(await answer.blob(), name);
    return `Saved as ${name}.`;
  } catch (error) {
    return `Not saved: ${/** @type {Error} */ (error).message}.`;
  }
}

/** The link to what is on show. @param {Lab} lab @returns {Promise<string>} what happened */
async function linked({ store, race }) {
  const { left } = viewText(store.state);
  const said = await copied(`${location.origin}${location.pathname}?${labLink(race.state)}`, "link");
  return left.length ? `${said} It leaves out ${left.join(" and ")}: too many for a link.` : said;
}

/** @param {string} text @param {string} [name] @returns {Promise<string>} what happened */
export async function copied(text, name = "command") {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    return `This browser does not let the page copy. The ${name} is ${text}`;
  }
}

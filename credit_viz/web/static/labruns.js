/**
 * A sheet with the runs of a setting: prompt, forward passes, right or wrong. Where the page can run them, a click
 * does. Knows what `lab_runs` lists; asks nothing itself.
 */

import { fill, h } from "./dom.js";
import { promptName, verdictsOf } from "./labwalk.js";
import { sheet } from "./sheet.js";
import { inline } from "./text.js";

/** @typedef {import("./labwalk.js").SweptRun} SweptRun */

export class RunsSheet {
  /** @param {string} base folder of the page's files @param {string} [title] */
  constructor(base, title = "Runs of a setting") {
    this.body = h("div", {});
    const style = h("link", { rel: "stylesheet", href: `${base}labstrip.css` });
    this.dialog = sheet("runs", title, style, this.body);
    this.dialog.addEventListener("close", () => this.dialog.remove());
    document.querySelector("#view .cv")?.append(this.dialog);
  }

  /**
   * @param {object} shown
   * @param {string} shown.name of the setting @param {string} [shown.note] above the list
   * @param {SweptRun[]} shown.runs @param {Node | false} [shown.settings] the way to other settings
   * @param {number} [shown.at] the one on show @param {((run: SweptRun) => void) | null} [shown.open]
   */
  show({ name, note = "", runs, settings = false, at = -1, open = null }) {
    const go = (/** @type {SweptRun} */ run) => {
      this.dialog.close();
      open?.(run);
    };
    const rows = runs.map((run, i) => row(run, promptName(runs, run), i === at, open && go));
    const columns = ["Prompt", "", "Passes", "Answer"].map((words) => h("th", { scope: "col" }, words));
    const head = h("thead", {}, h("tr", {}, columns));
    fill(
      this.body,
      note && h("p", { class: "cv-help" }, note),
      h("h3", { class: "cv-sub" }, name),
      settings,
      h("table", { class: "cv-runs-table" }, head, h("tbody", {}, rows)),
    );
    if (!this.dialog.open) this.dialog.showModal();
  }
}

/**
 * @param {SweptRun} run @param {string} prompt its name @param {boolean} current
 * @param {((run: SweptRun) => void) | null} open
 */
function row(run, prompt, current, open) {
  const { right, words } = verdictsOf(run);
  const name = open
    ? h("button", { class: "cv-link", type: "button", onclick: () => open(run) }, prompt)
    : h("span", {}, prompt);
  return h(
    "tr",
    { "aria-current": current ? "true" : null },
    h("th", { scope: "row" }, name),
    h("td", { class: "cv-runs-text", dir: "auto", title: run.text }, inline(run.text)),
    h("td", { class: "cv-runs-number" }, [run.beside, run].flatMap((each) => (each ? [each.passes ?? "–"] : [])).join(" and ")),
    h("td", { class: "cv-trail-verdict", data: { right } }, words),
  );
}

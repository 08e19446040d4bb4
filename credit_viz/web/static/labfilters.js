/**
 * Chips that keep part of a sweep: decoders, tasks, knob values. None pressed in a row keeps all of it. The server
 * aggregates anew what is kept.
 */

import { fill, h, refill, say } from "./dom.js";
import { valueText, words } from "./labrows.js";
import { noFilters } from "./labstate.js";
import { decoderTitle } from "./names.js";
import { counted } from "./text.js";

/** @typedef {import("./labstate.js").Lab} Lab */
/** @typedef {import("./labstate.js").Filters} Filters */

const FIRST = ["decoder", "task"]; // always in sight; knobs and options open on demand

/**
 * Filters after a chip was pressed; a row with none pressed, or all, keeps all.
 * @param {Filters} filters @param {string} column @param {any} value @param {any[]} valid
 */
export function toggled(filters, column, value, valid) {
  const kept = filters.columns[column] ?? [];
  const next = kept.includes(value) ? kept.filter((other) => other !== value) : [...kept, value];
  const { [column]: _, ...others } = filters.columns;
  const all = next.length === 0 || next.length === valid.length;
  return { ...filters, columns: all ? others : { ...others, [column]: valid.filter((each) => next.includes(each)) } };
}

/** @param {Filters} filters */
export const isFiltered = ({ columns, rows }) => rows !== null || Object.keys(columns).length > 0;

/** @param {Lab} lab @returns {Node} */
export function filtersView(lab) {
  const { store } = lab;
  const first = h("div", { class: "cv-pic-chips" });
  const rest = h("div", { class: "cv-pic-chips" });
  const summary = h("summary", {});
  const more = h("details", { class: "cv-pic-more" }, summary, rest);
  const kept = h("div", { class: "cv-pic-kept" });
  const root = h("section", { class: "cv-pic-filters", "aria-label": "Filters" }, first, more, kept);
  store.view(["table", "filters"], ({ table, filters }) => {
    root.hidden = table === null;
    if (!table) return;
    const offered = Object.entries(table.filterable).filter(([, valid]) => valid.length > 1);
    const row = (/** @type {[string, any[]]} */ [column, valid]) => chipRow(lab, column, valid);
    refill(first, offered.filter(([column]) => FIRST.includes(column)).map(row));
    const knobs = offered.filter(([column]) => !FIRST.includes(column));
    more.hidden = !knobs.length;
    const active = knobs.filter(([column]) => filters.columns[column]).length;
    say(summary, `Filter by ${counted(knobs.length, "knob or option", "knobs and options")}${active ? `: ${active} in use` : ""}`);
    refill(rest, knobs.map(row));
    fill(kept, isFiltered(filters) ? keptParts(lab, table.rows) : null);
  });
  return root;
}

/** @param {Lab} lab @param {string} column @param {any[]} valid */
function chipRow(lab, column, valid) {
  const { store, race } = lab;
  const kept = store.state.filters.columns[column] ?? [];
  const name = (/** @type {any} */ value) =>
    column === "decoder" ? decoderTitle(race.state.boot, value) : valueText(value);
  const chip = (/** @type {any} */ value, /** @type {number} */ i) =>
    h(
      "button",
      {
        type: "button",
        class: "cv-pic-chip",
        "aria-pressed": String(kept.includes(value)),
        data: { key: `${column} ${i}` },
        onclick: () => store.set({ filters: toggled(store.state.filters, column, value, valid) }),
      },
      name(value),
    );
  const id = `cv-pic-by-${column}`;
  return h(
    "div",
    { class: "cv-pic-chip-row", role: "group", "aria-labelledby": id },
    h("span", { class: "cv-pic-chip-name", id }, words(column)),
    valid.map(chip),
  );
}

/** @param {Lab} lab @param {number} rows */
function keptParts({ store }, rows) {
  const { filters } = store.state;
  const picked = filters.rows ? `${counted(filters.rows.length, "setting")} kept by hand. ` : "";
  return [
    h("span", {}, `${picked}${counted(rows, "setting")} on show.`),
    h(
      "button",
      { type: "button", class: "cv-pic-act", onclick: () => store.set({ filters: noFilters() }) },
      "Show all",
    ),
  ];
}

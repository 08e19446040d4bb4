/**
 * How long settled answers had to wait: how many tokens waited how long, and each token by its two steps. Puts the
 * two charts and their numbers together; knows lanes only to count them.
 */

import { fill, h } from "./dom.js";
import { histogram } from "./histogram.js";
import { laneName } from "./names.js";
import { numbersTable } from "./numbers.js";
import { tokenTable } from "./orderview.js";
import { scatter } from "./scatter.js";
import { steps as stepCount } from "./text.js";

/** @param {import("./compare.js").Tools} tools @returns {import("./compare.js").CompareView} */
export function waitsView({ store, base }) {
  const means = h("p", { class: "cv-keys" });
  const [bars, dots] = [histogram(base), scatter(store, base)];
  const numbers = numbersTable("Steps of every text token");
  const root = h("div", {}, means, h("div", { class: "cv-waits" }, bars.root, dots.root), numbers.root);
  /** @type {import("./compare.js").CompareView["draw"]} */
  const draw = async (run, state) => {
    const names = run.lanes.map((lane) => laneName(state.boot, run, lane.index));
    fill(
      means,
      "Waited on average: ",
      run.lanes.map((lane) => meanWait(lane, names[lane.index])),
    );
    numbers.show(() => tokenTable(run, names));
    await bars.draw(run, state, names);
    await dots.draw(run, state, names);
  };
  return { root, draw, point: dots.point };
}

/** @param {import("./lane.js").Lane} lane @param {string} name */
function meanWait(lane, name) {
  const wait = stepCount(lane.meanWait);
  return h(
    "span",
    { class: "cv-key cv-lane", data: { lane: String(lane.index) } },
    h("b", { class: "cv-lane-name" }, name),
    `${wait} ${wait === "1" ? "step" : "steps"}`,
  );
}

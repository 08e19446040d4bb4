/**
 * The one place where the page's state lives. Views read it and subscribe to keys; changes are drawn once per frame.
 * Knows no view and no data format.
 */

/**
 * What one lane of the next run will use; a knob that is absent takes its default, null leaves it to the decoder.
 * `interventions` is what was changed by hand: a token that was written at a position after a step (null: un-written).
 * @typedef {{decoder: string, settings: Record<string, number | string | null>,
 *   interventions?: {step: number, position: number, token: number | null}[]}} LaneChoice
 */

/**
 * @typedef {object} State
 * @property {any} boot what the server says about decoders, examples, model and style
 * @property {"race" | "lab"} place which place of the page is on show
 * @property {string | null} sweep the sweep that the lab shows, null for the first it has
 * @property {string} seen what the lab shows of it, as its address says
 * @property {import("./run.js").Run | null} run the run on show
 * @property {number} version grows whenever data of the run changes
 * @property {number} step shown step, 0 = before the first
 * @property {boolean} follow keep up with a live run
 * @property {boolean} playing
 * @property {number} speed steps per second
 * @property {"idle" | "asked" | "running" | "cancelling"} live
 * @property {string} error one sentence, "" when all is well
 * @property {import("./notice.js").Notice | null} notice something to know that is no error
 * @property {boolean} coming a first run is on its way: its place is kept
 * @property {string} tab which map
 * @property {string} compare which comparison of lanes
 * @property {[number, number]} pair lanes that are compared
 * @property {string} quantity what the difference map compares
 * @property {import("./frame.js").Zoom | null} zoom part of the maps on show, null for all of it
 * @property {boolean} table are the maps shown as a table?
 * @property {number | null} selected position under inspection
 * @property {number} lane lane in front (phone tabs, inspector)
 * @property {{lane: number, position: number, step: number | null} | null} hover
 * @property {any} exact exact numbers of the selected position, or null
 * @property {import("./whatif.js").Supposed | null} supposed what other knobs would have written, drawn over the maps
 * @property {LaneChoice[]} lanes what the next run will use
 * @property {number} wanted grows when the lanes of the next run shall be run at once
 * @property {string} asked what the last run was asked to be, see rerun.js
 * @property {boolean} behind is a run being made behind the one on show?
 * @property {boolean} atOnce run again as soon as something changes, where that is quick
 * @property {boolean} costs are all numbers on show?
 * @property {boolean} drawer are decoders and settings on show?
 * @property {number} editing lane whose knobs the drawer shows, -1 for none
 * @property {Record<string, any>} options gen_length, block_length, seed, early_stop, cache of the next run
 * @property {boolean} dark
 * @property {boolean} contrast high contrast
 * @property {boolean} help is the help sheet open?
 * @property {import("./trail.js").Trail | null} trail the way from the lab to the run on show, null where there is none
 */

/** @template {object} [S=State] */
export class Store {
  /** @type {Set<keyof S>} */
  #changed = new Set();
  /** @type {{keys: (keyof S)[], draw: (state: S) => void}[]} */
  #views = [];
  #scheduled = false;

  /** @param {S} initial @param {(draw: () => void) => void} [schedule] */
  constructor(initial, schedule = (draw) => requestAnimationFrame(draw)) {
    /** @type {S} */
    this.state = initial;
    this.schedule = schedule;
  }

  /** Change some keys; views of keys that really changed are drawn in the next frame. @param {Partial<S>} patch */
  set(patch) {
    for (const key of /** @type {(keyof S)[]} */ (Object.keys(patch))) {
      if (Object.is(this.state[key], patch[key])) continue;
      /** @type {any} */ (this.state)[key] = patch[key];
      this.#changed.add(key);
    }
    if (this.#changed.size && !this.#scheduled) {
      this.#scheduled = true;
      this.schedule(() => this.flush());
    }
  }

  /**
   * Draw `view` whenever one of the keys changes, and once now.
   * @param {(keyof S)[]} keys @param {(state: S) => void} draw
   */
  view(keys, draw) {
    this.#views.push({ keys, draw });
    draw(this.state);
  }

  /** Draw what changed. */
  flush() {
    this.#scheduled = false;
    const changed = this.#changed;
    this.#changed = new Set();
    for (const { keys, draw } of this.#views) if (keys.some((key) => changed.has(key))) draw(this.state);
  }
}

/** Where the shown step may go. @param {State} state @param {number} step */
export function clampStep(state, step) {
  return Math.max(0, Math.min(state.run?.steps ?? 0, Math.round(step)));
}

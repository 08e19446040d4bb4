/**
 * What the next run will use, lane by lane: adding, copying, removing and changing lanes. Pure functions; a lane is
 * never changed in place. Knows what the server says of decoders; nothing of the store or of views.
 */

/** @typedef {import("./store.js").LaneChoice} LaneChoice */

/** Decoders worth a look beside others, in this order. */
const WORTH_ADDING = ["credit", "vanilla", "threshold", "factor", "wino"];

/** A lane with the knobs that suit the served model. @param {any} boot @param {string} decoder @returns {LaneChoice} */
export const freshLane = (boot, decoder) => ({ decoder, settings: { ...boot.settings[decoder] } });

/** Is there room for another lane? @param {any} boot @param {LaneChoice[]} lanes */
export const hasRoom = (boot, lanes) => lanes.length < boot.limits.lanes;

/** One lane more, with a decoder that none has yet. @param {any} boot @param {LaneChoice[]} lanes @returns {LaneChoice[]} */
export function added(boot, lanes) {
  const used = lanes.map(({ decoder }) => decoder);
  const offered = Object.keys(boot.decoders);
  const [next] = [...WORTH_ADDING, ...offered].filter((name) => offered.includes(name) && !used.includes(name));
  return hasRoom(boot, lanes) ? [...lanes, freshLane(boot, next ?? used[0])] : lanes;
}

/** A second lane like this one, right behind it. @param {any} boot @param {LaneChoice[]} lanes @param {number} index */
export const duplicated = (boot, lanes, index) =>
  hasRoom(boot, lanes) ? lanes.toSpliced(index + 1, 0, { ...lanes[index] }) : lanes;

/** The last lane stays. @param {LaneChoice[]} lanes @param {number} index */
export const removed = (lanes, index) => (lanes.length > 1 ? lanes.toSpliced(index, 1) : lanes);

/**
 * Another decoder in a lane: what was changed by hand belongs to the old one.
 * @param {any} boot @param {LaneChoice[]} lanes @param {number} index @param {string} decoder
 */
export const withDecoder = (boot, lanes, index, decoder) => lanes.with(index, freshLane(boot, decoder));

/** @param {LaneChoice[]} lanes @param {number} index @param {LaneChoice["settings"]} settings */
export const withSettings = (lanes, index, settings) => lanes.with(index, { ...lanes[index], settings });

/**
 * One knob set; undefined takes its default again.
 * @param {LaneChoice[]} lanes @param {number} index @param {string} knob @param {number | string | null | undefined} value
 */
export function withKnob(lanes, index, knob, value) {
  const { [knob]: _, ...others } = lanes[index].settings;
  return withSettings(lanes, index, value === undefined ? others : { ...others, [knob]: value });
}

/** A lane in which nothing was changed by hand. @param {LaneChoice[]} lanes @param {number} index */
export function untouched(lanes, index) {
  const { interventions: _, ...lane } = lanes[index];
  return lanes.with(index, lane);
}

/**
 * The choice that makes a run again.
 * @param {import("./run.js").Run} run @param {Record<string, any>} options of the page, for what the run does not say
 * @returns {{lanes: LaneChoice[], options: Record<string, any>}}
 */
export function choiceFromRun(run, options) {
  const lanes = run.lanes.map(({ info: { decoder, settings, interventions } }) => ({
    decoder,
    settings: { ...settings },
    ...(interventions?.length ? { interventions } : {}),
  }));
  const { info } = run.lanes[0];
  const told = Object.keys(options).filter((name) => info[name] !== undefined);
  return { lanes, options: { ...options, ...Object.fromEntries(told.map((name) => [name, info[name]])) } };
}

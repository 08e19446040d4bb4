/**
 * What lanes are called: the decoder's title, and what sets a lane apart where two would be called the same.
 * Pure functions over what the server says of decoders; knows nothing of views.
 */

/** Title of a decoder. @param {any} boot @param {string} decoder */
export const decoderTitle = (boot, decoder) => boot.decoders[decoder]?.title ?? decoder;

/**
 * Settings that are not the decoder's defaults, e.g. "α 0.65, τ 0.95".
 * @param {any} boot @param {string} decoder @param {Record<string, any>} settings
 */
export function changedKnobs(boot, decoder, settings) {
  const knobs = boot.decoders[decoder]?.knobs ?? [];
  const changed = knobs.filter(
    (/** @type {any} */ knob) => settings[knob.name] !== undefined && settings[knob.name] !== knob.default,
  );
  return changed.map((/** @type {any} */ knob) => `${knob.symbol} ${settings[knob.name] ?? "auto"}`).join(", ");
}

/**
 * A name for each lane, all different: the title alone where it is the only one, else with its changed knobs, else
 * with its place.
 * @param {any} boot @param {{decoder: string, settings: Record<string, any>}[]} lanes
 * @returns {string[]}
 */
export function namesOf(boot, lanes) {
  const titles = lanes.map(({ decoder }) => decoderTitle(boot, decoder));
  const longer = lanes.map(({ decoder, settings }, i) => {
    if (titles.filter((title) => title === titles[i]).length === 1) return titles[i];
    const knobs = changedKnobs(boot, decoder, settings);
    return knobs ? `${titles[i]} ${knobs}` : titles[i];
  });
  return longer.map((name, i) => {
    const place = longer.slice(0, i).filter((other) => other === name).length;
    return place ? `${name} (${place + 1})` : name;
  });
}

/** The name of one lane of a run. @param {any} boot @param {import("./run.js").Run} run @param {number} lane */
export const laneName = (boot, run, lane) =>
  namesOf(
    boot,
    run.lanes.map(({ info }) => info),
  )[lane];

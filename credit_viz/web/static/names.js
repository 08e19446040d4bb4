/**
 * What lanes are called: the decoder's title, and what sets a lane apart where two would be called the same.
 * Pure functions over what the server says of decoders; knows nothing of views.
 */

import { quoted } from "./text.js";

const LONGEST = 20; // characters of a token in a name

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

/** @typedef {{step: number, position: number, token: number | null}} Intervention a change by hand */

/**
 * What was changed by hand, by its last change, e.g. "what if ␣she at 12".
 * @param {Intervention[]} changes at least one @param {(token: number) => string | undefined} textOf
 */
function handName(changes, textOf) {
  const { position, token } = changes[changes.length - 1];
  const others = changes.length > 1 ? ` (+${changes.length - 1})` : "";
  if (token === null) return `what if ${position} is taken back${others}`;
  const text = textOf(token);
  return `what if ${text === undefined ? `#${token}` : short(quoted(text))} at ${position}${others}`;
}

/** Some tokens are long rows of one sign. @param {string} text */
const short = (text) => {
  const signs = [...text];
  return signs.length > LONGEST ? `${signs.slice(0, LONGEST - 1).join("")}…` : text;
};

/**
 * A name for each lane, all different: its decoder's title, or what was changed by hand; where two are alike, with the
 * changed knobs or the decoder; where even these are, with its place.
 * @param {any} boot @param {{decoder: string, settings: Record<string, any>, interventions?: Intervention[]}[]} lanes
 * @param {(token: number) => string | undefined} [textOf] text of a token
 * @returns {string[]}
 */
export function namesOf(boot, lanes, textOf = () => undefined) {
  const titles = lanes.map(({ decoder, interventions = [] }) =>
    interventions.length ? handName(interventions, textOf) : decoderTitle(boot, decoder),
  );
  const longer = lanes.map(({ decoder, settings, interventions = [] }, i) => {
    if (titles.filter((title) => title === titles[i]).length === 1) return titles[i];
    if (interventions.length) return `${titles[i]}, ${decoderTitle(boot, decoder)}`;
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
    run.lanes.map(({ info }) => /** @type {any} */ (info)),
    (token) => run.textOf(token),
  )[lane];

/**
 * The model a run was made on: the one that is served, or what an opened trace says.
 * @param {any} boot @param {import("./run.js").Run} run
 */
export const modelOf = (boot, run) => (run.about.opened ? run.lanes[0].info.model : boot.model);

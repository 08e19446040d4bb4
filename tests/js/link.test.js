/** Links: what is on show becomes a query string and comes back, whatever the texts; what is not valid is named. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { modelId, readLink, runKey, writeLink } from "../../credit_viz/web/static/link.js";
import { randomText, randomness } from "./random.js";

const number = (/** @type {any} */ more) => ({ choices: [], unset: "", integer: false, ...more });
const threshold = number({ name: "threshold", minimum: 0, maximum: 1, default: 0.9 });
const boot = {
  model: "embedded model, 2.4 M parameters",
  decoders: {
    vanilla: {
      title: "Vanilla",
      knobs: [
        number({ name: "steps", minimum: 1, maximum: 4096, default: null, integer: true, unset: "one token each" }),
        { name: "order", choices: ["confidence", "margin"], default: "confidence", unset: "" },
      ],
    },
    threshold: { title: "Threshold", knobs: [threshold] },
    credit: {
      title: "CreditDecoding",
      knobs: [number({ name: "alpha", minimum: 0, maximum: 5, default: 0.7, unset: "1 - mask ratio" }), threshold],
    },
  },
  choice: {
    lanes: [
      { decoder: "vanilla", settings: {} },
      { decoder: "credit", settings: { threshold: 0.99 } },
    ],
    gen_length: 64,
    block_length: 32,
    seed: 0,
    early_stop: false,
    cache: "none",
  },
  caches: ["none", "prefix"],
  limits: { lanes: 4, length: 4096 },
  style: { maps: { waiting: {}, credit: {} } },
};
const { lanes: LANES, ...OPTIONS } = boot.choice;

/** @param {any} [changes] */
const shared = (changes = {}) => ({ prompt: "kite", choice: boot.choice, model: "embedded", view: {}, ...changes });

/** @param {string} query */
function read(query) {
  const found = readLink(boot, query);
  assert.ok(found);
  return found;
}

test("a link is short and can be read", () => {
  const credit = {
    decoder: "credit",
    settings: { alpha: null, threshold: 0.9 },
    interventions: [
      { step: 5, position: 12, token: 1234 },
      { step: 6, position: 3, token: null },
    ],
  };
  const choice = { ...OPTIONS, gen_length: 128, early_stop: true, lanes: [LANES[0], credit] };
  const link = writeLink(
    boot,
    shared({ prompt: "What is 2 + 2?", choice, view: { step: 9, token: 0, front: 1, map: "credit" } }),
  );
  assert.equal(
    link,
    "prompt=What+is+2+%2B+2?&lane=vanilla&lane=credit;alpha=auto;write=5.12.1234;unwrite=6.3" +
      "&length=128&early=1&step=9&token=0&front=1&map=credit&model=embedded",
  );
  assert.deepEqual(read(link).choice.lanes, [LANES[0], { ...credit, settings: { alpha: null } }]);
  assert.equal(writeLink(boot, shared()), "prompt=kite&lane=vanilla&lane=credit;threshold=0.99&model=embedded");
});

/** @param {ReturnType<typeof randomness>} random @returns {any} */
function randomJson(random) {
  return random.pick([
    () => randomText(random),
    () => random.below(1000) / 8,
    () => null,
    () => random.chance(),
    () => [randomText(random), random.below(9)],
    () => Object.fromEntries([[randomText(random), random.below(9)]]),
  ])();
}

/** @param {ReturnType<typeof randomness>} random */
function randomLane(random) {
  const decoder = random.pick(Object.keys(boot.decoders));
  /** @type {any} */
  const settings = {};
  for (const knob of /** @type {any} */ (boot.decoders)[decoder].knobs) {
    if (random.chance()) continue;
    if (knob.choices.length) settings[knob.name] = random.pick(knob.choices);
    else if (knob.unset && random.chance()) settings[knob.name] = null;
    else settings[knob.name] = knob.integer ? 1 + random.below(99) : (knob.maximum * random.below(1001)) / 1000;
  }
  const hand = () => ({ step: 1 + random.below(99), position: random.below(64), token: random.pick([null, 0, 126336]) });
  const interventions = Array.from({ length: random.below(3) }, hand);
  const novel = random.below(4) ? {} : { [`${randomText(random)}x`]: randomJson(random) };
  return { decoder, settings, ...(interventions.length ? { interventions } : {}), ...novel };
}

/** @param {ReturnType<typeof randomness>} random */
function randomShared(random) {
  const novel = random.chance() ? {} : { [`${randomText(random)}y`]: randomJson(random), given: { 3: 17 } };
  const choice = {
    ...OPTIONS,
    gen_length: 1 + random.below(4096),
    block_length: random.pick([32, 64]),
    seed: random.pick([0, 7, 2 ** 31 - 1]),
    early_stop: random.chance(),
    cache: random.pick(boot.caches),
    ...novel,
    lanes: Array.from({ length: 1 + random.below(4) }, () => randomLane(random)),
  };
  /** @type {any} */
  const view = { step: random.below(200), token: random.pick([null, 0, 63]), front: 1 + random.below(4), map: "credit" };
  for (const name of Object.keys(view)) if (random.chance()) delete view[name];
  return { prompt: randomText(random).toWellFormed(), choice, model: random.pick(["embedded", "a/b", randomText(random)]), view };
}

/** Settings that are the default say nothing. @param {any} lane */
function bare({ decoder, settings, ...others }) {
  const { knobs } = /** @type {any} */ (boot.decoders)[decoder];
  const changed = knobs.filter((/** @type {any} */ k) => k.name in settings && settings[k.name] !== k.default);
  return { decoder, settings: Object.fromEntries(changed.map((/** @type {any} */ k) => [k.name, settings[k.name]])), ...others };
}

test("2,000 random states, hostile texts among them, come back as they were", () => {
  const random = randomness(5);
  for (let i = 0; i < 2000; i += 1) {
    const before = randomShared(random);
    const link = writeLink(boot, before);
    const { problems, ...after } = read(`?${link}`);
    assert.deepEqual(problems, [], link);
    assert.deepEqual(after, { ...before, choice: { ...before.choice, lanes: before.choice.lanes.map(bare) } }, link);
    assert.equal(writeLink(boot, after), link);
    assert.match(link, /^[\w\-.~!*'();:@&=+$,/?%]*$/, "only characters that may stand in a query");
    assert.equal(new URL(`https://example.org/?${link}`).search, `?${link.replaceAll("'", "%27")}`);
  }
});

for (const [query, words] of /** @type {[string, RegExp][]} */ ([
  ["lane=bogus", /no decoder “bogus” here; lane 1 of the link is left out/],
  ["lane=toString", /no decoder “toString” here/],
  ["lane=credit;alpha=9", /“alpha=9” is nothing that lane 1 \(CreditDecoding\) can use/],
  ["lane=credit;alpha=", /“alpha=” is nothing/],
  ["lane=credit;threshold=auto", /“threshold=auto” is nothing/],
  ["lane=vanilla;steps=2.5", /“steps=2.5” is nothing/],
  ["lane=vanilla;order=sideways", /“order=sideways” is nothing/],
  ["lane=credit;write=5.12", /“write=5.12” is nothing/],
  ["lane=credit;unwrite=5.x", /“unwrite=5.x” is nothing/],
  ["lane=credit;also.x={", /“also.x={” is nothing/],
  ["length=0", /The link's length is “0”, which is not valid here/],
  ["length=99999999999999999999", /length is/],
  ["seed=-1", /seed is “-1”/],
  ["early=yes", /early is “yes”/],
  ["cache=dual", /cache is “dual”/],
  ["also.given={", /“also.given” is “{”/],
  ["step=later", /step is “later”/],
  ["token=-3", /token is “-3”/],
  ["front=0", /front is “0”/],
  ["map=treasure", /map is “treasure”/],
  ["colour=red", /The link's “colour” means nothing here/],
  ["step=%3Cimg src%3Dx onerror%3Dalert(1)%3E%E2%80%AE", /step is “<img src=x onerror=alert\(1\)>‹202E›”/],
  [`step=${"x".repeat(500)}`, /“x{40}…”/],
]))
  test(`what is not valid is left out and named: ${query.slice(0, 60)}`, () => {
    const { problems, choice, view } = read(`prompt=kite&${query}`);
    assert.equal(problems.length, 1, problems.join(" "));
    assert.match(problems[0], words);
    assert.deepEqual(choice, { ...OPTIONS, lanes: query.startsWith("lane=") ? choice.lanes : LANES });
    assert.deepEqual(view, {});
    for (const lane of choice.lanes) assert.ok(lane.decoder in boot.decoders);
  });

test("lanes beyond the limit are left out", () => {
  const { problems, choice } = read(`prompt=x${"&lane=vanilla".repeat(6)}`);
  assert.equal(choice.lanes.length, 4);
  assert.match(problems[0], /6 lanes; only the first 4/);
});

test("an address without a run is none", () => {
  assert.equal(readLink(boot, ""), null);
  assert.equal(readLink(boot, "?__theme=dark&utm_source=x&view=api"), null);
  assert.equal(readLink(boot, "?step=3"), null);
  assert.deepEqual(readLink(boot, "?lenght=3")?.problems, ["The link's “lenght” means nothing here."]);
});

test("equal runs have equal keys, whatever the view and the order of options", () => {
  const { cache, ...others } = boot.choice;
  const turned = { ...others, cache: "prefix", seed: 3 };
  assert.equal(
    runKey(boot, shared({ choice: { ...boot.choice, seed: 3, cache: "prefix" } })),
    runKey(boot, shared({ choice: turned, view: { step: 3 } })),
  );
  const all = { decoder: "credit", settings: { alpha: 0.7, threshold: 0.99 } };
  assert.equal(runKey(boot, shared({ choice: { ...boot.choice, lanes: [LANES[0], all] } })), runKey(boot, shared()));
  assert.notEqual(runKey(boot, shared({ prompt: "boat" })), runKey(boot, shared()));
  assert.notEqual(runKey(boot, shared({ model: "other" })), runKey(boot, shared()));
});

test("a model's name without its size", () => {
  assert.equal(modelId("embedded model, 2.4 M parameters"), "embedded");
  assert.equal(modelId("GSAI-ML/LLaDA-8B-Instruct, 8.0 B parameters"), "GSAI-ML/LLaDA-8B-Instruct");
  assert.equal(modelId("fake (0 M)"), "fake (0 M)");
});

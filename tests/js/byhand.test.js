import assert from "node:assert/strict";
import test from "node:test";

import { changed, givesWay, leadsTo, refusal, stands, stepOf, withLane } from "../../credit_viz/web/static/byhand.js";
import { hasGaps } from "../../credit_viz/web/static/given.js";
import { Lane, markOf } from "../../credit_viz/web/static/lane.js";
import { namesOf } from "../../credit_viz/web/static/names.js";

const MASK = 9;
const LIMITS = { lanes: 4, interventions: 64 };

/** A lane of four positions in two blocks; events are [step, position, token, reason] in order. */
function laneOf(events, { info = {}, given = {}, blocks = [0, 2, 0, 2, 2, 4, 2, 4], steps = 4 } = {}) {
  const described = { gen_length: 4, mask_id: MASK, eos_ids: [8], cache: "none", ...info };
  const lane = new Lane(0, described, (token) => token, Object.keys(given).map(Number), Object.values(given));
  const of = (place) => Uint16Array.from(events, (event) => event[place]);
  const counts = Array.from({ length: steps }, (_, i) => events.filter(([step]) => step === i + 1).length);
  const nothing = new Uint16Array(0);
  const arrays = {
    counts: new Uint16Array(steps),
    blocks: Uint16Array.from(blocks),
    positions: nothing,
    top: nothing,
    changed: nothing,
    winners: nothing,
    event_counts: Uint16Array.from(counts),
    event_positions: of(1),
    event_tokens: of(2),
    event_reasons: of(3),
  };
  assert.ok(lane.append({ from: 1, k: steps, planes: {} }, arrays));
  return lane;
}

const PLAIN = [
  [1, 0, 1, 1],
  [2, 1, 2, 1],
  [3, 2, 3, 1],
  [4, 3, 4, 1],
];
const reason = (lane, position, step, back = false) => refusal(lane, position, step, back, LIMITS);

test("a change is made after the shown step, or after the lane's last", () => {
  const lane = laneOf(PLAIN);
  assert.deepEqual([stepOf(lane, 3), stepOf(lane, 9)], [3, 4]);
  assert.deepEqual([stands(lane, 2, 2), stands(lane, 2, 3), stands(lane, 2, 99)], [false, true, true]);
});

test("what stands in a finished block can be replaced but not taken back", () => {
  const lane = laneOf(PLAIN);
  assert.equal(reason(lane, 0, 2, true), "");
  assert.equal(reason(lane, 0, 3, true), "its block was finished in step 2: go back to that step, or before");
  assert.equal(reason(lane, 0, 3), "");
  assert.equal(reason(lane, 3, 1), "");
});

test("a cache keeps finished blocks, and the dual one the blocks behind", () => {
  const prefix = laneOf(PLAIN, { info: { cache: "prefix" } });
  assert.match(reason(prefix, 0, 3), /finished in step 2/);
  assert.equal(reason(prefix, 3, 1), "");
  assert.match(reason(laneOf(PLAIN, { info: { cache: "dual" } }), 3, 1), /the dual cache/);
});

test("given tokens, step 0 and lanes that were changed too often are refused", () => {
  assert.match(reason(laneOf(PLAIN.slice(0, 3), { given: { 3: 5 } }), 3, 4), /given before the run/);
  assert.match(reason(laneOf(PLAIN), 0, 0), /go one step on first/);
  const many = Array.from({ length: 64 }, () => ({ step: 1, position: 1, token: 1 }));
  assert.match(reason(laneOf(PLAIN, { info: { interventions: many } }), 0, 1), /changed 64 times/);
});

test("what the end of the text has filled is taken back with that end only", () => {
  const ended = laneOf([
    [1, 0, 8, 1],
    [1, 1, 8, 5],
    [1, 2, 8, 5],
    [1, 3, 8, 5],
  ], { steps: 1, blocks: [0, 4] });
  assert.match(reason(ended, 1, 1, true), /end of the text has filled it/);
  assert.equal(reason(ended, 0, 1, true), "");
  assert.equal(reason(ended, 1, 1), "");
});

test("what a person did is neither the decoder's text nor its waiting", () => {
  const lane = laneOf([
    [1, 0, 1, 1],
    [1, 0, MASK, 9],
    [2, 1, 2, 9],
    [3, 0, 3, 1],
  ]);
  const [first, back, written] = lane.events;
  assert.deepEqual([first, back, written].map(markOf), ["written", "by_hand", "by_hand"]);
  assert.deepEqual([back.masks, written.masks], [true, false]);
  assert.deepEqual([lane.tokenBefore(first), lane.tokenBefore(back)], [-1, 1]);
  assert.deepEqual([lane.byHand(0), lane.byHand(1), lane.byHand(2)], [false, true, false]);
  assert.deepEqual([lane.isContent(0), lane.isContent(1)], [true, false]);
  assert.deepEqual([lane.takenBack, lane.edited, lane.wait(1)], [0, 0, 0]);
});

test("a change drops those after it, and replaces one at its own place and step", () => {
  const at = (step, position, token = 1) => ({ step, position, token });
  const lane = { decoder: "credit", settings: {}, interventions: [at(1, 0), at(3, 1), at(3, 2), at(5, 0)] };
  assert.deepEqual(changed(lane, at(3, 2, 7)).interventions, [at(1, 0), at(3, 1), at(3, 2, 7)]);
  assert.equal(lane.interventions.length, 4);
  assert.deepEqual(changed({ decoder: "credit", settings: {} }, at(3, 2)).interventions, [at(3, 2)]);
});

test("where there is no room, the newest lane by hand gives way, else the last that is not copied", () => {
  const [plain, hand] = [{}, { interventions: [{ step: 1, position: 0, token: 1 }] }];
  assert.equal(givesWay([plain, plain, plain], 0, LIMITS), -1);
  assert.equal(givesWay([plain, hand, hand, plain], 0, LIMITS), 2);
  assert.equal(givesWay([plain, plain, plain, plain], 0, LIMITS), 3);
  assert.equal(givesWay([plain, plain, plain, plain], 3, LIMITS), 2);
});

test("the new lane is the copied one and the change", () => {
  const choice = { seed: 1, lanes: [{ decoder: "vanilla", settings: {} }, { decoder: "credit", settings: { alpha: 1 } }] };
  const change = { step: 2, position: 3, token: null };
  const { choice: made, place } = withLane(choice, 1, change, LIMITS);
  assert.deepEqual(made.lanes[2], { decoder: "credit", settings: { alpha: 1 }, interventions: [change] });
  assert.deepEqual([place, made.seed, choice.lanes.length], [2, 1, 2]);
  const run = { lanes: [{ info: {} }, { info: { interventions: [change] } }] };
  assert.deepEqual([leadsTo(run, 0, change), leadsTo(run, 1, change), leadsTo(run, 2, change)], [false, true, false]);
});

test("lanes that were changed by hand are called by it", () => {
  const boot = { decoders: { credit: { title: "Credit", knobs: [] }, vanilla: { title: "Vanilla", knobs: [] } } };
  const lane = (decoder, ...interventions) => ({ decoder, settings: {}, interventions });
  const [she, back] = [{ step: 1, position: 12, token: 3 }, { step: 2, position: 4, token: null }];
  const textOf = (token) => (token === 3 ? " she" : undefined);
  const lanes = [lane("credit"), lane("credit", she), lane("credit", she, back), lane("vanilla", { ...she, token: 5 })];
  assert.deepEqual(namesOf(boot, lanes, textOf), [
    "Credit",
    "what if ␣she at 12",
    "what if 4 is taken back (+1)",
    "what if #5 at 12",
  ]);
  assert.deepEqual(namesOf(boot, [lane("credit", she)], () => "=".repeat(1000)), [`what if ${"=".repeat(19)}… at 12`]);
  const alike = [lane("credit", she), lane("vanilla", she), lane("credit", she)];
  assert.deepEqual(namesOf(boot, alike, textOf), [
    "what if ␣she at 12, Credit",
    "what if ␣she at 12, Vanilla",
    "what if ␣she at 12, Credit (2)",
  ]);
});

test("a prompt has gaps unless a backslash makes them plain", () => {
  for (const prompt of ["a [MASK] b", "[MASK:5]", "\\[MASK] [MASK]", "a\\\\[MASK]", "[MASK:x]"])
    assert.ok(hasGaps(prompt), prompt);
  for (const prompt of ["", "a b", "\\[MASK] b", "[mask]", "[MASK", "[MASKS]", "a\\\\\\[MASK]"])
    assert.ok(!hasGaps(prompt), prompt);
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { openPacket } from "../../credit_viz/web/static/codec.js";
import {
  against,
  firstDivergence,
  firstOrderDifference,
  textDifference,
} from "../../credit_viz/web/static/difference.js";
import { binCount, binned, meanOf, meansAlong, orderOf, pointsOf } from "../../credit_viz/web/static/order.js";
import { redundantGuesses, tokensPerForward } from "../../credit_viz/web/static/measures.js";
import { Run } from "../../credit_viz/web/static/run.js";
import { writtenBy } from "../../credit_viz/web/static/why.js";

/** Runs that tests/figures/compare_fixture.py wrote, with what Python finds in them. */
const data = JSON.parse(readFileSync(new URL("./compare.json", import.meta.url), "utf-8"));

/** @param {string} name */
async function opened(name) {
  const [start, ...rest] = await Promise.all(data[name].packets.map(openPacket));
  const run = new Run(start);
  for (const packet of rest) run.apply(packet);
  return run;
}

/** @param {number[]} found @param {(number | null)[]} truth null: no number */
function close(found, truth) {
  assert.equal(found.length, truth.length);
  truth.forEach((value, i) => assert.ok(value === null ? Number.isNaN(found[i]) : Math.abs(found[i] - value) < 1e-9));
}

for (const name of Object.keys(data)) {
  const { expected } = data[name];

  test(`${name}: every pair of lanes parts where Python says`, async () => {
    const { lanes } = await opened(name);
    for (const one of lanes) {
      for (const other of lanes) {
        const found = firstDivergence(one, other);
        const truth = expected.divergence[`${one.index} ${other.index}`];
        assert.deepEqual(found && { ...found, tokens: found.tokens.map(one.idOf) }, truth);
        const order = firstOrderDifference(one, other);
        assert.deepEqual(order, expected.order_difference[`${one.index} ${other.index}`]);
      }
    }
  });

  test(`${name}: order, points, means and bins are Python's`, async () => {
    const { lanes } = await opened(name);
    const bins = binCount(lanes);
    assert.equal(bins, expected.bins);
    lanes.forEach((lane, i) => {
      const { inOrder, islands } = orderOf(lane);
      close([inOrder, islands], expected.order[i]);
      const points = pointsOf(lane);
      const columns = [
        points.map((p) => p.settled),
        points.map((p) => p.written),
        points.map((p) => p.positions.length),
      ];
      assert.deepEqual(columns, expected.points[i]);
      const { counts, written, settled } = meansAlong(lane, bins);
      const [truthCounts, truthWritten, truthSettled, ...means] = expected.means[i];
      assert.deepEqual(counts, truthCounts);
      close(written, truthWritten);
      close(settled, truthSettled);
      close([meanOf(lane, lane.written), meanOf(lane, lane.settled)], means);
    });
    const { size, counts } = binned(lanes.map((lane) => lane.countedPositions.map((i) => lane.wait(i))));
    const [edges, truth] = expected.histogram;
    assert.equal(size, edges[1] - edges[0]);
    assert.deepEqual(counts, truth);
  });

  test(`${name}: tokens by reason and what the lanes cost are Python's`, async () => {
    const { lanes } = await opened(name);
    lanes.forEach((lane, i) => {
      const [counts, ...costs] = expected.reasons[i];
      assert.deepEqual(Object.fromEntries(writtenBy(lane)), counts);
      close([lane.steps, tokensPerForward(lane), lane.meanWait, redundantGuesses(lane)], costs);
      assert.equal(
        [...writtenBy(lane).values()].reduce((sum, count) => sum + count, 0),
        lane.written.filter((step) => step > 0).length,
      );
    });
  });

  test(`${name}: the difference of texts counts every place with text once`, async () => {
    const { lanes } = await opened(name);
    for (const one of lanes) {
      for (const other of lanes) {
        const { kinds, same, different } = textDifference(one, other);
        const text = kinds.filter((_, i) => one.isContent(i) || other.isContent(i));
        assert.equal(same + different, text.length);
        kinds.forEach((kind, i) => {
          const equal = one.tokenAt(i, one.steps) === other.tokenAt(i, other.steps);
          if (kind === "different") assert.ok(!equal);
          if (kind === "same" || kind === "given") assert.ok(equal);
          if (kind === "end") assert.ok(!one.isContent(i) && !other.isContent(i));
        });
        if (one === other) assert.equal(different, 0);
      }
    }
  });
}

test("the fixture holds what it is for", () => {
  const all = Object.values(data).flatMap(({ expected }) => Object.values(expected.divergence));
  assert.ok(all.some((found) => found && found.written[0] !== found.written[1]));
  assert.ok(data.four.expected.divergence["0 0"] === null && data.four.expected.divergence["0 1"] !== null);
  assert.ok(data.four.expected.order.some(([, islands]) => islands > 2));
});

test("a lane is so many steps ahead of another, with the same token or another", async () => {
  const { lanes } = await opened("four");
  const [one, other] = lanes;
  for (let i = 0; i < one.length; i += 1) {
    const found = against(other, one, i);
    assert.equal(found.earlier, one.written[i] - other.written[i]);
    assert.equal(found.token < 0, one.tokenAt(i, one.steps) === other.tokenAt(i, other.steps));
  }
  const fresh = await opened("given");
  assert.equal(against(fresh.lanes[0], fresh.lanes[1], 0), null, "a given token was not written");
});

test("waits fall into shared bins and none is lost", () => {
  const waits = [
    [0, 1, 2, 50],
    [3, 3],
  ];
  const { size, counts } = binned(waits, 10);
  assert.equal(size, 6);
  assert.deepEqual(
    counts.map((lane) => lane.reduce((a, b) => a + b, 0)),
    [4, 2],
  );
  assert.deepEqual(binned([[], []]).counts, [[0], [0]]);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { laneArrays, openPacket, planeValues } from "../../credit_viz/web/static/codec.js";
import { exactLane } from "../../credit_viz/web/static/explain.js";
import { data, openAll } from "./fixture.js";

test("packets open in order, with header and arrays", async () => {
  const packets = await openAll();
  assert.deepEqual(
    packets.map((packet) => packet.header.seq),
    packets.map((_, i) => i),
  );
  assert.equal(packets[0].header.kind, "start");
  assert.equal(packets.at(-1).header.state, "done");
  for (const { header, arrays } of packets)
    assert.deepEqual(
      Object.keys(arrays),
      header.arrays.map(([name]) => name),
    );
});

test("exact numbers of a position are Python's", async () => {
  const packet = await openPacket(data.position);
  data.expected.forEach(({ position }, lane) => {
    const numbers = exactLane(laneArrays(packet, lane), packet.header.lanes[lane]);
    assert.deepEqual(Array.from(numbers.steps), position.steps);
    numbers.winner_fused.forEach((value, i) => assert.ok(Math.abs(value - position.winner_fused[i]) < 1e-6));
    if (numbers.boost) numbers.boost.forEach((value, i) => assert.ok(Math.abs(value - position.boost[i]) < 1e-6));
  });
});

test("planes span zero to their maximum", () => {
  const linear = planeValues({ kind: "linear", maximum: 1 });
  const log = planeValues({ kind: "log1p", maximum: 255 });
  assert.deepEqual([linear[0], linear[255], log[0]], [0, 1, 0]);
  assert.ok(Math.abs(log[255] - 255) < 1e-9);
});

test("damaged packets and other versions are refused", async () => {
  await assert.rejects(openPacket("!!"));
  await assert.rejects(openPacket(btoa("not gzip")));
  await assert.rejects(openPacket(data.packets[1].slice(0, 80)));
});

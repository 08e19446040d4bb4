import assert from "node:assert/strict";
import { test } from "node:test";

import { VERSION, laneArrays, openPacket, planeValues } from "../../credit_viz/web/static/codec.js";
import { exactLane } from "../../credit_viz/web/static/explain.js";
import { data, names, openAll } from "./fixture.js";

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

for (const name of names)
  test(`${name}: exact numbers of a position are Python's`, async () => {
    const packet = await openPacket(data[name].position);
    data[name].expected.forEach(({ position }, lane) => {
      if (!position.steps.length) return;
      const numbers = exactLane(laneArrays(packet, lane), packet.header.lanes[lane]);
      const close = (values, truth) => values.forEach((value, i) => assert.ok(Math.abs(value - truth[i]) < 1e-6));
      assert.deepEqual(Array.from(numbers.steps), position.steps);
      close(numbers.winner_fused, position.winner_fused);
      if (numbers.boost) close(numbers.boost, position.boost);
      numbers.bar.forEach((bar, i) =>
        position.bar[i] === null ? assert.ok(Number.isNaN(bar)) : close([bar], [position.bar[i]]),
      );
    });
  });

test("planes span zero to their maximum", () => {
  const linear = planeValues({ kind: "linear", maximum: 1 });
  const log = planeValues({ kind: "log1p", maximum: 255 });
  assert.deepEqual([linear[0], linear[255], log[0]], [0, 1, 0]);
  assert.ok(Math.abs(log[255] - 255) < 1e-9);
});

/** A packet that says which version it is. @param {number} version */
async function packed(version) {
  const header = new TextEncoder().encode(JSON.stringify({ v: version, kind: "end", seq: 0, arrays: [] }));
  const raw = new Uint8Array(4 + header.length);
  new DataView(raw.buffer).setUint32(0, header.length, true);
  raw.set(header, 4);
  const stream = new Blob([raw]).stream().pipeThrough(new CompressionStream("gzip"));
  return Buffer.from(await new Response(stream).arrayBuffer()).toString("base64");
}

test("a packet of another version is refused in words", async () => {
  assert.equal((await openPacket(await packed(VERSION))).header.kind, "end");
  await assert.rejects(openPacket(await packed(1)), /packed in version 1; the page reads version 2/);
});

test("damaged packets are refused", async () => {
  await assert.rejects(openPacket("!!"));
  await assert.rejects(openPacket(btoa("not gzip")));
  await assert.rejects(openPacket(data.live.packets[1].slice(0, 80)));
});

/** The runs that Python wrote for these tests (tests/trace/codec_fixture.py), opened. */

import { readFileSync } from "node:fs";

import { openPacket } from "../../credit_viz/web/static/codec.js";
import { Run } from "../../credit_viz/web/static/run.js";

export const data = JSON.parse(readFileSync(new URL("./run.json", import.meta.url), "utf-8"));

export const names = Object.keys(data);

export async function openAll(name = "live") {
  return Promise.all(data[name].packets.map(openPacket));
}

export async function finishedRun(name = "live") {
  const [start, ...rest] = await openAll(name);
  const run = new Run(start);
  for (const packet of rest) if (run.apply(packet) !== "ok") throw new Error(`packet ${packet.header.seq}`);
  return run;
}

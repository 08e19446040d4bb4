/** The run that Python wrote for these tests (tests/trace/codec_fixture.py), opened. */

import { readFileSync } from "node:fs";

import { openPacket } from "../../credit_viz/web/static/codec.js";
import { Run } from "../../credit_viz/web/static/run.js";

export const data = JSON.parse(readFileSync(new URL("./run.json", import.meta.url), "utf-8"));

export async function openAll() {
  return Promise.all(data.packets.map(openPacket));
}

export async function finishedRun() {
  const [start, ...rest] = await openAll();
  const run = new Run(start);
  for (const packet of rest) if (run.apply(packet) !== "ok") throw new Error(`packet ${packet.header.seq}`);
  return run;
}

import assert from "node:assert/strict";
import { test } from "node:test";

import { Run } from "../../credit_viz/web/static/run.js";
import { markOf } from "../../credit_viz/web/static/lane.js";
import {
  contentTokensPerForward,
  redundantGuesses,
  tokensPerForward,
  wallClock,
} from "../../credit_viz/web/static/measures.js";
import { data, finishedRun, names, openAll } from "./fixture.js";

for (const name of names) {
  test(`${name}: steps, writes and reasons are Python's`, async () => {
    const run = await finishedRun(name);
    run.lanes.forEach((lane, i) => {
      const truth = data[name].expected[i];
      assert.equal(lane.info.decoder, truth.decoder);
      assert.equal(lane.steps, truth.forward_passes);
      assert.deepEqual(Array.from(lane.written), truth.commit_step);
      assert.deepEqual(Array.from(lane.settled), truth.converge_step);
      assert.deepEqual(
        [...lane.given.keys()].sort((a, b) => a - b),
        truth.given,
      );
      const events = truth.commit_step.map((_, position) => lane.writeAt(position, lane.steps));
      assert.deepEqual(
        events.map((event) => event?.reason ?? 0),
        truth.reason,
      );
      assert.ok(Math.abs(lane.meanWait - truth.mean_wait) < 1e-9);
      assert.deepEqual(
        truth.content.map((_, position) => lane.isContent(position)),
        truth.content,
      );
      assert.equal(lane.contentTokens, truth.content.filter(Boolean).length);
      assert.deepEqual([lane.takenBack, lane.edited, lane.complete], [truth.taken_back, truth.edited, truth.complete]);
    });
    assert.equal(run.state, "done");
  });

  test(`${name}: what a lane cost is Python's`, async () => {
    const run = await finishedRun(name);
    run.lanes.forEach((lane, i) => {
      const truth = data[name].expected[i];
      assert.equal(redundantGuesses(lane), truth.redundant_guesses);
      assert.ok(Math.abs(tokensPerForward(lane) - truth.tokens_per_forward) < 1e-12);
      assert.ok(Math.abs(contentTokensPerForward(lane) - truth.content_tokens_per_forward) < 1e-12);
      const { forward, decoder, tracing } = wallClock(run, lane);
      assert.ok(Math.abs(forward - truth.seconds[0]) < 1e-9 && Math.abs(decoder - truth.seconds[1]) < 1e-9);
      assert.equal(tracing, i === 0 ? 12.5 - forward - decoder : null);
    });
  });

  test(`${name}: the canvas is Python's after every step, and so is the number of written tokens`, async () => {
    const run = await finishedRun(name);
    run.lanes.forEach((lane, i) => {
      const { canvases, given } = data[name].expected[i];
      const mask = lane.info.mask_id;
      canvases.forEach((canvas, step) => {
        const shown = canvas.map((_, position) => lane.tokenAt(position, step));
        assert.deepEqual(
          shown.map((token) => (token < 0 ? mask : lane.idOf(token))),
          canvas,
        );
        assert.equal(lane.writtenCount(step), canvas.filter((id) => id !== mask).length - given.length);
      });
    });
  });

  test(`${name}: every guess and every byte is Python's, and nothing else is recorded`, async () => {
    const run = await finishedRun(name);
    run.lanes.forEach((lane, i) => {
      const { top, planes, flips } = data[name].expected[i];
      assert.deepEqual(Array.from(lane.flips), flips);
      let cell = 0;
      top.forEach(([positions, ids], k) => {
        const step = k + 1;
        for (let position = 0; position < lane.length; position += 1) {
          const m = positions.indexOf(position);
          const guess = lane.guessAt(position, step);
          assert.equal(guess < 0 ? -1 : lane.idOf(guess), m < 0 ? -1 : ids[m]);
          if (m < 0) continue;
          for (const [plane, bytes] of Object.entries(planes))
            if (lane.planes[plane]) assert.equal(lane.byteAt(plane, position, step), bytes[cell + m], plane);
        }
        cell += positions.length;
      });
    });
  });
}

test("the fixture holds what it is for", () => {
  const [fickle, stopped] = data.rewriting.expected;
  assert.ok(fickle.taken_back > 0 && fickle.edited > 0);
  assert.ok(stopped.content.lastIndexOf(true) < stopped.commit_step.length - 1);
  assert.ok(data.given.expected.every(({ given }) => given.length === 4));
});

test("a position's story is told in order", async () => {
  const [lane] = (await finishedRun("rewriting")).lanes;
  const stories = Array.from({ length: lane.length }, (_, i) => lane.story(i));
  const back = stories.find((story) => story.some((event) => markOf(event) === "taken_back"));
  assert.deepEqual(back.slice(0, 3).map(markOf), ["written", "taken_back", "written"]);
  for (const story of stories) {
    const steps = story.map((event) => event.step);
    assert.deepEqual(
      steps,
      Array.from(steps).sort((a, b) => a - b),
    );
  }
});

test("where nothing was lifted by credit, a token that changed is telling", async () => {
  const run = await finishedRun("rewriting");
  const { lane, position } = run.telling;
  assert.ok(run.lanes[lane].story(position).length > 1);
});

test("state at a step: masked before its write, written from then on", async () => {
  const lane = (await finishedRun()).lanes[0];
  const at = lane.written[3];
  assert.equal(lane.tokenAt(3, at - 1), -1);
  assert.notEqual(lane.tokenAt(3, at), -1);
  assert.equal(lane.guessAt(3, 0), -1);
  assert.equal(lane.writtenCount(0), 0);
  assert.equal(lane.writtenCount(10_000), lane.length);
});

test("a packet twice is old, a packet too early is a gap, and both change nothing", async () => {
  const packets = await openAll();
  const run = new Run(packets[0]);
  assert.equal(run.apply(packets[2]), "gap");
  assert.equal(run.steps, 0);
  assert.equal(run.apply(packets[1]), "ok");
  const { steps } = run;
  assert.equal(run.apply(packets[1]), "old");
  assert.equal(run.steps, steps);
  assert.equal(run.apply({ header: { run: "other", seq: 2 }, arrays: {} }), "old");
  for (const packet of packets.slice(2)) assert.equal(run.apply(packet), "ok");
  assert.equal(run.state, "done");
});

test("lanes are compared with the first, and a telling token is text", async () => {
  const run = await finishedRun();
  assert.equal(run.baseline, run.lanes[0]);
  assert.equal(run.firstDifference(run.baseline), -1);
  const { lane, position } = run.telling;
  assert.ok(run.lanes[lane].isContent(position));
});

test("a token written twice holds its last text; a mask written over it frees it", async () => {
  const packets = await openAll();
  const run = new Run(packets[0]);
  const [lane] = run.lanes;
  run.vocabulary = [
    { id: 1, text: "a" },
    { id: 2, text: "b" },
    { id: lane.info.mask_id, text: "" },
  ];
  const write = (from, token) =>
    lane.append(
      { from, k: 1, planes: {} },
      {
        counts: [0],
        blocks: [0, 12],
        positions: [],
        top: [],
        changed: [],
        winners: [],
        event_counts: [1],
        event_positions: [4],
        event_tokens: [token],
        event_reasons: [1],
      },
    );
  write(1, 0);
  write(2, 1);
  write(3, 2);
  assert.deepEqual(
    [1, 2, 3].map((step) => lane.tokenAt(4, step)),
    [0, 1, -1],
  );
  assert.equal(lane.writtenCount(3), 0);
  assert.equal(write(7, 0), false);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { Store, clampStep } from "../../credit_viz/web/static/store.js";

const manual = () => {
  const frames = [];
  return { frames, store: new Store({ step: 0, tab: "waiting", run: null }, (draw) => frames.push(draw)) };
};

test("views are drawn once per frame, and only for what changed", () => {
  const { frames, store } = manual();
  const drawn = [];
  store.view(["step"], ({ step }) => drawn.push(step));
  store.view(["tab"], ({ tab }) => drawn.push(tab));
  store.set({ step: 1 });
  store.set({ step: 2 });
  assert.equal(frames.length, 1);
  frames.pop()();
  assert.deepEqual(drawn, [0, "waiting", 2]);
});

test("setting the same value draws nothing", () => {
  const { frames, store } = manual();
  store.set({ step: 0, tab: "waiting" });
  assert.equal(frames.length, 0);
});

test("a view may change the state: it is drawn in the next frame", () => {
  const { frames, store } = manual();
  store.view(["step"], ({ step }) => step === 1 && store.set({ tab: "credit" }));
  store.set({ step: 1 });
  frames.shift()();
  assert.equal(frames.length, 1);
  assert.equal(store.state.tab, "credit");
});

test("the step stays inside the run", () => {
  assert.equal(clampStep({ run: null }, 5), 0);
  assert.deepEqual(
    [-3, 2.4, 99].map((step) => clampStep({ run: { steps: 10 } }, step)),
    [0, 2, 10],
  );
});

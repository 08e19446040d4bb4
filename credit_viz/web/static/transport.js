/**
 * Play, scrub, speed: moves the shown step. Knows the store; draws nothing but its own controls.
 */

import { contrastSwitch } from "./contrast.js";
import { h, say } from "./dom.js";
import { clampStep } from "./store.js";

/** @typedef {import("./store.js").Store} Store */

const SPEEDS = [4, 8, 16, 32, 64];

/**
 * @param {Store} store
 * @returns {Node}
 */
export function transportView(store) {
  const play = h("button", { class: "cv-play", type: "button", onclick: () => togglePlay(store) });
  const range = h("input", {
    type: "range",
    min: 0,
    max: 0,
    value: 0,
    step: 1,
    class: "cv-range",
    "aria-label": "Denoising step",
    data: { role: "step" },
    oninput: () => goTo(store, Number(range.value)),
  });
  const label = h("output", { class: "cv-step" });
  const speed = h("select", {
    class: "cv-speed",
    "aria-label": "Speed",
    onchange: () => store.set({ speed: Number(speed.value) }),
  });
  for (const value of SPEEDS)
    speed.append(h("option", { value, selected: value === store.state.speed }, `${value} steps/s`));
  store.view(["step", "version", "run"], (state) => {
    const steps = state.run?.steps ?? 0;
    if (range.max !== String(steps)) range.max = String(steps);
    range.value = String(state.step);
    range.style.setProperty("--cv-done", `${steps ? (100 * state.step) / steps : 0}%`);
    range.setAttribute("aria-valuetext", `step ${state.step} of ${steps}`);
    say(label, `step ${state.step} / ${steps}`);
  });
  store.view(["playing"], ({ playing }) => {
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    play.classList.toggle("playing", playing);
  });
  startPlayer(store);
  const hint = h(
    "span",
    { class: "cv-hint" },
    h("kbd", {}, "Space"),
    " play ",
    h("kbd", {}, "←"),
    h("kbd", {}, "→"),
    " step ",
    h("kbd", {}, "Shift"),
    " ×10",
  );
  return h(
    "section",
    { class: "cv-card cv-transport", "aria-label": "Playback" },
    play,
    range,
    label,
    speed,
    contrastSwitch(store),
    hint,
  );
}

/** @param {Store} store @param {number} step */
export function goTo(store, step) {
  const to = clampStep(store.state, step);
  const follow = store.state.run?.state === "running" && to === store.state.run.steps;
  store.set({ step: to, follow, playing: false });
}

/** @param {Store} store */
export function togglePlay(store) {
  const { state } = store;
  const steps = state.run?.steps ?? 0;
  if (!steps) return;
  const restart = !state.playing && state.step >= steps;
  store.set({ playing: !state.playing, step: restart ? 0 : state.step, follow: false });
}

/** Moves the step while playing, in time with the clock rather than with frames. @param {Store} store */
function startPlayer(store) {
  let last = 0;
  let owed = 0;
  const tick = (/** @type {number} */ now) => {
    const { state } = store;
    if (!state.playing) return;
    owed += ((now - last) / 1000) * state.speed;
    last = now;
    const whole = Math.floor(owed);
    owed -= whole;
    const step = clampStep(state, state.step + whole);
    const atEnd = step >= (state.run?.steps ?? 0) && state.run?.state !== "running";
    store.set({ step, playing: !atEnd });
    requestAnimationFrame(tick);
  };
  store.view(["playing"], ({ playing }) => {
    if (!playing) return;
    last = performance.now();
    owed = 0;
    requestAnimationFrame(tick);
  });
}

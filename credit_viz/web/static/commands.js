/**
 * Everything the page can do by a key: one list, read by keyboard.js and by the help sheet. Knows the store and the
 * views' actions; listens to nothing itself.
 */

import { goTo, togglePlay } from "./transport.js";

/** @typedef {import("./store.js").Store} Store */

/**
 * `keys` are KeyboardEvent.key values ("Shift+ArrowLeft" with Shift); `elsewhere` is a selector of elements that keep
 * the key for themselves.
 * @typedef {{keys: string[], shown: string, words: string, group: string, elsewhere?: string,
 *   run: (store: Store) => void}} Command
 */

const PRESSABLE = "button, a, select, summary, input";
const CHOOSING = "select, input[type=range]:not([data-role=step])";

/** @param {number} by */
const move = (by) => (/** @type {Store} */ store) => goTo(store, store.state.step + by);

/** @type {Command[]} */
export const COMMANDS = [
  { keys: [" "], shown: "Space", words: "play or pause", group: "Time", elsewhere: PRESSABLE, run: togglePlay },
  { keys: ["ArrowLeft"], shown: "←", words: "one step back", group: "Time", elsewhere: CHOOSING, run: move(-1) },
  { keys: ["ArrowRight"], shown: "→", words: "one step on", group: "Time", elsewhere: CHOOSING, run: move(1) },
  {
    keys: ["Shift+ArrowLeft"],
    shown: "Shift ←",
    words: "ten steps back",
    group: "Time",
    elsewhere: CHOOSING,
    run: move(-10),
  },
  {
    keys: ["Shift+ArrowRight"],
    shown: "Shift →",
    words: "ten steps on",
    group: "Time",
    elsewhere: CHOOSING,
    run: move(10),
  },
  {
    keys: ["Escape"],
    shown: "Esc",
    words: "put the token down",
    group: "Tokens",
    run: (store) => store.set({ selected: null }),
  },
];

/**
 * Everything the page can do by a key: one list, read by keyboard.js and by the help sheet. Knows the store and the
 * views' actions; listens to nothing itself.
 */

import { pressRun } from "./ask.js";
import { zoomBy } from "./gestures.js";
import { goToParting } from "./pair.js";
import { switchPlace } from "./places.js";
import { nextLane, selectNext, showMap } from "./selection.js";
import { copyLink } from "./share.js";
import { stepPrompt } from "./trail.js";
import { goTo, togglePlay } from "./transport.js";

/** @typedef {import("./store.js").Store} Store */

/**
 * `keys` are KeyboardEvent.key values ("Shift+ArrowLeft" with Shift); `elsewhere` is a selector of elements that keep
 * the key for themselves. `everywhere`: the lab has it as well. `run` is told which of the keys was pressed.
 * @typedef {{keys: string[], shown: string, words: string, group: string, elsewhere?: string, everywhere?: boolean,
 *   run: (store: Store, key: string) => void}} Command
 */

const PRESSABLE = "button, a, select, summary, input";
const CHOOSING = "select, input[type=range]:not([data-role=step])";
const TYPING_AHEAD = "select"; // a letter chooses the option that begins with it

/** @param {string} key @param {string} shown @param {string} words @param {number} by @returns {Command} */
const move = (key, shown, words, by) => ({
  keys: [key],
  shown,
  words,
  group: "Time",
  elsewhere: CHOOSING,
  run: (store) => goTo(store, store.state.step + by),
});

/** Those that do something on this page. @param {any} boot @returns {Command[]} */
export const commandsHere = ({ can }) => COMMANDS.filter(({ group }) => group !== "Lab" || can.lab);

/** @type {Command[]} */
export const COMMANDS = [
  { keys: [" "], shown: "Space", words: "play or pause", group: "Time", elsewhere: PRESSABLE, run: togglePlay },
  move("ArrowLeft", "←", "one step back", -1),
  move("ArrowRight", "→", "one step on", 1),
  move("Shift+ArrowLeft", "Shift ←", "ten steps back", -10),
  move("Shift+ArrowRight", "Shift →", "ten steps on", 10),
  move("Home", "Home", "before the first step", -Infinity),
  move("End", "End", "the last step", Infinity),
  {
    keys: ["j"],
    shown: "j",
    words: "next token",
    group: "Tokens",
    elsewhere: TYPING_AHEAD,
    run: (store) => selectNext(store, 1),
  },
  {
    keys: ["k"],
    shown: "k",
    words: "token before",
    group: "Tokens",
    elsewhere: TYPING_AHEAD,
    run: (store) => selectNext(store, -1),
  },
  {
    keys: ["Escape"],
    shown: "Esc",
    words: "put the token down",
    group: "Tokens",
    run: (store) => store.set({ selected: null }),
  },
  {
    keys: ["t"],
    shown: "t",
    words: "map or table",
    group: "Maps",
    elsewhere: TYPING_AHEAD,
    run: (store) => store.set({ table: !store.state.table }),
  },
  { keys: ["+", "="], shown: "+", words: "zoom in", group: "Maps", run: (store) => zoomBy(store, 1.6) },
  { keys: ["-"], shown: "−", words: "zoom out", group: "Maps", run: (store) => zoomBy(store, 1 / 1.6) },
  {
    keys: ["z"],
    shown: "z",
    words: "the whole map",
    group: "Maps",
    elsewhere: TYPING_AHEAD,
    run: (store) => store.set({ zoom: null }),
  },
  { keys: ["d"], shown: "d", words: "where the lanes part", group: "Lanes", elsewhere: TYPING_AHEAD, run: goToParting },
  { keys: ["["], shown: "[", words: "lane before to the front", group: "Lanes", run: (store) => nextLane(store, -1) },
  { keys: ["]"], shown: "]", words: "next lane to the front", group: "Lanes", run: (store) => nextLane(store, 1) },
  {
    keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    shown: "1 … 9",
    words: "show that map",
    group: "Maps",
    elsewhere: TYPING_AHEAD,
    run: (store, key) => showMap(store, Number(key) - 1),
  },
  {
    keys: ["n"],
    shown: "n",
    words: "next prompt of the sweep",
    group: "Lab",
    elsewhere: TYPING_AHEAD,
    run: () => stepPrompt(1),
  },
  {
    keys: ["p"],
    shown: "p",
    words: "prompt before",
    group: "Lab",
    elsewhere: TYPING_AHEAD,
    run: () => stepPrompt(-1),
  },
  {
    keys: ["l"],
    shown: "l",
    words: "copy the link",
    group: "Page",
    elsewhere: TYPING_AHEAD,
    run: (store) => void copyLink(store),
  },
  {
    keys: ["r"],
    shown: "r",
    words: "run again",
    group: "Page",
    elsewhere: TYPING_AHEAD,
    run: ({ state }) => void (state.boot.can.run && state.live === "idle" && pressRun()),
  },
  {
    keys: ["L"],
    shown: "Shift L",
    words: "race or lab",
    group: "Lab",
    elsewhere: TYPING_AHEAD,
    everywhere: true,
    run: switchPlace,
  },
  {
    keys: ["?"],
    shown: "?",
    words: "this help",
    group: "Page",
    everywhere: true,
    run: (store) => store.set({ help: true }),
  },
];

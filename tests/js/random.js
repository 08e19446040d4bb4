/** Random numbers and texts for tests, the same in every run; hostile texts among them. */

/** A small generator of random numbers, the same in every run. @param {number} seed */
export function randomness(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return (state ^ (state >>> 13)) >>> 0;
  };
  const below = (/** @type {number} */ n) => next() % n;
  return { below, pick: (/** @type {any[]} */ list) => list[below(list.length)], chance: () => below(2) === 0 };
}

/** @typedef {ReturnType<typeof randomness>} Random */

const HOSTILE = [
  "</script><script>window.pwned=1</script>",
  "${alert(1)}",
  "{{constructor}}",
  "&lane=vanilla",
  "a;b=c%3B%",
  "%E0%A4%A",
  "#?&=+ ",
  "\u202e\u0000\r\n\t",
  "😀한글",
  "__proto__",
  "\"quoted\" 'text' (x) [MASK:5]",
];

/** @param {Random} random */
export function randomText(random) {
  const piece = () => (random.chance() ? random.pick(HOSTILE) : String.fromCharCode(random.below(0xd800)));
  return Array.from({ length: random.below(8) }, piece).join("");
}

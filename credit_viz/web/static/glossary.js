/**
 * The field's terms in plain words: the one place where they are explained. Read by the words that explain themselves
 * on hover and by the help sheet. Knows elements; nothing of runs or of the store.
 */

import { term } from "./dom.js";

/**
 * `word` is what the page says, `field` what papers say ("" where both say the same), `words` explains it.
 * @typedef {{word: string, field: string, words: string}} Entry
 */

/** @satisfies {Record<string, Entry>} */
export const GLOSSARY = Object.freeze({
  canvas: {
    word: "canvas",
    field: "generated positions",
    words: "The row of places to be filled. At first every place is a mask.",
  },
  pass: {
    word: "forward pass",
    field: "NFE",
    words: "One run of the model over the whole canvas. What decoding costs, whatever the hardware.",
  },
  step: {
    word: "step",
    field: "denoising step",
    words: "A forward pass, and the decision which of its guesses to write.",
  },
  block: {
    word: "block",
    field: "semi-autoregressive decoding",
    words: "Places that are written together. The next block is begun when this one is full.",
  },
  confidence: {
    word: "confidence",
    field: "top-1 probability",
    words: "Probability that the model gives to its best guess for a place.",
  },
  settled: {
    word: "settled",
    field: "converge step",
    words: "The model's best guess stayed the final token from this step on.",
  },
  written: {
    word: "written",
    field: "commit step",
    words: "In this step the token was put on the canvas for good.",
  },
  wait: {
    word: "waited",
    field: "commit step − converge step",
    words: "Steps between settled and written. The guesses made meanwhile were redundant.",
  },
  queue: {
    word: "queueing for its turn",
    field: "fixed schedule",
    words: "This decoder writes a fixed number of tokens per step, so a finished answer waits until its turn comes.",
  },
  threshold: {
    word: "bar",
    field: "threshold τ",
    words: "Confidence that is enough for a guess to be written.",
  },
  forced: {
    word: "written all the same",
    field: "forced commit",
    words: "No guess reached the bar. The best one is written, so that every step writes something.",
  },
  credit: {
    word: "Trace Credit",
    field: "",
    words: "A guess earns credit in every step in which it is the best one. Old credit fades. Each block starts from zero.",
  },
  boost: {
    word: "boost",
    field: "α · ln(1 + credit)",
    words: "What credit adds to the guess's logit. It multiplies the odds of the guess.",
  },
  fused: {
    word: "fused confidence",
    field: "",
    words: "Confidence after the boost: what CreditDecoding holds against the bar.",
  },
  enough: {
    word: "enough, given the credit",
    field: "effective threshold",
    words: "Plain confidence with which the guess would pass the bar, given the boost it has. It falls as credit grows.",
  },
  entropy: {
    word: "entropy",
    field: "",
    words: "How undecided the model is between all tokens. 0 means that only one is possible.",
  },
  perPass: {
    word: "tokens per pass",
    field: "TPF",
    words: "Written tokens divided by forward passes. Marks of the end of the text count, too.",
  },
  textPerPass: {
    word: "text tokens per pass",
    field: "content tokens per forward",
    words: "The same without marks of the end of the text, which are easy to write many at once.",
  },
  redundant: {
    word: "redundant guesses",
    field: "sum of commit step − converge step",
    words: "Guesses that already were the final answer but were not written yet, added up over all places.",
  },
  forwardTime: {
    word: "time of the forward passes",
    field: "",
    words: "What the model itself took. On a GPU, where lanes share a pass, each is given its share.",
  },
  decoderTime: {
    word: "time of the decoder",
    field: "",
    words:
      "Reading the probabilities and deciding. For the maps every open place is read, not only the block being written.",
  },
  tracing: {
    word: "time of recording",
    field: "",
    words: "What remains: copying guesses, credit and texts for this page. A run that shows nothing does without it.",
  },
  flip: {
    word: "flip",
    field: "",
    words: "The model's best guess for a place became another one.",
  },
  remasked: {
    word: "taken back",
    field: "remasked",
    words: "A written token became a mask again, because the model no longer stood by it.",
  },
  edited: {
    word: "edited",
    field: "token-to-token edit",
    words: "A written token was replaced by another one.",
  },
  sweep: {
    word: "sweep",
    field: "grid or random search",
    words: "Many settings of decoders on the same prompts. Each run is computed once and kept.",
  },
  setting: {
    word: "setting",
    field: "hyperparameters",
    words: "A decoder with a value for each of its knobs.",
  },
  exactMatch: {
    word: "exact match",
    field: "",
    words: "Share of the answers that a checker calls right. Only for prompts that have one right answer.",
  },
  agreement: {
    word: "agreement",
    field: "token agreement with vanilla",
    words: "Share of the places at which the text is that of one token per pass. It does not say that either is right.",
  },
  interval: {
    word: "95 % interval",
    field: "bootstrap over prompts",
    words: "Where the mean would lie for other prompts of this kind. Where two intervals overlap, more prompts may turn the order.",
  },
  unbeaten: {
    word: "not beaten",
    field: "Pareto front",
    words: "No other setting has as few passes and as good a quality.",
  },
});

/** @typedef {keyof typeof GLOSSARY} Term */

/** The explanation in one line, with the field's term. @param {Term} name */
export function about(name) {
  const { field, words } = /** @type {Entry} */ (GLOSSARY[name]);
  return field ? `${words.slice(0, -1)} (${field}).` : words;
}

/** The word as text that explains itself. @param {Term} name @param {string} [word] as it stands in the sentence */
export const explained = (name, word = GLOSSARY[name].word) => term(word, about(name));

/**
 * Questions that a sweep answers, each as a plan to start from. Knows the names of decoders; those that the served model
 * cannot use are left out.
 */

import { readArm } from "./labplan.js";

/** @typedef {{title: string, asks: string, arms: string[], block_length?: number[]}} Quick */

const SURE = "0.99, 0.95, 0.9, 0.8, 0.7, 0.6";

/** @type {Quick[]} */
export const QUICK = [
  {
    title: "Which decoder?",
    asks: "Each with its own knob, from careful to bold.",
    arms: [
      "vanilla: steps=64,32,16",
      `threshold: threshold=${SURE}`,
      `credit: threshold=${SURE}`,
      "klass: threshold=0.95, 0.9, 0.8, 0.7, 0.6",
      "entropy-bound: gamma=0.01, 0.1, 0.3, 1",
    ],
  },
  {
    title: "How much credit?",
    asks: "Fusion strength α against the threshold.",
    arms: ["vanilla", "credit: alpha=0..2/6, threshold=0.7, 0.8, 0.9, 0.95"],
  },
  {
    title: "Is it memory?",
    asks: "Credit with and without its history, against a lower threshold.",
    arms: [`threshold: threshold=${SURE}`, `credit: threshold=${SURE}`, `credit[no history]: threshold=${SURE}`],
  },
  {
    title: "Which block length?",
    asks: "How many positions are open at a time.",
    arms: ["vanilla", "threshold: threshold=0.95, 0.9, 0.8", "credit: threshold=0.95, 0.9, 0.8"],
    block_length: [8, 16, 32, 64],
  },
];

/**
 * The questions that a model's decoders can answer.
 * @param {Record<string, any>} decoders as boot has them @returns {Quick[]}
 */
export const quickStarts = (decoders) =>
  QUICK.map((quick) => ({ ...quick, arms: quick.arms.filter((arm) => Object.hasOwn(decoders, readArm(arm).decoder)) })).filter(
    ({ arms }) => arms.length > 1,
  );

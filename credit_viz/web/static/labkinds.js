/** What each picture of a sweep answers, and how it is read. */

/** @type {Record<string, import("./labpicture.js").Kind>} by the name of its figure */
export const KINDS = {
  front: {
    title: "What do fewer passes cost in quality?",
    help: "One mark per setting. A line joins the settings of a decoder that no other of them beats; the band is the 95 % interval over prompts.",
    shapes: ["box", "lasso"],
  },
  heatmap: {
    title: "Where do two knobs work best together?",
    help: "Mean over all other knobs and all prompts.",
    shapes: ["box"],
  },
  slices: {
    title: "What does each knob do by itself?",
    help: "Mean at each value over all other knobs, with its 95 % interval over prompts.",
    shapes: ["box"],
  },
  parallel: {
    title: "Which settings go with which results?",
    help: "One line per setting. Drag along an axis, or move its two grips, to brush the lines that pass there; further axes narrow it down.",
    shapes: ["axes"],
  },
  importance: {
    tab: "Importance",
    title: "Which knobs matter?",
    help: "Share of the differences between settings that each knob explains (fANOVA, computed by Optuna).",
    shapes: [],
  },
  contour: {
    tab: "Landscape",
    title: "What does the landscape of two knobs look like?",
    help: "Optuna’s contour over the settings that were tried; dots are those settings.",
    shapes: ["box"],
  },
};

import type { Noun } from "../verb.ts";

/** `athanor classify …` */
export const classify: Noun = {
  name: "classify",
  about: "label sequences: time series, signals, texts",
  verbs: [
    { name: "train", about: "train a classifier, or predict a number", load: () => import("./train.ts") },
    { name: "eval", about: "score a classifier on a labelled file", load: () => import("./eval.ts") },
    { name: "predict", about: "label a file that has no labels", load: () => import("./predict.ts") },
  ],
};

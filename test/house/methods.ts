// What counts as a method, and where its five files are: source, test, reference, golden, page.

/** Rooms whose files are methods. One that is not there yet is passed over. */
export const METHOD_ROOMS = [
  "position",
  "attention",
  "sequence",
  "structured",
  "quantize",
  "generative",
  "optim",
  "adapt",
  "numeric",
] as const;

/** Files of those rooms that several methods share; all others that the room's index names are methods. */
export const PARTS: Readonly<Record<string, readonly string[]>> = {
  position: ["position", "rotary", "scale", "spec", "none"],
  attention: ["codebook"],
  sequence: ["rational", "newton"],
  structured: ["inverse", "permutation", "project"],
  quantize: ["k-means", "rows", "use"],
  generative: [
    "diffusion",
    "frechet",
    "gaussian",
    "latent-measures",
    "order",
    "patch-head",
    "spectral-noise",
  ],
  optim: ["transform", "schedule", "rates", "clip", "config", "lazy-rows", "role", "rule", "scale"],
  numeric: ["integer-root", "descent", "law", "refraction", "speed"],
  adapt: ["wrap", "merge"],
};

/** Methods of rooms whose files are wings: `name: source`. */
export const IN_WINGS: Readonly<Record<string, string>> = {
  bytepiece: "src/tokenizer/train/bytepiece.ts",
  unigram: "src/tokenizer/train/unigram.ts",
  bpe: "src/tokenizer/train/bpe.ts",
  "random-segmentation": "src/tokenizer/encode/sample.ts",
  "prompt-boundary": "src/tokenizer/encode/boundary.ts",
};

/** References that hold several methods; elsewhere it is `test/reference/<method>.ts`. */
export const REFERENCES: Readonly<Record<string, string>> = {
  position: "test/reference/position.ts",
  attention: "test/reference/attention.ts",
  sequence: "test/reference/sequence.ts",
  generative: "test/reference/generative.ts",
  optim: "test/reference/optimizers.ts",
  "minimise-sum": "test/reference/least-sum.ts",
  cycloid: "test/reference/brachistochrone.ts",
  "random-segmentation": "test/reference/unigram.ts",
};

/** Goldens that hold several methods, and where the method is in them; elsewhere it is `test/golden/<method>.json`. */
export const GOLDENS: Readonly<Record<string, readonly [file: string, key: string]>> = {
  "position-interpolation": ["position.json", "frequencies.linear"],
  yarn: ["position.json", "frequencies.yarn"],
  llama3: ["position.json", "frequencies.llama3"],
  "dynamic-ntk": ["position.json", "scores.ntk-dynamic"],
  alibi: ["position.json", "alibi"],
  mla: ["attention.json", "mla"],
  "transformer-vq": ["attention.json", "vq"],
  hippo: ["sequence.json", "hippo"],
  s4: ["sequence.json", "rtf.kernel"],
  rtf: ["sequence.json", "rtf"],
  cells: ["sequence.json", "cells"],
  deer: ["sequence.json", "cells"],
  "bn-vae": ["generative.json", "bnVae"],
  ign: ["generative.json", "ign"],
  patches: ["generative.json", "patches"],
  unigram: ["tokenizer-small.json", "rows"],
  bpe: ["tokenizer-small.json", "rows"],
  adamw: ["optimizers.json", "adamw"],
  sgd: ["optimizers.json", "sgd"],
  lion: ["optimizers.json", "lion"],
  tiger: ["optimizers.json", "tiger"],
  eg: ["optimizers.json", "eg"],
  "meta-gain": ["optimizers.json", "meta-gain"],
  muon: ["optimizers.json", "muon"],
  cycloid: ["brachistochrone.json", "cycloids"],
};

/** Where all other methods of `position` and `attention` are. */
export const GOLDEN_OF_METHODS = "methods.json";

/** Pages that carry another name than their method's file. */
export const PAGES: Readonly<Record<string, string>> = {
  masks: "windows",
  window: "window-attention",
  linear: "linear-attention",
  "recursive-stack": "recurrence",
  llama3: "yarn",
  hippo: "s4",
  cells: "deer",
  unigram: "bytepiece",
  cycloid: "brachistochrone",
};

/** Pages of a lab or of several methods together, which the template does not fit. */
export const OTHER_PAGES: readonly string[] = ["copy-task"];

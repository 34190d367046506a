// Every entry, one line each. A new claim is one file here and one line.
export { brachistochrone } from "./brachistochrone.ts";
export { codebookSize } from "./codebook-size.ts";
export { concentration } from "./concentration.ts";
export { copyTask } from "./copy-task.ts";
export { entropy } from "./entropy.ts";
export { hwfa } from "./hwfa.ts";
export { inverseLeaky } from "./inverse-leaky.ts";
export { latentAttention } from "./latent-attention.ts";
export { leastSum } from "./least-sum.ts";
export { logScale } from "./log-scale.ts";
export { randomSegmentation } from "./random-segmentation.ts";
export { recurrence } from "./recurrence.ts";
export { rerope } from "./rerope.ts";
export { retry } from "./retry.ts";
export { ropeBase } from "./rope-base.ts";
export { textLength } from "./text-length.ts";

// Every entry, one line each. A new claim is one file here and one line.
export { codebookSize } from "./codebook-size.ts";
export { copyTask } from "./copy-task.ts";
export { hwfa } from "./hwfa.ts";
export { inverseLeaky } from "./inverse-leaky.ts";
export { latentAttention } from "./latent-attention.ts";
export { rerope } from "./rerope.ts";
export { ropeBase } from "./rope-base.ts";
export { textLength } from "./text-length.ts";

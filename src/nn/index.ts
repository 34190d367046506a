export { embedding, type EmbeddingParams } from "./embedding.ts";
export { linear, type LinearParams } from "./linear.ts";
export { crossEntropy } from "./losses.ts";
export { norm, type NormKind, type NormParams } from "./norm.ts";

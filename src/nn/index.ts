export {
  batchNorm,
  type BatchNormOptions,
  type BatchNormState,
  type ChannelNormParams,
  groupNorm,
} from "./batch-norm.ts";
export { dropout } from "./dropout.ts";
export { embedding, type EmbeddingParams } from "./embedding.ts";
export {
  type Initialiser,
  kaimingNormal,
  type KaimingOptions,
  kaimingUniform,
  orthogonal,
  truncatedNormal,
  xavierNormal,
  xavierUniform,
} from "./initialisers.ts";
export { linear, type LinearMap, type LinearParams, type MapParams, type Maps, plainMaps } from "./linear.ts";
export { crossEntropy } from "./losses.ts";
export { matches, treeOf } from "./names.ts";
export { norm, type NormKind, type NormParams } from "./norm.ts";
export { type Init, initial, type Parameter } from "./parameter.ts";
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  huber,
  meanSquaredError,
} from "./regression.ts";
export { joinParams, type Leaves, splitParams } from "./split.ts";

export { embedding, type EmbeddingParams } from "./embedding.ts";
export { linear, type LinearMap, type LinearParams, type MapParams, type Maps, plainMaps } from "./linear.ts";
export { crossEntropy } from "./losses.ts";
export { matches, treeOf } from "./names.ts";
export { norm, type NormKind, type NormParams } from "./norm.ts";
export { type Init, initial, type Parameter } from "./parameter.ts";
export { joinParams, type Leaves, splitParams } from "./split.ts";

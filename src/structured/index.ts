export { applyInverse, invertMonarch } from "./inverse.ts";
export { monarch, type MonarchConfig, type MonarchParams } from "./monarch.ts";
export { permutationFactors } from "./permutation.ts";
export { type Projected, projectMonarch } from "./project.ts";

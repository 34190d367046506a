export {
  adamw,
  addDecay,
  type AdamOptions,
  type AdamState,
  type AdamWOptions,
  scaleByAdam,
  scaleByRate,
} from "./adamw.ts";
export { clipByGlobalNorm, globalNorm } from "./clip.ts";
export { constantRate, warmupCosine } from "./schedule.ts";
export { applyUpdates, chain, partition, type Schedule, type Transform } from "./transform.ts";

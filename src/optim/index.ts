export { clipByGlobalNorm, globalNorm } from "./clip.ts";
export {
  makeOptimizer,
  type OptimizerChoice,
  type OptimizerConfig,
  optimizerConfig,
  parseOptimizer,
  ruleNamed,
  RULES,
} from "./config.ts";
export { type Role, roleByShape, type RoleOf } from "./role.ts";
export type { NumberField, RuleOf } from "./rule.ts";
export { adamw, type AdamOptions, type AdamState, type AdamWOptions, scaleByAdam } from "./rules/adamw.ts";
export { lion, type LionOptions, scaleByLion } from "./rules/lion.ts";
export { scaleByMomentum, sgd, type SgdOptions } from "./rules/sgd.ts";
export { tiger, type TigerOptions, type TigerState } from "./rules/tiger.ts";
export { addDecay, scaleByRate } from "./scale.ts";
export { constantRate, warmupCosine } from "./schedule.ts";
export {
  applyUpdates,
  chain,
  type Micro,
  partition,
  type Schedule,
  type Transform,
} from "./transform.ts";

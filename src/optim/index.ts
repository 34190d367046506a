export {
  type Alignment,
  alignmentOf,
  type AlignmentOptions,
  alignmentReport,
  type BlockAlignment,
  blockOf,
  type BlockSums,
  blockSums,
  sumsOf,
} from "./alignment.ts";
export { clipByGlobalNorm, globalNorm } from "./clip.ts";
export {
  makeOptimizer,
  makeRule,
  type OptimizerChoice,
  type OptimizerConfig,
  optimizerConfig,
  parseOptimizer,
  type RuleChoice,
  ruleNamed,
  RULES,
} from "./config.ts";
export { type LazyState, lazyRows } from "./lazy-rows.ts";
export {
  betweenKnots,
  parseSchedule,
  rateFactor,
  type RatePlace,
  type ScheduleChoice,
  type ScheduleConfig,
  scheduleConfig,
  SCHEDULES,
} from "./rates.ts";
export { type Role, roleByShape, type RoleOf } from "./role.ts";
export type { NumberField, RuleOf } from "./rule.ts";
export { adamw, type AdamOptions, type AdamState, type AdamWOptions, scaleByAdam } from "./rules/adamw.ts";
export { eg, type EgForm, type EgOptions, type EgRuleOptions, exponentiate } from "./rules/eg.ts";
export { lion, type LionOptions, scaleByLion } from "./rules/lion.ts";
export {
  type FunnelOptions,
  type FunnelState,
  funnelledGain,
  type GainOptions,
  type GainState,
  metaGain,
  scaleByFunnelledGain,
  scaleByMetaGain,
} from "./rules/meta-gain.ts";
export { muon, type MuonOptions, orthogonalise, scaleByMuon } from "./rules/muon.ts";
export { scaleByMomentum, sgd, type SgdOptions } from "./rules/sgd.ts";
export { tiger, type TigerOptions, type TigerState } from "./rules/tiger.ts";
export { addDecay, scaleByRate } from "./scale.ts";
export {
  constantRate,
  type Knot,
  linearDecay,
  piecewiseLinear,
  type SpanOptions,
  warmupCosine,
  warmupStableDecay,
} from "./schedule.ts";
export {
  applyUpdates,
  chain,
  type Micro,
  partition,
  type Schedule,
  type Transform,
} from "./transform.ts";
export * from "./theory/sgd-theory.ts";

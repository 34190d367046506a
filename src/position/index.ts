export { alibi, alibiSlopes } from "./alibi.ts";
export { type BaseBound, firstNegativeLead, ropeBaseBound, ropeLead } from "./base-bound.ts";
export { dynamicNtk, type DynamicNtkOptions } from "./dynamic-ntk.ts";
export { dynamicYarn, type DynamicYarnOptions } from "./dynamic-yarn.ts";
export {
  hwfa2Inference,
  type Hwfa2Options,
  hwfa2Plan,
  type HwfaOptions,
  hwfaPlan,
  hwfaWindow,
} from "./hwfa.ts";
export { cosineAttention, keyNormalised, queryNormalised } from "./key-norm.ts";
export { learnedPositions } from "./learned.ts";
export { llama3, type Llama3Options } from "./llama3.ts";
export {
  entropyInvariant,
  type KeyCount,
  logScaled,
  logScaledAfter,
  type LogScaleOptions,
} from "./log-scale.ts";
export { windowed, windowMask, type WindowOptions } from "./masks.ts";
export { noPosition } from "./none.ts";
export { ntkAware, ntkFixed, ntkMixed, ntkOld } from "./ntk.ts";
export {
  chooseByDistance,
  type Position,
  positionByDistance,
  productPosition,
  type Turns,
  type TurnsByDistance,
} from "./position.ts";
export { inferencePlan, type PlanModel, PLANS, type PlanText, readPlan, trainingPlan } from "./plans.ts";
export { positionInterpolation } from "./position-interpolation.ts";
export {
  farthestDistance,
  type InverseLeakyRerope,
  inverseLeakyRerope,
  leakFor,
  leakyRerope,
  type LeakyReropeOptions,
  rerope,
  type ReropeOptions,
} from "./rerope.ts";
export { rope } from "./rope.ts";
export {
  type Frequencies,
  ropeFrequencies,
  rotate,
  type RotaryLayout,
  type RotaryOptions,
} from "./rotary.ts";
export type { ScaleOptions } from "./scale.ts";
export { selfExtend, type SelfExtendOptions } from "./self-extend.ts";
export { sinusoidalPositions } from "./sinusoidal.ts";
export {
  createPosition,
  parsePosition,
  POSITION_TYPES,
  type PositionSpec,
  type PositionType,
} from "./spec.ts";
export { yarnByIndex, yarnByTurns, yarnMagnitude, type YarnOptions } from "./yarn.ts";

export {
  assignments,
  codebookOf,
  type CodebookState,
  codebookState,
  type CodeSums,
  codeSums,
  codesInUse,
  kMeansCodebook,
  lookUp,
  nearestCodes,
  type QuantizedKeys,
  quantizeKeys,
  updateCodebook,
  dealUnusedCodes,
} from "./codebook.ts";
export {
  concentration,
  decayConcentration,
  expectedConcentration,
  independentConcentration,
  linearConcentration,
  measuredConcentration,
  type ScoreMap,
} from "./concentration.ts";
export {
  attend,
  attendByDistance,
  type AttendOptions,
  type AttendTurnedOptions,
  repeatHeads,
} from "./dense.ts";
export {
  causalLinearAttention,
  eluPlusOne,
  linearAttention,
  type LinearState,
  linearState,
  linearStep,
} from "./linear.ts";
export {
  initMla,
  mlaAbsorbed,
  type MlaCache,
  mlaCacheWidth,
  mlaExpanded,
  type MlaOptions,
  type MlaParams,
  type MlaResult,
  type MlaSizes,
} from "./mla.ts";
export {
  performerFeatures,
  type PerformerOptions,
  performerPair,
  type PerformerProjection,
  performerProjection,
  type ProjectionOptions,
} from "./performer.ts";
export { softAssignments, type SoftVqOptions, softVqPair } from "./soft-vq.ts";
export {
  absorb,
  type Accumulator,
  emptyAccumulator,
  finish,
  merge,
  recurrentAttention,
} from "./recurrence.ts";
export { type RecursiveLayer, type RecursiveResult, recursiveStack } from "./recursive-stack.ts";
export {
  vqAttention,
  vqEncoderAttention,
  type VqOptions,
  type VqState,
  vqState,
  vqStateShapes,
  vqStep,
} from "./transformer-vq.ts";
export {
  windowAttention,
  type WindowAttentionOptions,
  type WindowState,
  windowState,
  windowStep,
} from "./window.ts";

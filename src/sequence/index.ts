export {
  type DiagonalPlusLowRank,
  discretise,
  hippoDiagonal,
  hippoLegS,
  type StateEquation,
} from "./hippo.ts";
export { s4Kernel, type S4Params } from "./s4.ts";
export {
  checkPoles,
  poleModuli,
  rationalInit,
  type RationalInit,
  rationalOf,
  type StateSpace,
  stateSpaceOf,
} from "./rational.ts";
export {
  montel,
  rtf,
  rtfKernel,
  rtfLeastDenominator,
  type RtfLength,
  type RtfParams,
  rtfPrefill,
  rtfReadout,
  rtfState,
  rtfSteps,
} from "./rtf.ts";
export {
  CELLS,
  type Cell,
  type CellKind,
  type CellName,
  cellOf,
  type CellParams,
  runSequential,
  runThrough,
} from "./cells.ts";
export { type Rounds, scanDepth } from "./newton.ts";
export {
  deer,
  type DeerOptions,
  runDeer,
  type Solved,
  type SolveOptions,
  type TrainedCell,
  unrolledDeer,
} from "./deer.ts";

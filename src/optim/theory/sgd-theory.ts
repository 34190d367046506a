// The theory of SGD, executable: both sides of every inequality and of every line of its proof, for runs as they were.
export { type AverageOptions, averageLines } from "./average.ts";
export { averageBound, lastBound, lastMonotoneBound, unboundedBound, weightedBound } from "./bounds.ts";
export {
  type ExpectationOptions,
  lastLines,
  lastMonotoneLines,
  type Paths,
  unboundedLines,
} from "./expectation.ts";
export { gradientAwareLines } from "./gradient-aware.ts";
export {
  causalRate,
  constantRates,
  type GradientPart,
  hindsightRates,
  lastIterateRates,
  linearRates,
  type RateOptions,
  rootRates,
} from "./rates.ts";
export {
  type Line,
  lineHolds,
  logisticRegression,
  meanLoss,
  minimiser,
  type Problem,
  runSgd,
  type SgdRun,
  type Vector,
} from "./run.ts";

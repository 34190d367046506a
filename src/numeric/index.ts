// Small exact problems: N = ab + c with the least sum, and the curve of fastest descent.
export { integerSqrt, integerSqrtUp } from "./integer-root.ts";
export {
  type Attempt,
  firstAlgorithm,
  type LeastSum,
  minimiseSum,
  MOST_STEPS,
  type Refusal,
  secondAlgorithm,
  thirdAlgorithm,
  type Triple,
} from "./minimise-sum.ts";
export {
  ARTICLE_GRAVITY,
  brachistochrone,
  type Cycloid,
  lineTime,
  type Place,
  tautochroneTime,
} from "./cycloid.ts";
export {
  circleArc,
  clockAlong,
  cycloidPlaces,
  type Descent,
  type DescentOptions,
  fastestDescent,
  firstIntegral,
  straightLine,
  timeAlong,
} from "./descent.ts";
export { type Law, parseLaw } from "./law.ts";
export { type LightPath, refraction } from "./refraction.ts";
export { bySpeedLaw, fall, type PieceTime, type Speed } from "./speed.ts";

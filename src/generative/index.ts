export {
  annealed,
  checkPosterior,
  divergenceFloor,
  divergenceLoss,
  type DivergenceRule,
  learnPosterior,
  type Posterior,
  posterior,
  type PosteriorConfig,
  type PosteriorOptions,
  posteriorParameters,
  type PosteriorParams,
  type RunningMoments,
  scalerGains,
  type SeenMoments,
} from "./bn-vae.ts";
export {
  between,
  cosineDegrees,
  type Degrees,
  type Descent,
  descent,
  guided,
  noised,
  risingScale,
  spreadDegrees,
} from "./diffusion.ts";
export { type FeatureMoments, featureMoments, frechetDistance } from "./frechet.ts";
export {
  type Gaussian,
  gaussianDivergence,
  gaussianLogDensity,
  logMeanExp,
  normalLogDensity,
} from "./gaussian.ts";
export {
  exampleDistance,
  ganLosses,
  IGN_DEFAULTS,
  type IgnClamp,
  type IgnDistance,
  type IgnLosses,
  ignLosses,
  type IgnOptions,
  iterate,
  type SameShape,
  softClamp,
} from "./ign.ts";
export { activeUnits, aggregateMoments, importanceBound, mutualInformation } from "./latent-measures.ts";
export {
  hiddenPatches,
  hiddenShare,
  inverseOrder,
  type Order,
  PATCH_ORDERS,
  type PatchOrder,
  patchOrder,
  reorder,
  revealSchedule,
} from "./order.ts";
export {
  PATCH_HEADS,
  type HeadBlock,
  type PatchHeadConfig,
  type PatchHeadDraws,
  type PatchHeadKind,
  patchHeadLoss,
  patchHeadParameters,
  type PatchHeadParams,
  patchHeadPredict,
  patchHeadSample,
  type PatchHeadSampling,
  rowsOf,
  timeFeatures,
} from "./patch-head.ts";
export {
  PATCH_SYSTEMS,
  patchGrid,
  patchify,
  patchMask,
  type PatchSizes,
  type PatchSystem,
  type Spans,
  unpatchify,
} from "./patches.ts";
export { type SpectralMoments, spectralMoments, spectralNoise } from "./spectral-noise.ts";

// Training without files: runs in Node and in a page. What reads and writes files is in `athanor/train/node`.
export { type Batch, batches } from "./batches.ts";
export { bytesOfIds, encodeTexts, type Ids, type Source, type Split, splitSources } from "./corpus.ts";
export {
  type LoopEvents,
  type LoopOptions,
  type LoopResult,
  type Position,
  type StepEvent,
  trainLoop,
} from "./loop.ts";
export { lossPicture } from "./loss-svg.ts";
export type { Metric, StepMetric, ValidationMetric } from "./metrics.ts";
export { NonFiniteError } from "./non-finite.ts";
export { type Preset, presetNamed, PRESETS, type Recipe, withRecipe } from "./presets.ts";
export { rateAt, type TrainSettings, trainSettings } from "./settings.ts";
export { namesOf, type StepReport, type TrainState, type TrainStep, trainStep } from "./step.ts";
export { characterTokenizer, makeTokenizer, parseTokenizerChoice } from "./tokenizer.ts";
export {
  bitsPerByte,
  natsPerToken,
  type Score,
  slidingWindows,
  spreadWindows,
  type Validator,
  validator,
  type Window,
} from "./validate.ts";

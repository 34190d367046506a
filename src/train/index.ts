// Training without files: runs in Node and in a page. What reads and writes files is in `athanor/train/node`.
export { ADAPT_METHODS, type AdaptMethod, adaptMethod } from "./adapt-methods.ts";
export { type AdaptTask, adaptTask, type AdaptTaskOptions } from "./adapt-task.ts";
export { type Batch, batches } from "./batches.ts";
export { pageStore } from "./browser/page-store.ts";
export { type Case, type Cases, type Missing } from "./classify/cases.ts";
export {
  type Labels,
  type Preparation,
  type PrepareChoices,
  prepare,
  type Prepared,
  preparationOf,
} from "./classify/prepare.ts";
export { readCases } from "./classify/read-cases.ts";
export { parseMixer } from "./classify/recipe.ts";
export { classScores, type ClassScores, numberScores, type NumberScores } from "./classify/scores.ts";
export type { TableReading } from "./classify/table-cases.ts";
export {
  type ClassifyBatch,
  classifyTask,
  type ClassifyTask,
  type ClassifyTaskOptions,
  type OutputReader,
  outputsOf,
} from "./classify/task.ts";
export type { CheckpointInfo, Newest, SavedState } from "./checkpoint.ts";
export { bytesOfIds, encodeTexts, type Ids, type TextFile, type Split, splitSources } from "./corpus.ts";
export {
  type ImageConfig,
  imageConfig,
  IMAGE_METHODS,
  imageMethod,
  parseImageMethod,
} from "./images/config.ts";
export { batchOf, type ImageSet, type SplitImages } from "./images/images.ts";
export { imageFilesOf, pageDecoder } from "./browser/pictures.ts";
export { type Picture, type PictureDecoder, readPicture } from "./images/picture.ts";
export { type ImageFile, readImages, type ReadImages } from "./images/read.ts";
export { sheetOf } from "./images/sheet.ts";
export type { ImageBatch, ImageMethod, ImageSpace } from "./images/method.ts";
export { imageSettings } from "./images/settings.ts";
export { type ImageTask, imageTask, type ImageTaskOptions } from "./images/task.ts";
export { type LoopEvents, type LoopOptions, type LoopResult, type StepEvent, trainLoop } from "./loop.ts";
export { lossPicture, type LossPictureText } from "./loss-svg.ts";
export { type MemoryStore, memoryStore } from "./memory-store.ts";
export { isStep, type Metric, type StepMetric } from "./metrics.ts";
export { NonFiniteError } from "./non-finite.ts";
export { type Preset, presetNamed, PRESETS, type Recipe, withRecipe } from "./presets.ts";
export { type TrainControl, trainRun, type TrainResult } from "./run.ts";
export type { RunStore, SaveOptions } from "./run-store.ts";
export { mergeSettings, rateAt, type TrainChanges, type TrainSettings, trainSettings } from "./settings.ts";
export { initialState, type StepReport, type TrainState, type TrainStep, trainStep } from "./step.ts";
export type { Found, LeafRule, LossWords, Numbers, Progress, Sample, Task } from "./task.ts";
export {
  type ModelSizes,
  type TextBatch,
  type TextTask,
  textTask,
  type TextTaskOptions,
} from "./text-task.ts";
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

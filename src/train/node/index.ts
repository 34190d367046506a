// What needs Node: corpora, checkpoints and run folders.
export {
  type AdaptControl,
  type AdaptReady,
  type AdaptRequest,
  type AdaptResult,
  resumeAdapt,
  startAdapt,
} from "./adapt.ts";
export { listCheckpoints, loadCheckpoint, loadNewest, saveCheckpoint } from "./checkpoint.ts";
export {
  type ClassifyControl,
  type ClassifyReady,
  type ClassifyRequest,
  type ClassifyResult,
  resumeClassify,
  startClassify,
} from "./classify.ts";
export {
  type ClassifyUse,
  evalClassifier,
  openClassifier,
  type Prediction,
  predictClassifier,
} from "./classify-use.ts";
export { type CorpusFiles, readCorpus } from "./corpus.ts";
export { folderStore } from "./folder-store.ts";
export { imageFilesAt, sharpDecoder } from "./images/files.ts";
export {
  type ImageChanges,
  type ImageControl,
  type ImageReady,
  type ImageResult,
  type ImageRunRequest,
  resumeImages,
  startImages,
} from "./images/run.ts";
export { type ImageRunConfig, openImageRun, type OpenImageRun } from "./images/run-folder.ts";
export { readMetrics } from "./metrics.ts";
export { type OpenRun, openRun, readRunConfig, type RunConfig, runPaths } from "./run-folder.ts";
export {
  type ResumeChanges,
  resumeRun,
  type RunControl,
  type RunRequest,
  type RunResult,
  startRun,
} from "./run.ts";

// What needs Node: corpora, checkpoints and run folders.
export { listCheckpoints, loadCheckpoint, loadNewest, saveCheckpoint } from "./checkpoint.ts";
export { type CorpusFiles, readCorpus } from "./corpus.ts";
export { folderStore } from "./folder-store.ts";
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

// What needs Node: corpora, checkpoints and run folders.
export { listCheckpoints, loadCheckpoint, saveCheckpoint } from "../checkpoint-node.ts";
export { type Corpus, readCorpus } from "../corpus-node.ts";
export { readMetrics } from "../metrics-node.ts";
export { type OpenRun, openRun, readRunConfig, type RunConfig, runPaths } from "../run-folder-node.ts";
export {
  type ResumeChanges,
  resumeRun,
  type RunControl,
  type RunRequest,
  type RunResult,
  startRun,
} from "../train-node.ts";

// A run is a folder: config.json, tokenizer.json, metrics.jsonl, checkpoints/, samples.txt, loss.svg.
import { mkdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FileError, OptionError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { type CausalLMConfig, type CausalLMParams, checkConfig, initCausalLM } from "../../model/index.ts";
import { loadTokenizer } from "../../tokenizer/load-save.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { random } from "../../tensor/index.ts";
import { listCheckpoints, loadCheckpoint } from "./checkpoint.ts";
import { type TrainSettings, trainSettings } from "../settings.ts";

/** What config.json holds. */
export interface RunConfig {
  /** Version of this layout. */
  readonly athanor: 1;
  /** Name shown in pictures. */
  readonly title: string;
  readonly model: CausalLMConfig;
  readonly training: TrainSettings;
  /** As asked for: `bytes`, `chars`, `train:SIZE` or a path. The tokenizer itself is in tokenizer.json. */
  readonly tokenizer: string;
  readonly corpus: {
    /** Absolute paths. */
    readonly files: readonly string[];
    /** SHA-256 of the texts. */
    readonly fingerprint: string;
    readonly bytes: number;
  };
  /** What samples begin with. */
  readonly prompts: readonly string[];
}

/** Paths inside a run. */
export interface RunPaths {
  readonly root: string;
  readonly config: string;
  readonly tokenizer: string;
  readonly metrics: string;
  readonly checkpoints: string;
  readonly samples: string;
  readonly picture: string;
}

/** Where everything of a run stands. */
export function runPaths(folder: string): RunPaths {
  const root = resolve(folder);
  return {
    root,
    config: join(root, "config.json"),
    tokenizer: join(root, "tokenizer.json"),
    metrics: join(root, "metrics.jsonl"),
    checkpoints: join(root, "checkpoints"),
    samples: join(root, "samples.txt"),
    picture: join(root, "loss.svg"),
  };
}

/** @throws OptionError when a run is in the folder already. */
export async function checkRunFolder(folder: string): Promise<void> {
  if (await stat(runPaths(folder).config).catch(() => undefined)) {
    throw new OptionError(
      `train: --run must name a new folder, got ${folder}, which holds a run. Go on with --resume ${folder}.`,
    );
  }
}

/**
 * Makes the folder of a new run.
 * @throws OptionError when a run is there already, FileError when the folder cannot be made.
 */
export async function createRunFolder(folder: string): Promise<RunPaths> {
  await checkRunFolder(folder);
  const paths = runPaths(folder);
  await mkdir(paths.checkpoints, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`train: folder ${folder} must be writable, got ${error.code ?? error.message}.`);
  });
  return paths;
}

/** Writes config.json. */
export async function writeRunConfig(paths: RunPaths, config: RunConfig): Promise<void> {
  await writeFileAtomic(paths.config, `${JSON.stringify(config, null, 2)}\n`).catch(
    (error: NodeJS.ErrnoException) => {
      throw new FileError(`train: ${paths.config} must be writable, got ${error.code ?? error.message}.`);
    },
  );
}

/** Reads and checks config.json. @throws FileError when there is none or it is broken. */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  const { config: path } = runPaths(folder);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new FileError(
      `train: ${folder} must be the folder of a run with a config.json, got ${error.code ?? error.message}.`,
    );
  });
  let config: Partial<RunConfig>;
  try {
    config = JSON.parse(text) as Partial<RunConfig>;
  } catch {
    throw new FileError(`train: ${path} must hold JSON, got ${text.length} characters that are none.`);
  }
  if (config.athanor !== 1 || !config.model || !config.training || !config.corpus) {
    throw new FileError(
      `train: ${path} must be the config.json of a run ("athanor": 1), got keys ${Object.keys(config).join(", ")}.`,
    );
  }
  checkConfig(config.model);
  // Settings that a run was made without get their defaults.
  return { ...(config as RunConfig), training: trainSettings(config.training) };
}

/** A trained model, ready to use. */
export interface OpenRun {
  readonly config: RunConfig;
  readonly tokenizer: Tokenizer;
  readonly params: CausalLMParams;
  /** The checkpoint it came from, and its step. */
  readonly checkpoint: string;
  readonly step: number;
}

/** Opens the newest checkpoint of a run. @throws FileError when there is none, or a file is missing or corrupt. */
export async function openRun(folder: string): Promise<OpenRun> {
  const config = await readRunConfig(folder);
  const paths = runPaths(folder);
  const checkpoint = await newestCheckpoint(paths);
  if (checkpoint === undefined) {
    throw new FileError(
      `train: ${paths.root} must hold a checkpoint, got none. Train on with: athanor train --resume ${folder}`,
    );
  }
  const tokenizer = await loadTokenizer(paths.tokenizer);
  const template = { params: initCausalLM(config.model, random.key(config.training.seed)), optimizer: {} };
  const { state, info } = await loadCheckpoint(checkpoint, template);
  return { config, tokenizer, params: state.params, checkpoint, step: info.step };
}

/** Path of the newest checkpoint, if there is one. */
export async function newestCheckpoint(paths: RunPaths): Promise<string | undefined> {
  return (await listCheckpoints(paths.checkpoints)).at(-1);
}

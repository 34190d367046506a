// A run is a folder: config.json, tokenizer.json, metrics.jsonl, checkpoints/, samples.txt, loss.svg.
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FileError, OptionError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { type CausalLMConfig, type CausalLMParams, checkConfig, parameterTree } from "../../model/index.ts";
import { loadTokenizer } from "../../tokenizer/load-save.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { zeros } from "../../tensor/index.ts";
import { loadNewest } from "./checkpoint.ts";
import { type TrainSettings, trainSettings } from "../settings.ts";
import type { Reading } from "../texts.ts";

/** What config.json holds. */
export interface RunConfig {
  /** Version of this layout. */
  readonly athanor: 1 | 2;
  /** What is trained; 2 only, `text` before there were others. */
  readonly task?: "text";
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
    /** How they are read; 2 only. */
    readonly reading?: Reading;
  };
  /** Path of the model that it began from. */
  readonly from?: string;
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

/** Whether a folder is that of a run. */
export async function isRun(folder: string): Promise<boolean> {
  const checkpoints = await stat(join(folder, "checkpoints")).catch(() => undefined);
  if (!checkpoints?.isDirectory()) return false;
  const config = await readFile(join(folder, "config.json"), "utf8").catch(() => "");
  return config.includes('"athanor"');
}

/** @throws OptionError when a run is in the folder already. */
export async function checkRunFolder(folder: string): Promise<void> {
  if (await stat(runPaths(folder).config).catch(() => undefined)) {
    throw new OptionError(
      `train: --run must name a new folder, got ${folder}, which holds a run. Go on with --resume ${folder}.`,
    );
  }
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
  const { athanor: version, task = "text" } = config;
  if ((version !== 1 && version !== 2) || !config.training) {
    throw new FileError(
      `train: ${path} must be the config.json of a run ("athanor": 1) or of one of today ("athanor": 2), got keys ${Object.keys(config).join(", ")}.`,
    );
  }
  if (task !== "text" || !config.model || !config.corpus) {
    throw new FileError(
      `train: ${path} must be the config.json of a language model's run ("task": "text"), got "${task}" with keys ${Object.keys(config).join(", ")}.`,
    );
  }
  checkConfig(config.model);
  // Settings that a run was made without get their defaults.
  return { ...(config as RunConfig), training: trainSettings(config.training) };
}

/** The tokenizer of a run: its own tokenizer.json, or the file that came with the model it began from. */
export async function tokenizerIn(root: string): Promise<string> {
  for (const name of ["tokenizer.bin", "tokenizer.model"]) {
    const path = join(root, name);
    if (await stat(path).catch(() => undefined)) return path;
  }
  return runPaths(root).tokenizer;
}

/** A trained model, ready to use. */
export interface OpenRun {
  readonly config: RunConfig;
  readonly tokenizer: Tokenizer;
  readonly tokenizerPath: string;
  readonly params: CausalLMParams;
  /** The checkpoint it came from, and its step. */
  readonly checkpoint: string;
  readonly step: number;
  /** Why newer checkpoints could not be read, a sentence each. */
  readonly notices: readonly string[];
}

/**
 * Opens the newest checkpoint of a run that can be read.
 * @throws FileError when there is none, all are damaged, or another file is missing or corrupt.
 */
export async function openRun(folder: string): Promise<OpenRun> {
  const config = await readRunConfig(folder);
  const paths = runPaths(folder);
  const template = {
    params: parameterTree(config.model, (_, { shape }) => zeros(shape)) as CausalLMParams,
    optimizer: {},
  };
  const newest = await loadNewest(paths.checkpoints, template);
  if (newest === undefined) {
    throw new FileError(
      `train: ${paths.root} must hold a checkpoint, got none. Train on with: athanor train --resume ${folder}`,
    );
  }
  const tokenizerPath = await tokenizerIn(paths.root);
  const tokenizer = await loadTokenizer(tokenizerPath);
  const { state, info, name: checkpoint, damaged } = newest;
  const notices = damaged.map(({ reason }) => `${reason} Using ${checkpoint} instead.`);
  return { config, tokenizer, tokenizerPath, params: state.params, checkpoint, step: info.step, notices };
}

// From files to a trained language model in a run folder; and back into a run that was stopped.
import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join, resolve } from "node:path";
import { FileError, OptionError } from "../../errors.ts";
import { applyChatTemplate, type ChatMessage, readChatTemplate } from "../../model/chat.ts";
import {
  type CausalLMConfig,
  causalLMConfig,
  type CausalLMParams,
  parameterCount,
} from "../../model/index.ts";
import { chooseDevice } from "../../runtime/choose-device.ts";
import type { Device } from "../../tensor/index.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { loadTokenizer, saveTokenizer } from "../../tokenizer/load-save.ts";
import type { TrainControl as TokenizerControl } from "../../tokenizer/pace.ts";
import { bytesOfIds, checkLength, encodeTexts, type Ids, type Split, splitSources } from "../corpus.ts";
import type { StepEvent } from "../loop.ts";
import { leastTrainingBytes } from "../memory.ts";
import { holding, trainHeld } from "../run.ts";
import type { RunStore } from "../run-store.ts";
import type { TrainSettings } from "../settings.ts";
import type { Numbers, Progress } from "../task.ts";
import { checkModel, type ModelSizes, textTask } from "../text-task.ts";
import type { Reading, ReadOptions, Turn } from "../texts.ts";
import { makeTokenizer, parseTokenizerChoice, type TokenizerChoice } from "../tokenizer.ts";
import { readCorpus } from "./corpus.ts";
import { folderStore } from "./folder-store.ts";
import { keepTokenizer, openPretrained, type Pretrained } from "./pretrained.ts";
import {
  checkRunFolder,
  readRunConfig,
  tokenizerIn,
  type RunConfig,
  runPaths,
  writeRunConfig,
} from "./run-folder.ts";

export type { ModelSizes } from "../text-task.ts";

/** A new training. */
export interface RunRequest {
  /** Texts: files, folders, patterns. */
  readonly files: readonly string[];
  /** Folder to make. */
  readonly run: string;
  readonly title: string;
  readonly model: ModelSizes;
  readonly settings: TrainSettings;
  /** `bytes`, `chars`, `train:SIZE` or a path. */
  readonly tokenizer: string;
  /** What samples begin with. */
  readonly prompts: readonly string[];
  /** A model to go on from, in place of `model` and `tokenizer`: a run, a Hugging Face folder, a llama2.c file. */
  readonly from?: string;
  readonly reading?: Reading;
}

/** How a training is watched and stopped. */
export interface RunControl {
  readonly device?: Device;
  readonly signal?: AbortSignal;
  /** Called before the first step. */
  readonly onReady?: (ready: RunReady) => void;
  readonly onStep?: (event: StepEvent) => void;
  readonly onValidation?: (at: Progress, numbers: Numbers) => void;
  readonly onCheckpoint?: (path: string) => void;
  readonly onSample?: (text: string) => void;
  readonly onTokenizer?: TokenizerControl["onProgress"];
  /** Something a person should know that stops nothing. */
  readonly onNotice?: (sentence: string) => void;
}

/** What a training starts from. */
export interface RunReady {
  readonly config: RunConfig;
  readonly parameters: number;
  readonly trainTokens: number;
  readonly validationTokens: number;
  /** Step it goes on from; 0 for a new one. */
  readonly step: number;
}

/** How a training ended; plain data for `--json`. */
export interface RunResult {
  readonly runDir: string;
  readonly steps: number;
  readonly interrupted: boolean;
  readonly validationLoss: number | null;
  readonly validationBitsPerByte: number | null;
  readonly trainLoss: number | null;
  readonly tokensPerSecond: number;
  readonly seconds: number;
  readonly parameters: number;
  readonly vocabulary: number;
  readonly checkpoint: string;
  readonly sample: string | null;
}

/** Everything a run needs once its files are read. */
interface Prepared {
  readonly config: RunConfig;
  readonly tokenizer: Tokenizer;
  readonly ids: Split<Ids>;
  readonly start?: () => Promise<CausalLMParams>;
}

/**
 * Trains a new model, or goes on with a pretrained one.
 * @throws OptionError for bad settings, more than fits in memory, or a folder that holds a run; FileError for files
 * that cannot be used.
 */
export async function startRun(request: RunRequest, control: RunControl = {}): Promise<RunResult> {
  // What can be wrong at once is told before the texts are read.
  await chooseDevice(control.device);
  await checkRunFolder(request.run);
  const choice = parseTokenizerChoice(request.tokenizer);
  const base = request.from === undefined ? undefined : await openPretrained(request.from);
  const settings = base ? withContext(request.settings, base.config) : request.settings;
  const planned = base?.config ?? configOf(request.model, leastVocabulary(choice));
  checkModel(planned);
  checkFits(planned, settings);
  const corpus = await readCorpus(request.files, {
    ...request.reading,
    ...(base?.chat && { chat: base.chat }),
  });
  for (const notice of corpus.notices) control.onNotice?.(notice);
  const texts = splitSources(corpus.sources, settings.validationShare);
  const tokenizer = base?.tokenizer ?? (await tokenizerFor(choice, texts.train, control));
  // Chats spell their special tokens by the model's template.
  const ids = encodeSplit(tokenizer, texts, corpus.chats && base?.chat !== undefined);
  const model = base?.config ?? configOf(request.model, tokenizer.vocabularySize);
  checkFits(model, settings);
  checkLength(ids, settings.context ?? model.context);
  if (base) checkVocabulary(ids, model);
  const config: RunConfig = {
    athanor: 2,
    task: "text",
    title: request.title,
    model,
    training: settings,
    tokenizer: request.tokenizer,
    corpus: {
      files: corpus.files.map((f) => resolve(f)),
      fingerprint: corpus.fingerprint,
      bytes: corpus.bytes,
      ...(request.reading && { reading: request.reading }),
    },
    prompts: request.prompts,
    ...(request.from !== undefined && { from: resolve(request.from) }),
  };
  const paths = runPaths(request.run);
  const store = folderStore(request.run);
  return holding(store, control, async () => {
    await checkRunFolder(request.run);
    await (base ? keepTokenizer(base.tokenizerPath, request.run) : saveTokenizer(tokenizer, paths.tokenizer));
    await writeRunConfig(paths, config);
    return execute({ config, tokenizer, ids, ...startOf(base) }, store, control);
  });
}

/** A pretrained model may read further than one trains with. */
const ONWARD_CONTEXT = 256;

function withContext(settings: TrainSettings, { context }: CausalLMConfig): TrainSettings {
  return { ...settings, context: settings.context ?? Math.min(context, ONWARD_CONTEXT) };
}

function startOf(base: Pretrained | undefined): Pick<Prepared, "start"> {
  return base ? { start: async () => base.params } : {};
}

/** What may differ from the stopped training. */
export interface ResumeChanges {
  readonly steps?: number;
  readonly minutes?: number;
  /** The same texts at another place. */
  readonly files?: readonly string[];
}

/**
 * Goes on from the newest good checkpoint of a run. With unchanged settings the parameters end bitwise as if the
 * training had never been stopped.
 * @throws OptionError when another process uses the run; FileError when the run or its texts are missing, corrupt or
 * changed, or all of its checkpoints are damaged.
 */
export async function resumeRun(
  run: string,
  { files, ...changes }: ResumeChanges = {},
  control: RunControl = {},
): Promise<RunResult> {
  await chooseDevice(control.device);
  const stored = await readRunConfig(run);
  const paths = runPaths(run);
  const store = folderStore(run);
  return holding(store, control, async () => {
    const reading = await readingOf(stored, paths.root);
    const corpus = await readCorpus(files ?? stored.corpus.files, reading);
    if (corpus.fingerprint !== stored.corpus.fingerprint) {
      throw new FileError(
        `train: the texts of ${run} must be those it began with (${stored.corpus.bytes} bytes, SHA-256 ${stored.corpus.fingerprint.slice(0, 8)}…), got ${corpus.bytes} bytes, ${corpus.fingerprint.slice(0, 8)}…. Restore them or begin a new run.`,
      );
    }
    const config: RunConfig = {
      ...stored,
      training: { ...stored.training, ...changes },
      corpus: { ...stored.corpus, files: corpus.files.map((f) => resolve(f)) },
    };
    const tokenizer = await loadTokenizer(await tokenizerIn(paths.root));
    const texts = splitSources(corpus.sources, config.training.validationShare);
    const ids = encodeSplit(tokenizer, texts, corpus.chats && reading.chat !== undefined);
    await writeRunConfig(paths, config);
    const { from } = config;
    const start = from === undefined ? undefined : async () => (await openPretrained(from)).params;
    return execute({ config, tokenizer, ids, ...(start && { start }) }, store, control);
  });
}

/** How the texts of a run were read when it began. */
async function readingOf({ athanor, corpus, from }: RunConfig, root: string): Promise<ReadOptions> {
  if (athanor === 1) return { asIs: true };
  const chat = from === undefined ? undefined : await chatOf(root);
  return { ...corpus.reading, ...(chat && { chat }) };
}

/** How the model that a run began from writes chats: its template was copied into the run. */
async function chatOf(root: string): Promise<ReadOptions["chat"]> {
  const advice = await readFile(join(root, "tokenizer_config.json"), "utf8").catch(() => "{}");
  const file = await readFile(join(root, "chat_template.jinja"), "utf8").catch(() => undefined);
  const template = readChatTemplate(JSON.parse(advice) as Record<string, unknown>, file);
  return (
    template &&
    ((turns: readonly Turn[]) => applyChatTemplate(template, turns as readonly ChatMessage[], false))
  );
}

function tokenizerFor(
  choice: TokenizerChoice,
  texts: readonly Uint8Array[],
  { signal, onTokenizer }: RunControl,
): Promise<Tokenizer> {
  return choice.kind === "file"
    ? loadTokenizer(choice.path)
    : makeTokenizer(choice, texts, {
        ...(signal && { signal }),
        ...(onTokenizer && { onProgress: onTokenizer }),
      });
}

function encodeSplit(
  tokenizer: Tokenizer,
  { train, validation }: Split<Uint8Array[]>,
  allowSpecials: boolean,
): Split<Ids> {
  return {
    train: encodeTexts(tokenizer, train, { allowSpecials }),
    validation: encodeTexts(tokenizer, validation, { allowSpecials }),
  };
}

/** @throws OptionError for sizes that make no model. */
function configOf(sizes: ModelSizes, vocabulary: number): CausalLMConfig {
  const { width, heads, headWidth } = sizes;
  if (headWidth === undefined && width % heads !== 0) {
    throw new OptionError(
      `train: heads must divide width, got ${heads} heads of width ${width}. Try --width ${heads * 2 * Math.max(1, Math.round(width / heads / 2))}.`,
    );
  }
  return causalLMConfig({ ...sizes, vocabulary });
}

/** Tokens that a vocabulary has at least; known before it is made. */
function leastVocabulary(choice: TokenizerChoice): number {
  return choice.kind === "train" ? choice.size : 256;
}

/** @throws OptionError for a step that this machine certainly has no memory for. */
function checkFits(
  config: CausalLMConfig,
  { batch, accumulate, context = config.context }: TrainSettings,
): void {
  const limit = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  const rows = batch / accumulate;
  if (leastTrainingBytes(config, rows * context) <= limit) return;
  const gigabytes = (n: number): string =>
    `${(n / 1e9).toLocaleString("en-GB", { maximumSignificantDigits: 2 })} GB`;
  const needs = gigabytes(leastTrainingBytes(config, rows * context));
  if (leastTrainingBytes(config, context) > limit) {
    throw new OptionError(
      `train: a model of ${parameterCount(config).toLocaleString("en-GB")} parameters at context ${context} must fit in memory, got ${needs} or more for ${gigabytes(limit)}. Choose a smaller one.`,
    );
  }
  const fitting = Math.floor(
    limit / (leastTrainingBytes(config, 2 * context) - leastTrainingBytes(config, context)),
  );
  throw new OptionError(
    `train: a batch of ${rows} sequences of ${context} tokens must fit in memory, got ${needs} or more for ${gigabytes(limit)}. Lower --batch to well below ${fitting}, or compute it in parts with --accumulate.`,
  );
}

/** @throws OptionError when the tokenizer gives ids that the model has no row for. */
function checkVocabulary({ train, validation }: Split<Ids>, { vocabulary }: CausalLMConfig): void {
  for (const ids of [train, validation]) {
    const beyond = ids.find((id) => id >= vocabulary);
    if (beyond === undefined) continue;
    throw new OptionError(
      `train: ids of these texts must be below the model's vocabulary of ${vocabulary}, got ${beyond}. Is the tokenizer that of this model?`,
    );
  }
}

/** Trains in an open store. */
async function execute(
  { config, tokenizer, ids, start }: Prepared,
  store: RunStore,
  control: RunControl,
): Promise<RunResult> {
  const { training, model } = config;
  const { device, signal, onStep, onValidation, onCheckpoint, onNotice } = control;
  const on = device === undefined ? {} : { device };
  const task = textTask({
    config: model,
    settings: training,
    ids,
    bytesOf: bytesOfIds(tokenizer),
    samples: { tokenizer, prompts: config.prompts },
    ...(start && { start }),
    ...on,
  });
  const parameters = parameterCount(model);
  const result = await trainHeld(task, training, store, {
    ...on,
    ...(signal && { signal }),
    title: config.title,
    subtitle: subtitleOf(config),
    onReady: (step) =>
      control.onReady?.({
        config,
        parameters,
        trainTokens: ids.train.length,
        validationTokens: ids.validation.length,
        step,
      }),
    ...(onStep && { onStep }),
    ...(onValidation && { onValidation }),
    ...(onCheckpoint && { onCheckpoint }),
    ...(onNotice && { onNotice }),
    onSample: (sample) => "text" in sample && control.onSample?.(sample.text),
  });
  const { numbers, sample } = result;
  return {
    runDir: store.place,
    steps: result.steps,
    interrupted: result.interrupted,
    validationLoss: numbers?.["validationLoss"] ?? null,
    validationBitsPerByte: numbers?.["validationBitsPerByte"] ?? null,
    trainLoss: result.trainLoss ?? null,
    tokensPerSecond: result.perSecond,
    seconds: result.seconds,
    parameters,
    vocabulary: model.vocabulary,
    checkpoint: result.checkpoint,
    sample: sample && "text" in sample ? sample.text : null,
  };
}

function subtitleOf({ model, training, corpus }: RunConfig): string {
  const { layers, width, context } = model;
  const millions = (parameterCount(model) / 1e6).toPrecision(2);
  const megabytes = (corpus.bytes / 1e6).toPrecision(2);
  return `${millions} M parameters, ${layers} layers of width ${width}, context ${training.context ?? context} · ${megabytes} MB of text`;
}

// From files to a trained model in a run folder; and back into a run that was stopped.
import { appendFile } from "node:fs/promises";
import { resolve } from "node:path";
import { FileError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import {
  type CausalLMConfig,
  causalLMConfig,
  initCausalLM,
  parameterCount,
  sampler,
} from "../../model/index.ts";
import { chooseDevice } from "../../runtime/choose-device.ts";
import { type Device, random } from "../../tensor/index.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { loadTokenizer, saveTokenizer } from "../../tokenizer/load-save.ts";
import type { TrainControl } from "../../tokenizer/pace.ts";
import { loadCheckpoint, removeLeftovers, saveCheckpoint } from "./checkpoint.ts";
import { readCorpus } from "./corpus.ts";
import { bytesOfIds, checkLength, encodeTexts, type Ids, type Split, splitSources } from "../corpus.ts";
import { type LoopResult, type Position, type StepEvent, trainLoop } from "../loop.ts";
import { lossPicture } from "../loss-svg.ts";
import { appendMetrics, rewindMetrics } from "./metrics.ts";
import type { Metric } from "../metrics.ts";
import {
  checkRunFolder,
  createRunFolder,
  newestCheckpoint,
  readRunConfig,
  type RunConfig,
  type RunPaths,
  runPaths,
  writeRunConfig,
} from "./run-folder.ts";

import type { TrainSettings } from "../settings.ts";
import { type TrainState, trainStep } from "../step.ts";
import { makeTokenizer, parseTokenizerChoice } from "../tokenizer.ts";
import { bitsPerByte, natsPerToken } from "../validate.ts";

/** Sizes of a model; the vocabulary comes from the tokenizer. */
export type ModelSizes = Pick<CausalLMConfig, "context" | "width" | "layers" | "heads"> &
  Partial<Omit<CausalLMConfig, "vocabulary">>;

/** A new training. */
export interface RunRequest {
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
}

/** How a training is watched and stopped. */
export interface RunControl {
  readonly device?: Device;
  readonly signal?: AbortSignal;
  /** Called before the first step. */
  readonly onReady?: (ready: RunReady) => void;
  readonly onStep?: (event: StepEvent) => void;
  readonly onValidation?: (position: Position, nats: number, bits: number) => void;
  readonly onCheckpoint?: (path: string) => void;
  readonly onSample?: (text: string) => void;
  readonly onTokenizer?: TrainControl["onProgress"];
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
  readonly paths: RunPaths;
  readonly config: RunConfig;
  readonly tokenizer: Tokenizer;
  readonly ids: Split<Ids>;
  readonly state: TrainState;
  readonly position: Position;
  readonly metrics: Metric[];
}

/**
 * Trains a new model.
 * @throws OptionError for bad settings or a folder that holds a run, FileError for files that cannot be used.
 */
export async function startRun(request: RunRequest, control: RunControl = {}): Promise<RunResult> {
  // What can be wrong at once is told before the texts are read.
  await chooseDevice(control.device);
  await checkRunFolder(request.run);
  const corpus = await readCorpus(request.files);
  const texts = splitSources(corpus.sources, request.settings.validationShare);
  const choice = parseTokenizerChoice(request.tokenizer);
  const tokenizer =
    choice.kind === "file"
      ? await loadTokenizer(choice.path)
      : await makeTokenizer(choice, texts.train, {
          ...(control.signal && { signal: control.signal }),
          ...(control.onTokenizer && { onProgress: control.onTokenizer }),
        });
  const ids = encodeSplit(tokenizer, texts);
  const model = causalLMConfig({ ...request.model, vocabulary: tokenizer.vocabularySize });
  checkLength(ids, model.context);
  const config: RunConfig = {
    athanor: 1,
    title: request.title,
    model,
    training: request.settings,
    tokenizer: request.tokenizer,
    corpus: {
      files: request.files.map((f) => resolve(f)),
      fingerprint: corpus.fingerprint,
      bytes: corpus.bytes,
    },
    prompts: request.prompts,
  };
  const paths = await createRunFolder(request.run);
  await saveTokenizer(tokenizer, paths.tokenizer);
  await writeRunConfig(paths, config);
  const state = await initialState(config, control);
  const position = { step: 0, seconds: 0 };
  return execute({ paths, config, tokenizer, ids, state, position, metrics: [] }, control);
}

/** What may differ from the stopped training. */
export interface ResumeChanges {
  readonly steps?: number;
  readonly minutes?: number;
  /** The same texts at another place. */
  readonly files?: readonly string[];
}

/**
 * Goes on from the newest checkpoint of a run. With unchanged settings the parameters end bitwise as if the training
 * had never been stopped.
 * @throws FileError when the run, its checkpoint or its texts are missing, corrupt or changed.
 */
export async function resumeRun(
  run: string,
  { files, ...changes }: ResumeChanges = {},
  control: RunControl = {},
): Promise<RunResult> {
  await chooseDevice(control.device);
  const stored = await readRunConfig(run);
  const paths = runPaths(run);
  const config: RunConfig = {
    ...stored,
    training: { ...stored.training, ...changes },
    corpus: { ...stored.corpus, files: files?.map((f) => resolve(f)) ?? stored.corpus.files },
  };
  const corpus = await readCorpus(config.corpus.files);
  if (corpus.fingerprint !== stored.corpus.fingerprint) {
    throw new FileError(
      `train: the texts of ${run} must be those it began with (${stored.corpus.bytes} bytes, SHA-256 ${stored.corpus.fingerprint.slice(0, 8)}…), got ${corpus.bytes} bytes, ${corpus.fingerprint.slice(0, 8)}…. Restore them or begin a new run.`,
    );
  }
  const tokenizer = await loadTokenizer(paths.tokenizer);
  const ids = encodeSplit(tokenizer, splitSources(corpus.sources, config.training.validationShare));
  const fresh = await initialState(config, control);
  const newest = await newestCheckpoint(paths);
  // Killed before its first checkpoint, it begins again: the seed gives the same parameters.
  const { state, info } =
    newest === undefined
      ? { state: fresh, info: { step: 0, seconds: 0 } }
      : await loadCheckpoint(newest, fresh);
  await removeLeftovers(paths.checkpoints);
  const metrics = await rewindMetrics(paths.metrics, info.step);
  await writeRunConfig(paths, config);
  const position = { step: info.step, seconds: info.seconds };
  return execute({ paths, config, tokenizer, ids, state, position, metrics }, control);
}

function encodeSplit(tokenizer: Tokenizer, texts: Split<Uint8Array[]>): Split<Ids> {
  return { train: encodeTexts(tokenizer, texts.train), validation: encodeTexts(tokenizer, texts.validation) };
}

/** Parameters and optimizer before the first step. */
async function initialState({ model, training }: RunConfig, { device }: RunControl): Promise<TrainState> {
  const key = random.fold(random.key(training.seed), "parameters");
  const step = trainStep(model, training, [], device === undefined ? {} : { device });
  return step.init(initCausalLM(model, key));
}

/** Lines of metrics.jsonl are written together at most this often. */
const METRICS_EVERY_MS = 2000;
const SAMPLE = { count: 160, temperature: 0.8 };

/** Runs the loop with its files. */
async function execute(prepared: Prepared, control: RunControl): Promise<RunResult> {
  const { paths, config, tokenizer, ids, metrics } = prepared;
  const { training, model } = config;
  const on = control.device === undefined ? {} : { device: control.device };
  const bytesOf = bytesOfIds(tokenizer);
  const writer = sampler(model, on);
  const book = metricsBook(paths, config, metrics);
  let saved = "";
  let sample: string | null = null;
  const save = async (position: Position, state: TrainState): Promise<void> => {
    await book.flush();
    const sequences = position.step * training.batch;
    const info = { ...position, sequences, key: random.key(training.seed) };
    saved = await saveCheckpoint(paths.checkpoints, state, info, training.keep);
    control.onCheckpoint?.(saved);
  };
  control.onReady?.({
    config,
    parameters: parameterCount(model),
    trainTokens: ids.train.length,
    validationTokens: ids.validation.length,
    step: prepared.position.step,
  });
  let result: LoopResult;
  try {
    result = await trainLoop({
      config: model,
      settings: training,
      ids,
      bytesOf,
      state: prepared.state,
      position: prepared.position,
      ...on,
      ...(control.signal && { signal: control.signal }),
      advice: () =>
        `${saved === "" ? "There is no checkpoint yet." : `The last good checkpoint is ${saved}.`} Lower the learning rate${saved === "" ? "" : " or clip, then use --resume"}.`,
      events: {
        async step(event) {
          control.onStep?.(event);
          await book.add({
            step: event.step,
            seconds: event.seconds,
            loss: event.loss,
            rate: event.rate,
            gradientNorm: event.gradientNorm,
          });
        },
        async validation(position, score) {
          const [nats, bits] = [natsPerToken(score), bitsPerByte(score)];
          control.onValidation?.(position, nats, bits);
          await book.add({ ...position, validationLoss: nats, validationBitsPerByte: bits });
          await book.flush();
          await book.draw();
        },
        checkpoint: save,
        async sample({ step }, state) {
          const parts: string[] = [];
          for (const prompt of config.prompts) {
            const start = tokenizer.encode(prompt);
            const text = await writer.sample(state.params, start, { ...SAMPLE, seed: training.seed });
            parts.push(prompt.trimStart() + tokenizer.decode(text));
          }
          sample = parts.join("\n\n");
          control.onSample?.(sample);
          await appendFile(paths.samples, `=== step ${step} ===\n${sample}\n\n`);
        },
      },
    });
  } catch (error) {
    // What was measured is kept where it can be; the error matters more.
    await book.close().catch(() => undefined);
    throw error;
  } finally {
    await writer.release();
  }
  await book.close();
  const { score, position } = result;
  return {
    runDir: paths.root,
    steps: position.step,
    interrupted: result.interrupted,
    validationLoss: score ? natsPerToken(score) : null,
    validationBitsPerByte: score ? bitsPerByte(score) : null,
    trainLoss: book.recentLoss(),
    tokensPerSecond: result.tokensPerSecond,
    seconds: position.seconds,
    parameters: parameterCount(model),
    vocabulary: model.vocabulary,
    checkpoint: saved,
    sample,
  };
}

/** metrics.jsonl and loss.svg of a run. */
function metricsBook(paths: RunPaths, config: RunConfig, metrics: Metric[]) {
  let waiting: Metric[] = [];
  let written = Date.now();
  const flush = async (): Promise<void> => {
    const lines = waiting;
    waiting = [];
    written = Date.now();
    await appendMetrics(paths.metrics, lines);
  };
  return {
    flush,
    async add(metric: Metric): Promise<void> {
      metrics.push(metric);
      waiting.push(metric);
      if (Date.now() - written > METRICS_EVERY_MS) await flush();
    },
    async draw(): Promise<void> {
      if (!metrics.some((m) => "loss" in m)) return;
      const { layers, width, context } = config.model;
      const millions = (parameterCount(config.model) / 1e6).toPrecision(2);
      const megabytes = (config.corpus.bytes / 1e6).toPrecision(2);
      const subtitle = `${millions} M parameters, ${layers} layers of width ${width}, context ${context} · ${megabytes} MB of text`;
      await writeFileAtomic(paths.picture, lossPicture(metrics, { title: config.title, subtitle }));
    },
    async close(): Promise<void> {
      await flush();
      await this.draw();
    },
    /** Mean loss of the last steps, at most 50. */
    recentLoss(): number | null {
      const losses = metrics.flatMap((m) => ("loss" in m ? [m.loss] : [])).slice(-50);
      return losses.length === 0 ? null : losses.reduce((a, b) => a + b, 0) / losses.length;
    },
  };
}

// From a model and a file of examples to an adapter in a run folder; and back into a run that was stopped.
import { createHash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  type Adapter,
  type AdapterConfig,
  isAdapterLeaf,
  isFactor,
  merge,
  withAdapter,
} from "../../adapt/index.ts";
import { FileError, OptionError } from "../../errors.ts";
import { type CausalLMConfig, parameterCount, saveAdapter, saveModel } from "../../model/index.ts";
import { chooseDevice } from "../../runtime/choose-device.ts";
import { type Device, random } from "../../tensor/index.ts";
import { adaptMethod } from "../adapt-methods.ts";
import { adaptTask, rowsOf, zerosLike } from "../adapt-task.ts";
import { type Example, readExamples } from "../examples.ts";
import { encodeExamples, type Row } from "../packing.ts";
import type { StepEvent } from "../loop.ts";
import { holding, trainHeld } from "../run.ts";
import { type TrainChanges, trainSettings, type TrainSettings } from "../settings.ts";
import type { Numbers, Progress } from "../task.ts";
import { unpacked } from "./corpus.ts";
import { findFiles } from "./find-files.ts";
import { folderStore } from "./folder-store.ts";
import { keepTokenizer, openPretrained, type Pretrained } from "./pretrained.ts";
import { checkRunFolder } from "./run-folder.ts";

/** A new fine-tuning. */
export interface AdaptRequest {
  /** A Hugging Face folder, a llama2.c file or a run. */
  readonly model: string;
  readonly files: readonly string[];
  /** Folder to make. */
  readonly run: string;
  readonly method: string;
  readonly size: AdapterConfig;
  /** What differs from the method's own settings; `epochs` stands for `steps`. */
  readonly settings: TrainChanges;
  readonly epochs?: number;
  /** Whether prompts are learnt too. */
  readonly loss?: "completion" | "all";
}

/** How it is watched and stopped. */
export interface AdaptControl {
  readonly device?: Device;
  readonly signal?: AbortSignal;
  readonly onReady?: (ready: AdaptReady) => void;
  readonly onStep?: (event: StepEvent) => void;
  readonly onValidation?: (at: Progress, numbers: Numbers) => void;
  readonly onNotice?: (sentence: string) => void;
}

/** What it starts from. */
export interface AdaptReady {
  readonly settings: TrainSettings;
  readonly method: string;
  readonly context: number;
  readonly trainableParameters: number;
  readonly parameters: number;
  readonly examples: number;
  readonly validationExamples: number;
  /** Step it goes on from. */
  readonly step: number;
}

/** How it ended; plain data for `--json`. */
export interface AdaptResult {
  readonly runDir: string;
  /** Path of the base. */
  readonly model: string;
  readonly steps: number;
  readonly interrupted: boolean;
  readonly validationLoss: number | null;
  /** Of the base, before the first step; of a new run. */
  readonly firstValidationLoss: number | null;
  readonly trainLoss: number | null;
  readonly trainableParameters: number;
  readonly tokensPerSecond: number;
  readonly seconds: number;
  readonly peakRssBytes: number;
  readonly checkpoint: string;
  /** PEFT folder of the adapter; of `full`, folder of the whole model. Absent when interrupted. */
  readonly adapter: string | null;
}

/** What config.json of such a run holds. */
interface AdaptConfig {
  readonly athanor: 2;
  readonly task: "adapt";
  readonly title: string;
  readonly model: string;
  readonly method: string;
  readonly size: AdapterConfig;
  readonly context: number;
  readonly loss: "completion" | "all";
  readonly training: TrainSettings;
  readonly corpus: { readonly files: readonly string[]; readonly fingerprint: string };
}

/** A pretrained model may read further than one trains with. */
const USUAL_CONTEXT = 256;
const USUAL_BATCH = 8;
const USUAL_EPOCHS = 3;

/**
 * Fine-tunes a model.
 * @throws OptionError for bad settings, targets and ranks, and a folder that holds a run; FileError for files that cannot
 * be used.
 */
export async function startAdapt(request: AdaptRequest, control: AdaptControl = {}): Promise<AdaptResult> {
  await chooseDevice(control.device);
  await checkRunFolder(request.run);
  const method = adaptMethod(request.method);
  const { batch = USUAL_BATCH, context: asked, ...changes } = request.settings;
  const share = trainSettings(request.settings).validationShare;
  const base = await openPretrained(request.model);
  const context = asked ?? Math.min(base.config.context, USUAL_CONTEXT);
  if (context > base.config.context && base.config.position.type === "learned") {
    throw new OptionError(
      `adapt: context must be at most the ${base.config.context} learned positions of the model, got ${context}.`,
    );
  }
  method.like(base.params, request.size, random.key(0)); // targets and ranks are told before data is read
  const loss = request.loss ?? "completion";
  const data = await readData(
    request.files,
    { base, context, loss, share, seed: request.settings.seed ?? 0 },
    control,
  );
  const epochs = Math.ceil(((request.epochs ?? USUAL_EPOCHS) * data.train.length) / batch);
  // With a time instead of a number of steps, the time ends it.
  const steps = changes.steps ?? (changes.minutes === undefined ? Math.max(1, epochs) : 1_000_000);
  const settings = trainSettings({
    rate: method.rate,
    optimizer: { type: "adamw", beta2: 0.999, decay: 0 },
    ...changes,
    batch,
    steps,
    context,
  });
  const config: AdaptConfig = {
    athanor: 2,
    task: "adapt",
    title: `${request.method} on ${request.model}`,
    model: resolve(request.model),
    method: request.method,
    size: request.size,
    context,
    loss,
    training: settings,
    corpus: { files: data.files.map((f) => resolve(f)), fingerprint: data.fingerprint },
  };
  const store = folderStore(request.run);
  return holding(store, control, async () => {
    await checkRunFolder(request.run);
    await store.write("config.json", `${JSON.stringify(config, null, 2)}\n`);
    return execute(config, base, data, store, control);
  });
}

/**
 * Goes on from the newest good checkpoint of a run; with unchanged settings it ends bitwise as one that was never stopped.
 * @throws FileError when the run, its model or its examples are missing or changed.
 */
export async function resumeAdapt(
  run: string,
  changes: {
    readonly steps?: number;
    readonly minutes?: number;
    readonly files?: readonly string[];
    readonly model?: string;
  } = {},
  control: AdaptControl = {},
): Promise<AdaptResult> {
  await chooseDevice(control.device);
  const stored = await readAdaptConfig(run);
  const { files = stored.corpus.files, model = stored.model, ...later } = changes;
  const config: AdaptConfig = {
    ...stored,
    model: resolve(model),
    training: { ...trainSettings(stored.training), ...later },
  };
  const base = await openPretrained(model);
  const { validationShare: share, seed } = config.training;
  const data = await readData(
    files,
    { base, context: config.context, loss: config.loss, share, seed },
    control,
  );
  if (data.fingerprint !== config.corpus.fingerprint) {
    throw new FileError(
      `adapt: the examples of ${run} must be those it began with (SHA-256 ${config.corpus.fingerprint.slice(0, 8)}…), got ${data.fingerprint.slice(0, 8)}…. Restore them or begin a new run.`,
    );
  }
  const store = folderStore(run);
  return holding(store, control, async () => {
    await store.write("config.json", `${JSON.stringify(config, null, 2)}\n`);
    return execute(config, base, data, store, control);
  });
}

async function readAdaptConfig(run: string): Promise<AdaptConfig> {
  const path = join(run, "config.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new FileError(
      `adapt: ${run} must be the folder of a run with a config.json, got ${error.code ?? error.message}.`,
    );
  });
  let config: Partial<AdaptConfig> = {};
  try {
    config = JSON.parse(text) as Partial<AdaptConfig>;
  } catch {
    // told below
  }
  if (config.task === "adapt" && config.training && config.corpus && config.model !== undefined)
    return config as AdaptConfig;
  throw new FileError(
    `adapt: ${path} must be the config.json of a fine-tuning ("task": "adapt"), got keys ${Object.keys(config).join(", ") || "none"}.`,
  );
}

interface Data {
  readonly train: readonly Row[];
  readonly validation: readonly Row[];
  readonly examples: number;
  readonly validationExamples: number;
  readonly files: readonly string[];
  readonly fingerprint: string;
}

async function readData(
  paths: readonly string[],
  {
    base,
    context,
    loss,
    share,
    seed,
  }: { base: Pretrained; context: number; loss: "completion" | "all"; share: number; seed: number },
  { onNotice }: AdaptControl,
): Promise<Data> {
  if (paths.length === 0) {
    throw new OptionError(
      "adapt: --data must name at least one file, got none. Try: athanor adapt MODEL --data chats.jsonl",
    );
  }
  const { chat } = base;
  const files = await findFiles(paths);
  const hash = createHash("sha256");
  const [train, validation]: [Example[], Example[]] = [[], []];
  for (const path of files) {
    const { data, name } = await unpacked(path);
    hash.update(`${data.length}:`).update(data);
    const read = readExamples(data, name, path, {
      loss,
      ...(chat && { chat: (turns, answer) => chat(turns, answer) }),
    });
    for (const notice of read.notices) onNotice?.(notice);
    const parts = splitExamples(read.examples, share);
    train.push(...parts.train);
    validation.push(...parts.validation);
  }
  const tokens = (examples: readonly Example[]) => {
    const encoded = encodeExamples(base.tokenizer, examples, context, base);
    for (const notice of encoded.notices) onNotice?.(notice);
    return encoded.tokens;
  };
  const [learned, held] = [tokens(train), tokens(validation)];
  if (learned.length === 0 || held.length === 0) {
    throw new FileError(
      `adapt: the files must hold at least two examples that fit ${context} tokens, one to learn and one to validate, got ${learned.length} and ${held.length}.`,
    );
  }
  const rows = (list: typeof learned): Row[] => rowsOf(base.config, list, context, seed);
  return {
    train: rows(learned),
    validation: rows(held),
    examples: learned.length,
    validationExamples: held.length,
    files,
    fingerprint: hash.digest("hex"),
  };
}

/** The last share of the examples validates, at least one; a single text is cut at the end of a line. */
function splitExamples(
  examples: readonly Example[],
  share: number,
): { train: Example[]; validation: Example[] } {
  const [only] = examples;
  if (examples.length === 1 && only?.divides) {
    const at = Math.floor(only.text.length * (1 - share));
    const cut = only.text.indexOf("\n", at) + 1 || at;
    const part = (text: string): Example => ({ ...only, text, learned: [[0, text.length]] });
    return {
      train: [part(only.text.slice(0, cut))],
      validation: [part(only.text.slice(cut))].filter(({ text }) => text !== ""),
    };
  }
  const held = Math.max(1, Math.round(examples.length * share));
  return { train: examples.slice(0, -held), validation: examples.slice(-held) };
}

async function execute(
  config: AdaptConfig,
  base: Pretrained,
  data: Data,
  store: ReturnType<typeof folderStore>,
  control: AdaptControl,
): Promise<AdaptResult> {
  const { device, signal, onStep, onValidation, onNotice, onReady } = control;
  const on = device === undefined ? {} : { device };
  const { training: settings, context, size } = config;
  const method = adaptMethod(config.method);
  const like = method.like(base.params, size, random.key(0));
  const { start, rule } = method;
  const trainable = countOf(like, (name) => !isAdapterLeaf(name) || isFactor(name));
  const task = adaptTask({
    config: base.config,
    base: base.params,
    start: (key, gradients) =>
      start ? start(base.params, size, key, gradients) : method.like(base.params, size, key),
    like: () => zerosLike(like),
    ...(method.factor && { rate: method.factor }),
    ...(rule && { rule: (usual, rate, optimizer) => rule(usual, rate, optimizer, size) }),
    settings,
    context,
    train: data.train,
    validation: data.validation,
    ...on,
  });
  // What an adapter starts from gives what the base gives.
  const fresh = !(await store.holds());
  const firstValidation = fresh
    ? (await task.validate?.(like, { step: 0, last: false }))?.["validationLoss"]
    : undefined;
  const result = await trainHeld(task, settings, store, {
    ...on,
    ...(signal && { signal }),
    title: config.title,
    subtitle: `${trainable.toLocaleString("en-GB")} trained parameters, ${data.examples} examples`,
    onReady: (step) =>
      onReady?.({
        settings,
        method: config.method,
        context,
        trainableParameters: trainable,
        parameters: parameterCount(base.config),
        examples: data.examples,
        validationExamples: data.validationExamples,
        step,
      }),
    ...(onStep && { onStep }),
    ...(onValidation && { onValidation }),
    ...(onNotice && { onNotice }),
  });
  const place = result.interrupted ? null : await writeResult(store.place, config, base, result.params);
  return {
    runDir: store.place,
    model: config.model,
    steps: result.steps,
    interrupted: result.interrupted,
    validationLoss: result.numbers?.["validationLoss"] ?? null,
    firstValidationLoss: firstValidation ?? null,
    trainLoss: result.trainLoss ?? null,
    trainableParameters: trainable,
    tokensPerSecond: result.perSecond,
    seconds: result.seconds,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    checkpoint: result.checkpoint,
    adapter: place,
  };
}

function countOf(leaves: Adapter, counts: (name: string) => boolean): number {
  return Object.entries(leaves).reduce(
    (sum, [name, t]) => sum + (counts(name) ? t.shape.map(Number).reduce((a, b) => a * b, 1) : 0),
    0,
  );
}

/** An adapter as a PEFT folder inside the run; a model that was trained whole as a Hugging Face folder. */
async function writeResult(
  run: string,
  { method, model }: AdaptConfig,
  base: Pretrained,
  trained: Adapter,
): Promise<string> {
  if (method === "full") {
    const folder = join(run, "model");
    await writeModel(folder, base, base.config, withAdapter(base.params, trained));
    return folder;
  }
  const folder = join(run, "adapter");
  await mkdir(folder, { recursive: true });
  await saveAdapter(folder, trained, base.params, { base: model });
  return folder;
}

/** Writes a Hugging Face folder with the base's own tokenizer and chat template. */
async function writeModel(
  folder: string,
  base: Pretrained,
  config: CausalLMConfig,
  params: Pretrained["params"],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const eos = base.eos === undefined ? [] : [base.eos];
  await saveModel(folder, config, params, { bos: base.bos, eos });
  await keepTokenizer(base.tokenizerPath, folder);
}

/** Writes the model with `adapter` worked in, as a Hugging Face folder. @throws OptionError when the folder is there. */
export async function writeMerged(folder: string, model: string, adapter: Adapter): Promise<void> {
  await checkNew("--merge", folder);
  const base = await openPretrained(model);
  const table = Object.keys(adapter).some((name) => name.includes(".lora_embedding_"));
  const tied = base.config.tieEmbeddings && table;
  const { params } = await merge(withAdapter(base.params, adapter));
  // The adapter of a tied table changes what is read, not the head: that becomes a matrix of its own.
  const whole = tied ? { ...params, lm_head: base.params.model.embed_tokens } : params;
  await writeModel(folder, base, tied ? { ...base.config, tieEmbeddings: false } : base.config, whole);
}

/** @throws OptionError when something is there. */
export async function checkNew(option: string, folder: string): Promise<void> {
  if (await stat(folder).catch(() => undefined)) {
    throw new OptionError(`adapt: ${option} must name a new folder, got ${folder}, which is there.`);
  }
}

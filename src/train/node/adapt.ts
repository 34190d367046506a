// From a model and a file of examples to an adapter in a run folder; and back into a run that was stopped.
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
import {
  type CausalLMConfig,
  frozenInBits,
  parameterCount,
  saveAdapter,
  saveModel,
  thawed,
} from "../../model/index.ts";
import { chooseDevice } from "../../runtime/choose-device.ts";
import { type Device, random } from "../../tensor/index.ts";
import { adaptMethod } from "../adapt-methods.ts";
import { adaptTask, zerosLike } from "../adapt-task.ts";
import { keepingBest } from "../best.ts";
import type { Columns } from "../examples.ts";
import type { StepEvent } from "../loop.ts";
import { holding, trainHeld } from "../run.ts";
import { type TrainChanges, trainSettings, type TrainSettings } from "../settings.ts";
import type { Numbers, Progress } from "../task.ts";
import { type AdaptData, readData } from "./adapt-data.ts";
import { promptsIn, sampleWriter } from "./adapt-samples.ts";
import { bestIn, readBest, validationsOf, writeBest } from "./best-file.ts";
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
  /** Files that validate; default: the last share of each file. */
  readonly validation?: readonly string[];
  readonly columns?: Columns;
  /** Ends after so many validations without a better one. */
  readonly patience?: number;
  /** Bits of the base, which is frozen; default: float32. */
  readonly bits?: 4 | 8;
  /** Held-out prompts that are written on before and after; default 2. */
  readonly samples?: number;
}

/** How it is watched and stopped. */
export interface AdaptControl {
  readonly device?: Device;
  readonly signal?: AbortSignal;
  readonly onReady?: (ready: AdaptReady) => void;
  readonly onStep?: (event: StepEvent) => void;
  readonly onValidation?: (at: Progress, numbers: Numbers) => void;
  readonly onSample?: (text: string, when: "before" | "after") => void;
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
  /** Patience was over before the steps were. */
  readonly early: boolean;
  /** Of what is written: the best of all validations, after `bestStep` steps. */
  readonly validationLoss: number | null;
  readonly bestStep: number | null;
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
  readonly columns?: Columns;
  readonly patience?: number;
  readonly bits?: 4 | 8;
  readonly samples?: number;
  readonly training: TrainSettings;
  readonly corpus: {
    readonly files: readonly string[];
    readonly validation?: readonly string[];
    readonly fingerprint: string;
  };
}

/** A pretrained model may read further than one trains with. */
const USUAL_CONTEXT = 256;
const USUAL_BATCH = 8;
const USUAL_EPOCHS = 3;
const USUAL_SAMPLES = 2;
/** Validations of a training whose steps are known, and most steps between two. */
const VALIDATIONS = 10;
const VALIDATE_EVERY = { steps: 250, minutes: 100 };

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
  const { loss = "completion", validation, columns, patience, bits, samples } = request;
  if (bits !== undefined && request.method.split(":")[0] === "full") {
    throw new OptionError(
      "adapt: --bits must go with an adapter, got --method full. A base in bits is frozen.",
    );
  }
  const data = await readData(
    base,
    {
      files: request.files,
      context,
      loss,
      share,
      seed: request.settings.seed ?? 0,
      ...(validation && { validation }),
      ...(columns && { columns }),
    },
    control.onNotice,
  );
  const epochs = Math.ceil(((request.epochs ?? USUAL_EPOCHS) * data.train.length) / batch);
  // With a time instead of a number of steps, the time ends it.
  const steps = changes.steps ?? (changes.minutes === undefined ? Math.max(1, epochs) : 1_000_000);
  const settings = trainSettings({
    rate: method.rate,
    optimizer: { type: "adamw", beta2: 0.999, decay: 0 },
    validateEvery:
      changes.minutes === undefined
        ? Math.min(VALIDATE_EVERY.steps, Math.max(1, Math.ceil(steps / VALIDATIONS)))
        : VALIDATE_EVERY.minutes,
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
    ...(columns && { columns }),
    ...(patience !== undefined && { patience }),
    ...(bits !== undefined && { bits }),
    ...(samples !== undefined && { samples }),
    training: settings,
    corpus: {
      files: data.files.map((f) => resolve(f)),
      ...(data.validationFiles.length > 0 && { validation: data.validationFiles.map((f) => resolve(f)) }),
      fingerprint: data.fingerprint,
    },
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
  const { context, loss, columns } = config;
  const { validation } = config.corpus;
  const data = await readData(
    base,
    {
      files,
      context,
      loss,
      share,
      seed,
      ...(validation && { validation }),
      ...(columns && { columns }),
    },
    control.onNotice,
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

/** The base as it is trained beside. */
async function frozenBase(given: Pretrained, bits: 4 | 8 | undefined): Promise<Pretrained> {
  return bits === undefined ? given : { ...given, params: await frozenInBits(given.params, bits) };
}

async function execute(
  config: AdaptConfig,
  given: Pretrained,
  data: AdaptData,
  store: ReturnType<typeof folderStore>,
  control: AdaptControl,
): Promise<AdaptResult> {
  const { device, signal, onStep, onValidation, onNotice, onReady, onSample } = control;
  const on = device === undefined ? {} : { device };
  const { training: settings, context, size, patience } = config;
  const method = adaptMethod(config.method);
  const base = await frozenBase(given, config.bits);
  const plain = config.bits === undefined ? base.params : thawed(base.params);
  const like = method.like(plain, size, random.key(0));
  const { start, rule } = method;
  const trainable = countOf(like, (name) => !isAdapterLeaf(name) || isFactor(name));
  const shown = promptsIn(data.shown, config.samples ?? USUAL_SAMPLES);
  const writer = shown.length > 0 ? sampleWriter(base, shown, device) : undefined;
  const run = store.place;
  const fresh = !(await store.holds());
  const before = fresh ? undefined : await bestIn(run);
  const { task, from } = keepingBest(
    adaptTask({
      config: base.config,
      base: base.params,
      start: (key, gradients) => start?.(plain, size, key, gradients) ?? method.like(plain, size, key),
      like: () => zerosLike(like),
      ...(method.factor && { rate: method.factor }),
      ...(rule && { rule: (usual, rate, optimizer) => rule(usual, rate, optimizer, size) }),
      settings,
      context,
      train: data.train,
      validation: data.validation,
      ...on,
    }),
    {
      loss: "validationLoss",
      before: fresh ? [] : await validationsOf(run),
      ...(before && { kept: before }),
      ...(patience !== undefined && { patience }),
      keep: (own, at) => writeBest(run, own, at),
    },
  );
  try {
    // What an adapter starts from gives what the base gives.
    const firstValidation = fresh
      ? (await task.validate?.(like, { step: 0, last: false }))?.["validationLoss"]
      : undefined;
    if (firstValidation !== undefined)
      await store.metric({ step: 0, seconds: 0, validationLoss: firstValidation });
    if (fresh && writer) {
      const text = await writer.write(like);
      onSample?.(text, "before");
      await store.sample(0, { text });
    }
    const result = await trainHeld(task, settings, store, {
      ...on,
      ...(signal && { signal }),
      title: config.title,
      subtitle: `${trainable.toLocaleString("en-GB")} trained parameters, ${data.examples} examples`,
      onReady(step) {
        from(step);
        onReady?.({
          settings,
          method: config.method,
          context,
          trainableParameters: trainable,
          parameters: parameterCount(base.config),
          examples: data.examples,
          validationExamples: data.validationExamples,
          step,
        });
      },
      ...(onStep && { onStep }),
      ...(onValidation && { onValidation }),
      ...(onNotice && { onNotice }),
    });
    const kept = result.interrupted ? undefined : await bestIn(run);
    const own = kept && (await readBest(run, like));
    if (own && writer) {
      const text = await writer.write(own);
      onSample?.(text, "after");
      await store.sample(result.steps, { text });
    }
    const place = own ? await writeResult(run, config, base, own) : null;
    return {
      runDir: run,
      model: config.model,
      steps: result.steps,
      interrupted: result.interrupted,
      early: !result.interrupted && result.steps < settings.steps && task.ended?.() === true,
      validationLoss: kept?.loss ?? null,
      bestStep: kept?.step ?? null,
      firstValidationLoss: firstValidation ?? null,
      trainLoss: result.trainLoss ?? null,
      trainableParameters: trainable,
      tokensPerSecond: result.perSecond,
      seconds: result.seconds,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      checkpoint: result.checkpoint,
      adapter: place,
    };
  } finally {
    await writer?.release();
  }
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

// From files of labelled sequences to a classifier in a run folder; back into a run that was stopped.
import { resolve } from "node:path";
import { FileError } from "../../errors.ts";
import { classifierConfig, type ClassifierConfig, type Pooling } from "../../model/classifier-config.ts";
import { classifierParametersOf, type ClassifierParams } from "../../model/classifier.ts";
import type { MapRule } from "../../model/index.ts";
import { chooseDevice } from "../../runtime/choose-device.ts";
import type { Device } from "../../tensor/index.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import { loadTokenizer, saveTokenizer } from "../../tokenizer/load-save.ts";
import { type Case, gapsIn } from "../classify/cases.ts";
import {
  type Preparation,
  type PrepareChoices,
  prepare,
  preparationOf,
  type Prepared,
} from "../classify/prepare.ts";
import {
  CLASSIFY_SIZES,
  CLASSIFY_STEPS,
  CLASSIFY_TRAINING,
  type ClassifySizes,
  parseMixer,
} from "../classify/recipe.ts";
import type { ClassScores, NumberScores } from "../classify/scores.ts";
import type { TableReading } from "../classify/table-cases.ts";
import { classifyTask } from "../classify/task.ts";
import type { StepEvent } from "../loop.ts";
import { holding, trainHeld, type TrainResult } from "../run.ts";
import type { RunStore } from "../run-store.ts";
import { mergeSettings, type TrainChanges, trainSettings, type TrainSettings } from "../settings.ts";
import type { Numbers, Progress } from "../task.ts";
import { makeTokenizer, parseTokenizerChoice } from "../tokenizer.ts";
import { type Parts, readParts } from "./classify-data.ts";
import { scoreOf, type Scores, writeScores } from "./classify-scores.ts";
import { folderStore } from "./folder-store.ts";
import { checkRunFolder, runPaths } from "./run-folder.ts";

/** A new classifier. */
export interface ClassifyRequest {
  /** Files to learn from; they count as one. */
  readonly files: readonly string[];
  /** Files that are scored and never learnt; without them a fifth of `files` is held out. */
  readonly test?: readonly string[];
  /** Folder to make. */
  readonly run: string;
  /** A mixer in words; a kind alone gets fields that suit the data. Default `rtf`. */
  readonly mixer?: string;
  readonly sizes?: Partial<ClassifySizes>;
  readonly pooling?: Pooling;
  readonly maps?: readonly MapRule[];
  readonly settings?: TrainChanges;
  /** Times that every example is seen; stands for `steps`. */
  readonly epochs?: number;
  readonly choices?: PrepareChoices;
  readonly reading?: TableReading;
  /** Of texts: `bytes` (default), `chars`, `train:SIZE` or a path. */
  readonly tokenizer?: string;
  /** Deviation of noise on the values of series in training; default 0. */
  readonly noise?: number;
}

/** How it is watched and stopped. */
export interface ClassifyControl {
  readonly device?: Device;
  readonly signal?: AbortSignal;
  readonly onReady?: (ready: ClassifyReady) => void;
  readonly onStep?: (event: StepEvent) => void;
  readonly onValidation?: (at: Progress, numbers: Numbers) => void;
  readonly onNotice?: (sentence: string) => void;
}

/** What it starts from. */
export interface ClassifyReady {
  readonly config: ClassifyConfig;
  readonly parameters: number;
  readonly trainCases: number;
  readonly heldCases: number;
  /** Step it goes on from. */
  readonly step: number;
}

/** How it ended; plain data for `--json`. Scores are of the held part, null when interrupted. */
export type ClassifyResult = Partial<Omit<ClassScores & NumberScores, "loss" | "accuracy">> & {
  readonly accuracy: number | null;
  readonly loss: number | null;
  readonly classes?: readonly string[];
  readonly trainLoss: number | null;
  readonly steps: number;
  readonly seconds: number;
  readonly runDir: string;
  readonly interrupted: boolean;
  readonly mixer: string;
  readonly parameters: number;
  readonly trainCases: number;
  readonly heldCases: number;
  readonly sequencesPerSecond: number;
  readonly checkpoint: string;
};

/** What config.json of such a run holds. */
export interface ClassifyConfig {
  readonly athanor: 2;
  readonly task: "classify";
  readonly title: string;
  readonly model: ClassifierConfig;
  readonly training: TrainSettings;
  readonly preparation: Preparation;
  readonly reading: TableReading;
  readonly noise: number;
  /** As asked for; of texts. The tokenizer itself is in tokenizer.json. */
  readonly tokenizer?: string;
  readonly data: {
    /** Absolute paths. */
    readonly files: readonly string[];
    readonly test?: readonly string[];
    /** SHA-256 of all of them. */
    readonly fingerprint: string;
  };
}

/**
 * Trains a classifier, or a model that predicts a number.
 * @throws OptionError for bad settings and columns, and a folder that holds a run; FileError for files that cannot be used.
 */
export async function startClassify(
  request: ClassifyRequest,
  control: ClassifyControl = {},
): Promise<ClassifyResult> {
  await chooseDevice(control.device);
  await checkRunFolder(request.run);
  const { reading = {}, noise = 0, tokenizer: how = "bytes" } = request;
  const { seed = 0, validationShare = 0.2 } = { ...CLASSIFY_TRAINING, ...request.settings };
  const parts = await readParts(request, { seed, validationShare });
  for (const notice of [...parts.train.notices, ...parts.held.notices]) control.onNotice?.(notice);
  const tokenizer =
    parts.train.input === "text" ? await tokenizerFor(how, parts.train.cases, control) : undefined;
  const preparation = preparationOf(parts.train, request.choices ?? {}, tokenizer);
  const attention = parseMixer(request.mixer ?? "rtf", preparation.context);
  const { input, labels, context } = preparation;
  const model = classifierConfig({
    ...CLASSIFY_SIZES,
    ...request.sizes,
    input,
    outputs: labels.type === "classes" ? labels.names.length : 1,
    context,
    attention,
    ...(request.pooling && { pooling: request.pooling }),
    ...(request.maps && { maps: request.maps }),
  });
  const config: ClassifyConfig = {
    athanor: 2,
    task: "classify",
    title: `${attention.type} on ${nameOf(request.files[0] ?? "")}`,
    model,
    training: settingsOf(request, parts.train.cases.length),
    preparation,
    reading,
    noise,
    ...(tokenizer && { tokenizer: how }),
    data: {
      files: request.files.map((file) => resolve(file)),
      ...(request.test && { test: request.test.map((file) => resolve(file)) }),
      fingerprint: parts.fingerprint,
    },
  };
  const ready = preparedParts(config, parts, tokenizer, control);
  const store = folderStore(request.run);
  return holding(store, control, async () => {
    await checkRunFolder(request.run);
    if (tokenizer) await saveTokenizer(tokenizer, runPaths(request.run).tokenizer);
    await store.write("config.json", `${JSON.stringify(config, null, 2)}\n`);
    return execute(config, ready, store, control);
  });
}

/** What may differ from the stopped training. */
export interface ClassifyChanges {
  readonly steps?: number;
  readonly minutes?: number;
  /** The same files at another place. */
  readonly files?: readonly string[];
  readonly test?: readonly string[];
}

/**
 * Goes on from the newest good checkpoint of a run; with unchanged settings it ends bitwise as one that was never stopped.
 * @throws FileError when the run or its files are missing or changed.
 */
export async function resumeClassify(
  run: string,
  { files, test, ...later }: ClassifyChanges = {},
  control: ClassifyControl = {},
): Promise<ClassifyResult> {
  await chooseDevice(control.device);
  const stored = await readClassifyConfig(run);
  const config: ClassifyConfig = {
    ...stored,
    training: { ...trainSettings(stored.training), ...later },
    data: {
      ...stored.data,
      ...(files && { files: files.map((file) => resolve(file)) }),
      ...(test && { test: test.map((file) => resolve(file)) }),
    },
  };
  const parts = await readParts({ ...config.data, reading: config.reading }, config.training);
  if (parts.fingerprint !== config.data.fingerprint) {
    throw new FileError(
      `classify: the files of ${run} must be those it began with (SHA-256 ${config.data.fingerprint.slice(0, 8)}…), got ${parts.fingerprint.slice(0, 8)}…. Restore them or begin a new run.`,
    );
  }
  const tokenizer = config.tokenizer === undefined ? undefined : await loadTokenizer(runPaths(run).tokenizer);
  const ready = preparedParts(config, parts, tokenizer, control);
  const store = folderStore(run);
  return holding(store, control, async () => {
    await store.write("config.json", `${JSON.stringify(config, null, 2)}\n`);
    return execute(config, ready, store, control);
  });
}

/** Reads and checks config.json. @throws FileError when it is no classifier's. */
export async function readClassifyConfig(run: string): Promise<ClassifyConfig> {
  const { root } = runPaths(run);
  const text = await folderStore(run).read("config.json");
  if (text === undefined) {
    throw new FileError(
      `classify: ${run} must be the folder of a run with a config.json, got none in ${root}.`,
    );
  }
  let config: Partial<ClassifyConfig> = {};
  try {
    config = JSON.parse(text) as Partial<ClassifyConfig>;
  } catch {
    // told below
  }
  if (config.task === "classify" && config.model && config.preparation && config.data && config.training)
    return config as ClassifyConfig;
  throw new FileError(
    `classify: config.json of ${run} must be that of a classifier ("task": "classify"), got "${config.task ?? "nothing"}".`,
  );
}

const nameOf = (path: string): string =>
  (path.split(/[/\\]/).at(-1) ?? path)
    .replace(/\.gz$/i, "")
    .replace(/\.\w+$/, "")
    .replace(/[_-]?train$/i, "");

function settingsOf({ settings = {}, epochs }: ClassifyRequest, examples: number): TrainSettings {
  const merged = mergeSettings(CLASSIFY_TRAINING, settings);
  const batch = merged.batch ?? 16;
  const byEpochs = epochs === undefined ? undefined : Math.max(1, Math.ceil((epochs * examples) / batch));
  // With a time instead of a number of steps, the time ends it.
  const steps = merged.steps ?? byEpochs ?? (merged.minutes === undefined ? CLASSIFY_STEPS : 1_000_000);
  const every = Math.max(1, Math.min(100, Math.ceil(steps / 10)));
  return trainSettings({
    validateEvery: every,
    checkpointEvery: every,
    sampleEvery: steps,
    ...merged,
    steps,
  });
}

async function tokenizerFor(
  how: string,
  cases: readonly Case[],
  { signal }: ClassifyControl,
): Promise<Tokenizer> {
  const choice = parseTokenizerChoice(how);
  if (choice.kind === "file") return loadTokenizer(choice.path);
  const encoder = new TextEncoder();
  const texts = cases.map(({ text = "" }) => encoder.encode(text));
  return makeTokenizer(choice, texts, signal ? { signal } : {});
}

interface Ready {
  readonly train: Prepared;
  readonly held: Prepared;
}

function preparedParts(
  { preparation, model }: ClassifyConfig,
  { train, held }: Parts,
  tokenizer: Tokenizer | undefined,
  { onNotice }: ClassifyControl,
): Ready {
  const gaps = gapsIn(train.cases) + gapsIn(held.cases);
  const learned = prepare(preparation, train, tokenizer, { labelled: true });
  const scored = prepare(preparation, held, tokenizer, { labelled: true });
  if (gaps > 0) {
    const how =
      preparation.missing === "linear"
        ? "on lines between their neighbours"
        : "at the means of their channels";
    onNotice?.(`classify: ${gaps} missing values are put ${how}.`);
  }
  checkPlaces(model, scored);
  const cut = learned.cut + scored.cut;
  if (cut > 0) {
    onNotice?.(
      `classify: ${cut} of ${learned.count + scored.count} texts are longer than ${preparation.context} tokens and lose their ends. Raise --context to keep them whole.`,
    );
  }
  return { train: learned, held: scored };
}

/** @throws FileError for sequences longer than a table of learned positions. */
export function checkPlaces({ position, context }: ClassifierConfig, { T }: Prepared): void {
  if (position.type !== "learned" || T <= context) return;
  throw new FileError(
    `classify: sequences must have at most the ${context} places of the training part, because their positions are learned, got ${T}. Use another mixer.`,
  );
}

async function execute(
  config: ClassifyConfig,
  { train, held }: Ready,
  store: RunStore,
  control: ClassifyControl,
): Promise<ClassifyResult> {
  const { device, signal, onStep, onValidation, onNotice } = control;
  const on = device === undefined ? {} : { device };
  const { training: settings, model, preparation, noise, title } = config;
  const { labels } = preparation;
  const parameters = parametersIn(model);
  const subtitle = `${parameters.toLocaleString("en-GB")} parameters, ${train.count} sequences learnt, ${held.count} held out`;
  const task = classifyTask({ config: model, settings, labels, train, held, noise, ...on });
  const result: TrainResult<ClassifierParams> = await trainHeld(task, settings, store, {
    ...on,
    ...(signal && { signal }),
    title,
    subtitle,
    onReady: (step) =>
      control.onReady?.({ config, parameters, trainCases: train.count, heldCases: held.count, step }),
    ...(onStep && { onStep }),
    ...(onValidation && { onValidation }),
    ...(onNotice && { onNotice }),
  });
  const score = async (): Promise<Scores> => {
    const found = await scoreOf(model, result.params, held, labels, on);
    await writeScores(store, found, labels, { title, subtitle, steps: result.steps });
    return found.scores;
  };
  const scores = result.interrupted ? undefined : await score();
  return {
    accuracy: null,
    ...scores,
    loss: scores?.loss ?? null,
    trainLoss: result.trainLoss ?? null,
    steps: result.steps,
    seconds: result.seconds,
    runDir: store.place,
    interrupted: result.interrupted,
    mixer: model.attention.type,
    parameters,
    trainCases: train.count,
    heldCases: held.count,
    sequencesPerSecond: result.perSecond,
    checkpoint: result.checkpoint,
  };
}

function parametersIn(model: ClassifierConfig): number {
  let count = 0;
  for (const { shape } of classifierParametersOf(model).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

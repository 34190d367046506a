// From pictures to a trained image method in a run folder; and back into a run that was stopped.
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { FileError, OptionError } from "../../../errors.ts";
import { chooseDevice } from "../../../runtime/choose-device.ts";
import type { Device } from "../../../tensor/index.ts";
import type { Augmentation } from "../../images/augment.ts";
import { imageMethod, parseImageMethod } from "../../images/config.ts";
import type { Scorer } from "../../images/frechet.ts";
import type { SplitImages } from "../../images/images.ts";
import type { ImageSpace } from "../../images/method.ts";
import { type ReadImages, readImages } from "../../images/read.ts";
import { imageSettings } from "../../images/settings.ts";
import { imageTask } from "../../images/task.ts";
import type { StepEvent } from "../../loop.ts";
import { holding, trainHeld } from "../../run.ts";
import type { RunStore } from "../../run-store.ts";
import { type TrainChanges, trainSettings } from "../../settings.ts";
import type { Numbers, Progress } from "../../task.ts";
import { folderStore } from "../folder-store.ts";
import { checkRunFolder } from "../run-folder.ts";
import { imageFilesAt, sharpDecoder } from "./files.ts";
import { fingerprintOf, type ImageRunConfig, openImageRun, readImageRunConfig } from "./run-folder.ts";

/** A new training. */
export interface ImageRunRequest {
  /** A folder, an idx file, or the name of a package. */
  readonly data: string;
  /** Folder to make. */
  readonly run: string;
  /** `fsq:levels=8x5x5x5` … */
  readonly method: string;
  /** What differs from the method's own settings. */
  readonly settings: TrainChanges;
  readonly reading?: ReadImages;
  readonly augmentation?: Augmentation;
  /** Run that the method builds on. */
  readonly from?: string;
  /** Run of a method with features, for Fréchet distances. */
  readonly scorer?: string;
}

/** How a training is watched and stopped. */
export interface ImageControl {
  readonly device?: Device;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onReady?: (ready: ImageReady) => void;
  readonly onStep?: (event: StepEvent) => void;
  readonly onValidation?: (at: Progress, numbers: Numbers) => void;
  readonly onNotice?: (sentence: string) => void;
}

/** What a training starts from. */
export interface ImageReady {
  readonly config: ImageRunConfig;
  readonly parameters: number;
  readonly trainImages: number;
  readonly validationImages: number;
  /** Step it goes on from; 0 for a new one. */
  readonly step: number;
}

/** How a training ended; plain data for `--json`. Figures of the method stand beside. */
export interface ImageResult {
  readonly runDir: string;
  readonly method: string;
  readonly steps: number;
  readonly interrupted: boolean;
  readonly trainLoss: number | null;
  readonly imagesPerSecond: number;
  readonly seconds: number;
  readonly parameters: number;
  readonly trainImages: number;
  readonly validationImages: number;
  readonly checkpoint: string;
  readonly figures: Numbers;
}

/**
 * Trains a new image method.
 * @throws OptionError for bad settings and a folder that holds a run; FileError for data that cannot be used.
 */
export async function startImages(
  request: ImageRunRequest,
  control: ImageControl = {},
): Promise<ImageResult> {
  // What can be wrong at once is told before pictures are read.
  await chooseDevice(control.device);
  await checkRunFolder(request.run);
  const base = request.from === undefined ? undefined : await openImageRun(request.from);
  const method = parseImageMethod(request.method, base?.config.method);
  const training = imageSettings(method.type, request.settings);
  const { reading: wanted = {}, augmentation = {} } = request;
  const reading: ReadImages = { validationShare: training.validationShare, seed: training.seed, ...wanted };
  const images = await read(request.data, reading);
  const { space } = images.train;
  imageMethod(method.type).check?.(method, space);
  if (base !== undefined) checkAlike(base.config.space, space, request.from ?? "");
  const config: ImageRunConfig = {
    athanor: 2,
    task: "images",
    title: `${method.type} on ${request.data}`,
    method,
    space,
    training,
    augmentation,
    data: { path: await placeOf(request.data), reading, fingerprint: fingerprintOf(images) },
    ...(request.from !== undefined && { from: resolve(request.from) }),
    ...(request.scorer !== undefined && { scorer: resolve(request.scorer) }),
  };
  const scorer = await scorerOf(config);
  const store = folderStore(request.run);
  return holding(store, control, async () => {
    await checkRunFolder(request.run);
    await store.write("config.json", `${JSON.stringify(config, null, 2)}\n`);
    return execute(config, images, { base: base?.params, ...(scorer && { scorer }) }, store, control);
  });
}

/** What may differ when a run goes on. */
export interface ImageChanges {
  readonly steps?: number;
  readonly minutes?: number;
  /** Where the same pictures are now. */
  readonly data?: string;
}

/**
 * Goes on from the newest good checkpoint of a run; with unchanged settings it ends bitwise as one that was never stopped.
 * @throws FileError when the run or its pictures are missing or changed.
 */
export async function resumeImages(
  run: string,
  { data, ...changes }: ImageChanges = {},
  control: ImageControl = {},
): Promise<ImageResult> {
  await chooseDevice(control.device);
  const stored = await readImageRunConfig(run);
  const scorer = await scorerOf(stored);
  const store = folderStore(run);
  return holding(store, control, async () => {
    const path = data ?? stored.data.path;
    const images = await read(path, stored.data.reading);
    const fingerprint = fingerprintOf(images);
    if (fingerprint !== stored.data.fingerprint) {
      throw new FileError(
        `images: the pictures of ${run} must be those it began with (SHA-256 ${stored.data.fingerprint.slice(0, 8)}…), got ${fingerprint.slice(0, 8)}… from ${path}. Restore them or begin a new run.`,
      );
    }
    const config: ImageRunConfig = {
      ...stored,
      training: trainSettings({ ...stored.training, ...changes }),
      data: { ...stored.data, path: await placeOf(path) },
    };
    await store.write("config.json", `${JSON.stringify(config, null, 2)}\n`);
    // What it builds on was saved with its start.
    return execute(config, images, { ...(scorer && { scorer }) }, store, control);
  });
}

async function read(path: string, reading: ReadImages): Promise<SplitImages> {
  const { files } = await imageFilesAt(path);
  return readImages(files, reading, sharpDecoder);
}

/** The absolute path of data that are files, the name of a package otherwise. */
async function placeOf(path: string): Promise<string> {
  return (await stat(path).catch(() => undefined)) === undefined ? path : resolve(path);
}

/** @throws OptionError where a run was trained on pictures of another shape. */
function checkAlike(of: ImageSpace, space: ImageSpace, run: string): void {
  const shape = ({ channels, height, width }: ImageSpace): string => `${channels} × ${height} × ${width}`;
  if (shape(of) === shape(space)) return;
  throw new OptionError(
    `images: the pictures must be ${shape(of)} as those of ${run}, got ${shape(space)}. Give --size ${of.height}.`,
  );
}

/** @throws OptionError for a run whose method tells no features. */
async function scorerOf({ scorer, space }: ImageRunConfig): Promise<Scorer | undefined> {
  if (scorer === undefined) return undefined;
  const { config, params } = await openImageRun(scorer);
  if (imageMethod(config.method.type).features === undefined) {
    throw new OptionError(
      `images: --scorer must be a run of a method with features, as classifier, got one of ${config.method.type}.`,
    );
  }
  checkAlike(config.space, space, scorer);
  return { config: config.method, space: config.space, params };
}

async function execute(
  config: ImageRunConfig,
  images: SplitImages,
  given: { readonly base?: unknown; readonly scorer?: Scorer },
  store: RunStore,
  control: ImageControl,
): Promise<ImageResult> {
  const { device, threads, signal, onStep, onValidation, onNotice } = control;
  const on = { ...(device !== undefined && { device }), ...(threads !== undefined && { threads }) };
  const { method, training, augmentation } = config;
  const { base, scorer } = given;
  const task = imageTask({
    config: method,
    images,
    settings: training,
    augmentation,
    ...(base !== undefined && { base }),
    ...(scorer && { scorer }),
    ...on,
  });
  const parameters = Object.values(imageMethod(method.type).parameters(method, config.space))
    .map(({ shape }) => shape.reduce((a, b) => a * b, 1))
    .reduce((a, b) => a + b, 0);
  const counts = { trainImages: images.train.count, validationImages: images.validation.count };
  const result = await trainHeld(task, training, store, {
    ...on,
    ...(signal && { signal }),
    title: config.title,
    subtitle: subtitleOf(config, parameters, images.train.count),
    onReady: (step) => control.onReady?.({ config, parameters, ...counts, step }),
    ...(onStep && { onStep }),
    ...(onValidation && { onValidation }),
    ...(onNotice && { onNotice }),
  });
  return {
    runDir: store.place,
    method: method.type,
    steps: result.steps,
    interrupted: result.interrupted,
    trainLoss: result.trainLoss ?? null,
    imagesPerSecond: result.perSecond,
    seconds: result.seconds,
    parameters,
    ...counts,
    checkpoint: result.checkpoint,
    figures: result.numbers ?? {},
  };
}

function subtitleOf({ space }: ImageRunConfig, parameters: number, count: number): string {
  const { channels, height, width } = space;
  const millions = (parameters / 1e6).toPrecision(2);
  return `${millions} M parameters · ${count.toLocaleString("en-GB")} pictures of ${height} × ${width}${channels === 1 ? "" : " in colour"}`;
}

// The folder of an image method's run: config.json, metrics.jsonl, checkpoints/, samples/, loss.svg.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FileError } from "../../../errors.ts";
import { zeros } from "../../../tensor/index.ts";
import type { Augmentation } from "../../images/augment.ts";
import { type ImageConfig, imageConfig, imageMethod } from "../../images/config.ts";
import type { ImageSet, SplitImages } from "../../images/images.ts";
import type { ImageSpace } from "../../images/method.ts";
import type { ReadImages } from "../../images/read.ts";
import { imageParameters } from "../../images/task.ts";
import { type TrainSettings, trainSettings } from "../../settings.ts";
import { loadNewest } from "../checkpoint.ts";

/** What config.json holds. */
export interface ImageRunConfig {
  readonly athanor: 2;
  readonly task: "images";
  readonly title: string;
  readonly method: ImageConfig;
  readonly space: ImageSpace;
  readonly training: TrainSettings;
  readonly augmentation: Augmentation;
  readonly data: {
    /** Absolute, or the name of a package. */
    readonly path: string;
    readonly reading: ReadImages;
    /** SHA-256 of pictures, labels and captions. */
    readonly fingerprint: string;
  };
  /** Run that it builds on. */
  readonly from?: string;
  /** Run whose features judge what it draws. */
  readonly scorer?: string;
}

/** SHA-256 of all that is trained on and looked at. */
export function fingerprintOf({ train, validation }: SplitImages): string {
  const hash = createHash("sha256");
  const add = (set: ImageSet): void => {
    hash.update(JSON.stringify({ ...set.space, count: set.count })).update(set.pixels);
    for (const ids of [set.labels, set.captions]) {
      if (ids !== undefined) hash.update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
    }
  };
  add(train);
  add(validation);
  return hash.digest("hex");
}

/** Reads and checks config.json. @throws FileError when there is none, or it is none of an image method. */
export async function readImageRunConfig(folder: string): Promise<ImageRunConfig> {
  const path = join(resolve(folder), "config.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new FileError(
      `images: ${folder} must be the folder of a run with a config.json, got ${error.code ?? error.message}.`,
    );
  });
  let config: Partial<ImageRunConfig>;
  try {
    config = JSON.parse(text) as Partial<ImageRunConfig>;
  } catch {
    throw new FileError(`images: ${path} must hold JSON, got ${text.length} characters that are none.`);
  }
  const { task, method, space, training, data } = config;
  if (task !== "images" || !method || !space || !training || !data) {
    throw new FileError(
      `images: ${path} must be the config.json of an image method's run ("task": "images"), got ${task === undefined ? "no task" : `"${task}"`}.`,
    );
  }
  return {
    ...(config as ImageRunConfig),
    method: imageConfig({ ...method }),
    training: trainSettings(training),
  };
}

/** A trained image method. */
export interface OpenImageRun {
  readonly config: ImageRunConfig;
  readonly params: unknown;
  readonly step: number;
  readonly checkpoint: string;
  /** Why newer checkpoints could not be read, a sentence each. */
  readonly notices: readonly string[];
}

/** Opens the newest checkpoint of a run that can be read. @throws FileError when there is none. */
export async function openImageRun(folder: string): Promise<OpenImageRun> {
  const config = await readImageRunConfig(folder);
  const parameters = imageMethod(config.method.type).parameters(config.method, config.space);
  const params = imageParameters(parameters, (_, { shape, dtype }) => zeros(shape, dtype ? { dtype } : {}));
  const newest = await loadNewest(join(resolve(folder), "checkpoints"), { params, optimizer: {} });
  if (newest === undefined) {
    throw new FileError(
      `images: ${folder} must hold a checkpoint, got none. Train on with: athanor images train --resume ${folder}`,
    );
  }
  const { state, info, name: checkpoint, damaged } = newest;
  const notices = damaged.map(({ reason }) => `${reason} Using ${checkpoint} instead.`);
  return { config, params: state.params, step: info.step, checkpoint, notices };
}

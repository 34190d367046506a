// What the verbs that use a trained method share: the run, and pictures brought to its shape.
import { readFile, stat } from "node:fs/promises";
import { FileError, OptionError } from "../../errors.ts";
import { imageMethod } from "../../train/images/config.ts";
import { gathered, type Read } from "../../train/images/gather.ts";
import { chosen } from "../../train/images/gather.ts";
import { type ImageSet, spread } from "../../train/images/images.ts";
import type { ImageSpace } from "../../train/images/method.ts";
import { readPicture } from "../../train/images/picture.ts";
import { readImages } from "../../train/images/read.ts";
import { imageFilesAt, sharpDecoder } from "../../train/node/images/files.ts";
import { type OpenImageRun, openImageRun } from "../../train/node/images/run-folder.ts";
import { say } from "../command.ts";

/** A run whose method can do something. */
export interface Opened extends OpenImageRun {
  readonly method: ReturnType<typeof imageMethod>;
  readonly space: ImageSpace;
}

type Ability = "reconstruct" | "encode" | "sampler" | "captioner";

/** Opens a run. @throws OptionError where its method cannot do what a verb is about. */
export async function openFor(path: string, ability: Ability, verb: string): Promise<Opened> {
  const run = await openImageRun(path);
  for (const notice of run.notices) say(notice);
  const method = imageMethod(run.config.method.type);
  if (method[ability] === undefined) {
    throw new OptionError(
      `images: ${path} must be a run that can ${verb}, got one of method ${method.type}.`,
    );
  }
  return { ...run, method, space: run.config.space };
}

/**
 * Pictures brought to a run's shape: the named files and those of named folders; without names, pictures of the run's own
 * data that it was not trained on.
 */
export async function picturesFor(
  { config, space }: Opened,
  paths: readonly string[],
  most: number,
): Promise<{ readonly names: readonly string[]; readonly set: ImageSet }> {
  if (paths.length === 0) {
    const { path, reading } = config.data;
    const { files } = await imageFilesAt(path);
    const { validation } = await readImages(files, reading, sharpDecoder);
    const places = spread(validation.count, most);
    return { names: places.map((place) => `${path} ${place}`), set: chosen(validation, places) };
  }
  const all: Read[] = [];
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined);
    if (info === undefined)
      throw new FileError(`images: ${path} must be a picture or a folder of them, got nothing there.`);
    if (!info.isDirectory()) {
      const bytes = await readFile(path);
      all.push({ name: path, picture: await readPicture(bytes, path, sharpDecoder) });
      continue;
    }
    const { files } = await imageFilesAt(path);
    for (const file of files.filter(({ path: name }) => /\.(png|jpe?g|webp)$/i.test(name))) {
      all.push({ name: file.path, picture: await readPicture(await file.bytes(), file.path, sharpDecoder) });
    }
  }
  const { fit, background } = config.data.reading;
  const read = all.slice(0, most);
  const set = gathered(read, {
    size: [space.height, space.width],
    channels: space.channels === 1 ? 1 : 3,
    ...(fit !== undefined && { fit }),
    ...(background !== undefined && { background }),
  });
  return { names: read.map(({ name }) => name), set: { ...set, space } };
}

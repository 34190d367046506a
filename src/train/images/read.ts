// Pictures as people have them: folders, a sheet of sprites, idx files, with captions in JSON lines or in file names. It
// is told which files there are and how pictures are decoded, and so reads the same in Node and in a page.
import { FileError, OptionError } from "../../errors.ts";
import { type Gathering, described, gathered, type Read, splitImages } from "./gather.ts";
import { readIdx, unpacked } from "./idx.ts";
import type { ImageSet, SplitImages } from "./images.ts";
import { type PictureDecoder, readPicture } from "./picture.ts";
import { readSprites } from "./sprites.ts";

/** A file of the data. */
export interface ImageFile {
  /** Path below the data's folder, parts separated by `/`. */
  readonly path: string;
  bytes(): Promise<Uint8Array>;
}

/** Where captions come from: lines of a file of the data, the pictures' names, or nowhere. */
export type Captions = "lines" | "names" | "none";

/** How data are read. */
export interface ReadImages extends Gathering {
  /** Default: the lines of a `.jsonl` where the data have one, else none. */
  readonly captions?: Captions;
  /** Names of the classes of idx files, in the order of their numbers. */
  readonly classes?: readonly string[];
  /** Most pictures to read. */
  readonly limit?: number;
  /** Share that is only looked at, where the data do not say it themselves; default 0.1. */
  readonly validationShare?: number;
  /** Decides which those are. */
  readonly seed?: number;
}

const PICTURE = /\.(png|jpe?g|webp)$/i;
const IDX_IMAGES = /images[-.]idx\d-ubyte(\.gz)?$/;
const NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/**
 * Reads data: idx files where there are some, a sheet of sprites where one picture stands beside a list of cells, else
 * every picture, of which folders are the classes.
 * @throws FileError for data that hold no pictures, and as `gathered` and `readPicture`.
 */
export async function readImages(
  files: readonly ImageFile[],
  options: ReadImages,
  decode: PictureDecoder,
): Promise<SplitImages> {
  const { validationShare: share = 0.1, seed = 0 } = options;
  const idx = files.filter(({ path }) => IDX_IMAGES.test(path));
  if (idx.length > 0) return readIdxFiles(files, idx, options, { share, seed });
  const pictures = files.filter(({ path }) => PICTURE.test(path));
  if (pictures.length === 0) {
    const names = files.slice(0, 3).map(({ path }) => path);
    const got = files.length === 0 ? "no file" : `${files.length} others (${names.join(", ")} …)`;
    throw new FileError(`images: the data must hold PNG, JPEG, WebP or idx files, got ${got}.`);
  }
  const cells = files.find(({ path }) => /\.json(\.gz)?$/.test(path));
  const [only] = pictures;
  const read =
    pictures.length === 1 && only !== undefined && cells !== undefined
      ? await readSprites(only, cells, decode, options.captions)
      : await readEach(files, pictures, options, decode);
  return splitImages(gathered(limited(read, options), options), { share, seed });
}

function limited<T>(all: readonly T[], { limit = Infinity }: ReadImages): readonly T[] {
  return all.length <= limit ? all : all.slice(0, limit);
}

/** Every picture with its folder as class, where all stand in folders, and its caption. */
async function readEach(
  files: readonly ImageFile[],
  pictures: readonly ImageFile[],
  options: ReadImages,
  decode: PictureDecoder,
): Promise<Read[]> {
  const lines = files.find(({ path }) => /\.jsonl$/i.test(path));
  const from = options.captions ?? (lines === undefined ? "none" : "lines");
  const captions = from === "lines" ? await captionLines(lines, pictures) : undefined;
  const inFolders = pictures.every(({ path }) => path.includes("/"));
  const out: Read[] = [];
  for (const file of limited(pictures, options)) {
    const { path } = file;
    const caption = from === "names" ? captionOfName(path) : captions?.get(path);
    out.push({
      name: path,
      picture: await readPicture(await file.bytes(), path, decode),
      ...(inFolders && { label: path.split("/").at(-2) ?? "" }),
      ...(caption !== undefined && { caption }),
    });
  }
  return out;
}

/** `animals/red-fox_02.png` says "red fox": a number that ends a name only tells pictures apart. */
export function captionOfName(path: string): string {
  const name = (path.split("/").at(-1) ?? "").replace(/\.[^.]*$/, "");
  return name.replace(/[-_ ]*\(?\d+\)?$/, "").replaceAll(/[-_]+/g, " ") || name;
}

/**
 * Captions by path, from lines like `{"file": "a.png", "caption": "a cat"}` (also `file_name`, `image`; `text`).
 * @throws FileError for a line that is none, and for a caption whose picture is not there.
 */
async function captionLines(
  file: ImageFile | undefined,
  pictures: readonly ImageFile[],
): Promise<Map<string, string>> {
  if (file === undefined) {
    throw new OptionError("images: captions lines need a .jsonl file among the data, got none. Add one.");
  }
  const paths = new Map(
    pictures.flatMap(({ path }) => [[path, path] as const, [shortName(path), path] as const]),
  );
  const captions = new Map<string, string>();
  const text = new TextDecoder().decode(await file.bytes());
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const { picture, caption } = captionOfLine(line);
    if (picture === undefined || caption === undefined) {
      throw new FileError(
        `images: line ${at + 1} of ${file.path} must be JSON with "file" and "caption", got ${line.slice(0, 60)}.`,
      );
    }
    const path = paths.get(picture);
    if (path === undefined) {
      throw new FileError(
        `images: ${picture} on line ${at + 1} of ${file.path} must be one of the ${pictures.length} pictures, got none of that name.`,
      );
    }
    captions.set(path, caption);
  }
  return captions;
}

const shortName = (path: string): string => path.split("/").at(-1) ?? "";

function captionOfLine(line: string): { readonly picture?: string; readonly caption?: string } {
  try {
    const said = JSON.parse(line) as Readonly<Record<string, unknown>> | null;
    const text = (names: readonly string[]): string | undefined =>
      names.map((name) => said?.[name]).find((value) => typeof value === "string");
    const [picture, caption] = [text(["file", "file_name", "image"]), text(["caption", "text"])];
    return { ...(picture !== undefined && { picture }), ...(caption !== undefined && { caption }) };
  } catch {
    return {};
  }
}

/** idx files; those called `t10k` or `test` are only looked at. */
async function readIdxFiles(
  files: readonly ImageFile[],
  idx: readonly ImageFile[],
  options: ReadImages,
  split: { readonly share: number; readonly seed: number },
): Promise<SplitImages> {
  const isTest = ({ path }: ImageFile): boolean => /^(t10k|test)/.test(shortName(path));
  const [train, test] = [idx.find((f) => !isTest(f)), idx.find(isTest)];
  const only = train ?? test;
  if (only === undefined) throw new FileError("images: the data must hold idx files, got none.");
  if (train === undefined || test === undefined) {
    return splitImages(await readIdxPair(files, only, options), split);
  }
  const set = await readIdxPair(files, train, options);
  const { classes } = set.space;
  const held = await readIdxPair(files, test, classes.length > 0 ? { ...options, classes } : options);
  return { train: set, validation: { ...held, space: set.space } };
}

async function readIdxPair(
  files: readonly ImageFile[],
  images: ImageFile,
  options: ReadImages,
): Promise<ImageSet> {
  const { shape, data } = readIdx(await unpacked(await images.bytes(), images.path), images.path);
  const [N = 0, height = 0, width = 0, channels = 1] = shape;
  if (shape.length < 3 || (channels !== 1 && channels !== 3) || N === 0) {
    throw new FileError(
      `images: ${images.path} must hold pictures [N, H, W] or [N, H, W, 3], got [${shape.join(", ")}].`,
    );
  }
  if (options.size !== undefined && options.size !== height) {
    throw new OptionError(
      `images: pictures of idx files keep their size of ${height} × ${width}, got --size ${String(options.size)}. Leave it out.`,
    );
  }
  const count = Math.min(N, options.limit ?? N);
  const pixels =
    channels === 1 ? data.subarray(0, count * height * width) : planes(data, count, height * width);
  const labels = await idxLabels(files, images, N, options);
  const space = { channels, height, width };
  if (labels === undefined) return described(space, pixels, {});
  const { classes, names } = labels;
  return described(space, pixels, { labels: names.slice(0, count), classes });
}

/** `[N, P, 3]` as `[N, 3, P]`. */
function planes(data: Uint8Array, N: number, P: number): Uint8Array {
  const out = new Uint8Array(N * P * 3);
  for (let n = 0; n < N; n++) {
    for (let p = 0; p < P; p++) {
      for (let c = 0; c < 3; c++) out[(n * 3 + c) * P + p] = data[(n * P + p) * 3 + c] as number;
    }
  }
  return out;
}

async function idxLabels(
  files: readonly ImageFile[],
  images: ImageFile,
  N: number,
  { classes }: ReadImages,
): Promise<{ readonly classes: readonly string[]; readonly names: string[] } | undefined> {
  const wanted = images.path.replace("images", "labels").replace(/idx\d/, "idx1").replace(/\.gz$/, "");
  const file = files.find(({ path }) => path.replace(/\.gz$/, "") === wanted);
  if (file === undefined) return undefined;
  const { shape, data } = readIdx(await unpacked(await file.bytes(), file.path), file.path);
  if (shape.length !== 1 || shape[0] !== N) {
    throw new FileError(
      `images: ${file.path} must hold ${N} labels for the pictures of ${images.path}, got [${shape.join(", ")}].`,
    );
  }
  const most = data.reduce((a, b) => Math.max(a, b), 0);
  const all = classes ?? Array.from({ length: Math.max(10, most + 1) }, (_, i) => NUMBERS[i] ?? String(i));
  if (most >= all.length) {
    throw new OptionError(
      `images: classes must name all ${most + 1} labels of ${file.path}, got ${all.length} names.`,
    );
  }
  return { classes: all, names: Array.from(data, (label) => all[label] ?? "") };
}

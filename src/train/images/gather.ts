// Pictures with what is said of them, gathered into one set of one shape, and split by seed.
import { FileError, OptionError } from "../../errors.ts";
import { random } from "../../tensor/index.ts";
import { captionIds, captionWords } from "./captions.ts";
import type { ImageSet, SplitImages } from "./images.ts";
import type { ImageSpace } from "./method.ts";
import { type Fit, fitPicture, isGrey, type Picture } from "./picture.ts";

/** A picture as it was read. */
export interface Read {
  /** For errors. */
  readonly name: string;
  readonly picture: Picture;
  /** Name of its class. */
  readonly label?: string;
  readonly caption?: string;
}

/** How pictures become those of a training. */
export interface Gathering {
  /** Side in pixels, or height and width; default their own, where all have the same. */
  readonly size?: number | readonly [height: number, width: number];
  /** 1 grey, 3 colours; default 3 where one has colours. */
  readonly channels?: 1 | 3;
  readonly fit?: Fit;
  readonly background?: number;
}

/**
 * A set of one shape.
 * @throws FileError for no pictures, for different sizes where none is given, and where some have a label or caption and
 * others have none.
 */
export function gathered(all: readonly Read[], options: Gathering = {}): ImageSet {
  const [first] = all;
  if (first === undefined) throw new FileError("images: the data must hold pictures, got none.");
  const [height, width] = sizeOf(all, options.size);
  const channels = options.channels ?? (all.every(({ picture }) => isGrey(picture)) ? 1 : 3);
  const { fit, background } = options;
  const size = channels * height * width;
  const pixels = new Uint8Array(all.length * size);
  all.forEach(({ picture }, i) => {
    const fitting = {
      channels,
      height,
      width,
      ...(fit !== undefined && { fit }),
      ...(background !== undefined && { background }),
    };
    pixels.set(fitPicture(picture, fitting), i * size);
  });
  return described({ channels, height, width }, pixels, {
    labels: everyOrNone(all, "label"),
    captions: everyOrNone(all, "caption"),
  });
}

/** A set from its bytes and what is said of each picture. Where there are labels and no captions, the labels are captions. */
export function described(
  shape: Pick<ImageSpace, "channels" | "height" | "width">,
  pixels: Uint8Array,
  {
    labels,
    captions,
    classes = [...new Set(labels)].sort((a, b) => (a < b ? -1 : 1)),
  }: {
    readonly labels?: readonly string[] | undefined;
    readonly captions?: readonly string[] | undefined;
    readonly classes?: readonly string[];
  },
): ImageSet {
  const place = new Map(classes.map((name, i) => [name, i]));
  const space: ImageSpace = {
    ...shape,
    classes,
    ...captionWords(captions ?? classes),
  };
  const said = captions ?? labels;
  return {
    space,
    count: pixels.length / (shape.channels * shape.height * shape.width),
    pixels,
    ...(labels && { labels: Int32Array.from(labels, (name) => place.get(name) ?? 0) }),
    ...(said && { captions: captionIds(said, space) }),
  };
}

function sizeOf(all: readonly Read[], size: Gathering["size"]): readonly [height: number, width: number] {
  if (typeof size === "number") return [size, size];
  if (size !== undefined) return size;
  const [first] = all;
  const { width = 1, height = 1 } = first?.picture ?? {};
  const other = all.find(({ picture }) => picture.width !== width || picture.height !== height);
  if (other === undefined) return [height, width];
  throw new FileError(
    `images: pictures must have one size, got ${width} × ${height} (${first?.name ?? ""}) and ${other.picture.width} × ${other.picture.height} (${other.name}). Give a size to bring them to, as --size 32.`,
  );
}

/** What is said of every picture, or nothing. @throws FileError naming the first one that lacks it. */
function everyOrNone(all: readonly Read[], what: "label" | "caption"): string[] | undefined {
  const said = all.flatMap((read) => read[what] ?? []);
  if (said.length === 0) return undefined;
  if (said.length === all.length) return said;
  const lacking = all.find((read) => read[what] === undefined);
  const way = what === "caption" ? "--captions none" : "folders for all of them, or for none";
  throw new FileError(
    `images: every picture must have a ${what}, got none for ${lacking?.name ?? ""} (${all.length - said.length} of ${all.length} lack one). Add them, or use ${way}.`,
  );
}

/** The pictures at `places`. */
export function chosen(set: ImageSet, places: readonly number[]): ImageSet {
  const { space, pixels, labels, captions } = set;
  const rows = <A extends Uint8Array | Int32Array>(from: A, out: A, width: number): A => {
    places.forEach((p, i) => out.set(from.subarray(p * width, (p + 1) * width), i * width));
    return out;
  };
  const size = space.channels * space.height * space.width;
  const L = space.captionLength;
  return {
    space,
    count: places.length,
    pixels: rows(pixels, new Uint8Array(places.length * size), size),
    ...(labels && { labels: rows(labels, new Int32Array(places.length), 1) }),
    ...(captions && { captions: rows(captions, new Int32Array(places.length * L), L) }),
  };
}

/**
 * A share of the pictures, drawn by seed, is only looked at.
 * @throws OptionError where nothing would be left to train on or to look at.
 */
export function splitImages(
  set: ImageSet,
  { share, seed }: { readonly share: number; readonly seed: number },
): SplitImages {
  const held = Math.max(1, Math.round(share * set.count));
  if (held >= set.count) {
    throw new OptionError(
      `images: the data must hold pictures to train on beside ${held} to validate on, got ${set.count} in all.`,
    );
  }
  const draws = random.uniforms(random.fold(random.key(seed), "split"), set.count);
  const order = Array.from(draws, (draw, i) => [draw, i] as const).sort(([a], [b]) => a - b);
  const places = (part: typeof order): number[] => part.map(([, i]) => i).sort((a, b) => a - b);
  return {
    train: chosen(set, places(order.slice(held))),
    validation: chosen(set, places(order.slice(0, held))),
  };
}

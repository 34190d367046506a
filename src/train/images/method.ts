// The contract of an image method: what is learnt from pictures. It knows no method; `all.ts` lists them, one line each,
// and `task.ts` makes a `Task` of any. The mathematics of a method stands in `quantize/` or `generative/`, which know
// nothing of a training; what stands under `methods/` joins one to it.
import type { Parameter } from "../../nn/index.ts";
import type { Device, random, Tensor } from "../../tensor/index.ts";
import type { TrainChanges } from "../settings.ts";
import type { Found, Numbers } from "../task.ts";
import type { ImageFieldsOf } from "./fields.ts";

/** All that a method may know of the pictures before it sees one; config.json of a run holds it. */
export interface ImageSpace {
  /** 1 (grey) or 3 (red, green, blue). */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Names of the classes, in the order of `labels`; none where pictures have no labels. */
  readonly classes: readonly string[];
  /** Words of captions in the order of their ids; none where there are neither captions nor labels. */
  readonly words: readonly string[];
  /** Length `L` of captions in tokens, their end included. */
  readonly captionLength: number;
}

/** Pictures of one shape and what is said of them: a tree of tensors, the argument of a compiled step. */
export interface ImageBatch {
  /** `[B, C, H, W]`, float32 in `[0, 1]`. */
  readonly pixels: Tensor;
  /** int32 `[2]`, another for each batch: noise is `random.normal(random.fold(key, "a name of its own"), shape)`. */
  readonly key: Tensor;
  /** `[B]`, int32 below the number of classes; present exactly if the space has classes. */
  readonly labels?: Tensor;
  /** `[B, L]`, int32: words, then `END`, then `PADDING`; present exactly if the space has words. */
  readonly captions?: Tensor;
}

/** Ids of captions that are no words of the space: words begin at `FIRST_WORD`. */
export const PADDING = 0;
export const END = 1;
/** What generation begins with; never in a batch's captions. */
export const START = 2;
/** A word that no caption of the training has. */
export const UNKNOWN = 3;
export const FIRST_WORD = 4;

/** Number of ids that captions of a space may hold. */
export function captionVocabulary({ words }: ImageSpace): number {
  return words.length === 0 ? 0 : FIRST_WORD + words.length;
}

/** Pictures to draw, as many as `labels` or `captions` has rows where it is given. */
export interface Wish {
  readonly count: number;
  readonly key: random.Key;
  /** `[N]`, int32. */
  readonly labels?: Tensor;
  /** `[N, L]`, int32, as in a batch. */
  readonly captions?: Tensor;
  /** Strength of classifier-free guidance, for methods that know it; 1 is none. */
  readonly guidance?: number;
  /** Breadth of what is drawn, for methods that know it; default 1. */
  readonly temperature?: number;
  /** Steps of a sampler that takes a number of them; default its own. */
  readonly steps?: number;
}

/** Draws or reads with programs that stay compiled while parameters change. */
export interface Sampler<P> {
  /** `[N, C, H, W]` in `[0, 1]`. */
  draw(params: P, wish: Wish): Promise<Tensor>;
  release(): Promise<void>;
}

/** Writes captions. */
export interface Captioner<P> {
  /** @param pixels `[B, C, H, W]`. @returns `[B, L]`, int32, as in a batch. */
  read(params: P, pixels: Tensor): Promise<Tensor>;
  release(): Promise<void>;
}

/** Where a sampler runs. */
export interface On {
  readonly device?: Device;
  readonly threads?: number;
}

/**
 * A method that learns from pictures. `C` is what a configuration says of it, `P` its parameters, `S` what it learns
 * from without gradients. Its functions are pure: everything they need is given, noise by `batch.key`.
 */
export interface ImageMethod<C extends { readonly type: string }, P, S = never> {
  readonly type: C["type"];
  /** One line for `--help`. */
  readonly about: string;
  /** Its fields: what each may hold, and what it holds where nothing is said. */
  readonly needs: ImageFieldsOf<C>;
  /**
   * Types of methods that it builds on, whose configuration is its field `base` and whose parameters are its `base`, as a
   * run gives them (`by: "nothing"`); default none.
   */
  readonly base?: readonly string[];
  /** What it is usually trained with, where that differs from `trainSettings()`. */
  readonly training?: TrainChanges;
  /** Name among `figures` of the first loss on pictures that are not trained on, for the picture of the losses. */
  readonly validation?: string;
  /** @throws OptionError for pictures that it can learn nothing from, with the reason. */
  check?(config: C, space: ImageSpace): void;
  /** Every parameter by name, dots for nesting, in the order of files. `by` says what moves it. */
  parameters(config: C, space: ImageSpace): Readonly<Record<string, Parameter>>;
  /**
   * Parameters that begin from what is seen (K-means). @param fresh As `parameters` says.
   * @param batches The first batches that the training will see.
   */
  start?(
    config: C,
    space: ImageSpace,
    fresh: P,
    batches: (count: number) => Promise<ImageBatch[]>,
  ): Promise<P>;
  /** Names of the losses with what each finds; the first is the one that progress shows. */
  readonly losses: Readonly<
    Record<string, (config: C, space: ImageSpace, params: P, batch: ImageBatch) => Found<S>>
  >;
  /** Which parameters each loss moves, where there are several. */
  readonly groups?: Readonly<Record<string, (name: string) => boolean>>;
  /** Parameters after a batch, where more than gradients moves them (`by: "average"`). */
  learn?(config: C, space: ImageSpace, params: P, seen: S): P;
  /**
   * What pictures that are not trained on tell, as sums over the batch: they are added up over batches, in float64.
   * Nothing of the training's mode here: running statistics, no dropout.
   */
  measure(config: C, space: ImageSpace, params: P, batch: ImageBatch): Readonly<Record<string, Tensor>>;
  /**
   * Figures from those sums, by the names that `--json` and metrics.jsonl show: `reconstructionMse`, `usage`,
   * `perplexity`, `kl`, `activeUnits` … @param count Pictures in all.
   */
  figures(config: C, space: ImageSpace, sums: Readonly<Record<string, Float64Array>>, count: number): Numbers;
  /** Pictures through the bottleneck and back, `[B, C, H, W]`. */
  reconstruct?(config: C, space: ImageSpace, params: P, batch: ImageBatch): Tensor;
  /** How many codes `encode` tells apart, for methods whose codes are whole numbers. */
  codes?(config: C): number;
  /** What pictures become: whole numbers (codes, with `decode` as their way back) or floats, a row or grid each. */
  encode?(config: C, space: ImageSpace, params: P, pixels: Tensor): Tensor;
  /** Pictures from what `encode` gives. */
  decode?(config: C, space: ImageSpace, params: P, codes: Tensor): Tensor;
  /** Numbers by which pictures are told apart, `[B, F]`: for Fréchet distances. */
  features?(config: C, space: ImageSpace, params: P, pixels: Tensor): Tensor;
  /** New pictures. */
  sampler?(config: C, space: ImageSpace, on: On): Sampler<P>;
  /** Captions of pictures. */
  captioner?(config: C, space: ImageSpace, on: On): Captioner<P>;
}

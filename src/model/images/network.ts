// The contract of an image network: pixels to a grid of vectors, and a grid of vectors to pixels. It knows no kind;
// `networks.ts` lists them. What lies between the two, a code or a noisy vector, is not its business.
import type { Parameter } from "../../nn/index.ts";
import type { Tensor } from "../../tensor/index.ts";

/** Sizes of a network. */
export interface NetworkSizes {
  /** Of the pictures. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Channels `D` of a vector of the grid: what the encoder gives, and what the decoder takes. */
  readonly code: number;
  readonly decoded?: number;
  /** Features `F` of the inner layers, and residual blocks on each side. */
  readonly features: number;
  readonly depth: number;
  /** Pixels of a side that one vector stands for: a power of two for `conv`. Pictures are filled up to a multiple. */
  readonly patch: number;
}

/** A kind of network. */
export interface ImageNetwork {
  readonly type: string;
  /** @throws OptionError for sizes that it cannot have. */
  check?(sizes: NetworkSizes): void;
  /** Parameters of each side by name. */
  encoder(sizes: NetworkSizes): Readonly<Record<string, Parameter>>;
  decoder(sizes: NetworkSizes): Readonly<Record<string, Parameter>>;
  /** @param params The tree that `encoder` names. @param pixels `[B, C, H, W]` in `[0, 1]`. @returns `[B, h, w, D]`. */
  encode(sizes: NetworkSizes, params: unknown, pixels: Tensor): Tensor;
  /** @param grid `[B, h, w, D]`. @returns Logits of pixels, `[B, C, H, W]`. */
  decode(sizes: NetworkSizes, params: unknown, grid: Tensor): Tensor;
}

/** Vectors along and across: `⌈H/patch⌉` and `⌈W/patch⌉`. */
export function gridOf({ height, width, patch }: NetworkSizes): readonly [h: number, w: number] {
  return [Math.ceil(height / patch), Math.ceil(width / patch)];
}

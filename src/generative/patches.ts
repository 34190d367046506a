// Images as sequences of patches, nothing lost: Su 2024, https://kexue.fm/archives/9984 (a joint denoiser) and
// https://kexue.fm/archives/10197 (autoregression over clean patches). Who may see whom, system by system.
import { OptionError } from "../errors.ts";
import { checkShapes, permute, reshape, type Tensor, tensor } from "../tensor/index.ts";

/** Sizes of images `[C, H, W]` and of their square patches. */
export interface PatchSizes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Side of a patch; divides height and width. */
  readonly patch: number;
}

/** Rows and columns of patches, their number, and the numbers in one. @throws OptionError for a patch that does not fit. */
export function patchGrid({ height, width, channels, patch }: PatchSizes): {
  readonly rows: number;
  readonly columns: number;
  readonly count: number;
  readonly size: number;
} {
  const whole = Number.isSafeInteger(patch) && patch >= 1;
  if (!whole || height % patch !== 0 || width % patch !== 0) {
    throw new OptionError(`patches: patch must divide height ${height} and width ${width}, got ${patch}.`);
  }
  const [rows, columns] = [height / patch, width / patch];
  return { rows, columns, count: rows * columns, size: patch * patch * channels };
}

/** Images as patches, row by row, each its rows of pixels of all channels. @param x `[B, C, H, W]`. @returns `[B, n, p·p·C]`. */
export function patchify(x: Tensor, patch: number): Tensor {
  const { B, C, H, W } = checkShapes("patchify", { x: [x, "B~ C H W"] });
  const { rows, columns, count, size } = patchGrid({ height: H, width: W, channels: C, patch });
  const cut = reshape(x, [B, C, rows, patch, columns, patch]);
  return reshape(permute(cut, [0, 2, 4, 3, 5, 1]), [B, count, size]);
}

/** Patches as images, the exact inverse of `patchify`. @param y `[B, n, p·p·C]`. @returns `[B, C, H, W]`. */
export function unpatchify(y: Tensor, sizes: PatchSizes): Tensor {
  const { rows, columns, count, size } = patchGrid(sizes);
  const { height, width, channels: C, patch } = sizes;
  const { B } = checkShapes("unpatchify", { y: [y, `B~ ${count} ${size}`] });
  const cut = reshape(y, [B, rows, columns, patch, patch, C]);
  return reshape(permute(cut, [0, 5, 1, 3, 2, 4]), [B, C, height, width]);
}

/**
 * How an image stands in a sequence. `raster`: clean patches, each seeing what stands before it (B2, causal). `random`: clean
 * patches among hidden ones, all seeing one another, in any order (B2 as MAR has it). `joint`: noised patches that all see
 * one another (A). `noised`: clean patches in order, and behind them a noised copy of each that sees those before it and
 * itself, and that nothing else sees (B1).
 */
export type PatchSystem = "raster" | "random" | "joint" | "noised";

export const PATCH_SYSTEMS: readonly PatchSystem[] = ["raster", "random", "joint", "noised"];

/** Lengths of a sequence: words before the image, patches, and words behind it. */
export interface Spans {
  readonly before: number;
  readonly patches: number;
  readonly after: number;
}

/**
 * Who may see whom, `[T, T]` bool, true where the row may look at the column. Words see what stands before them, an image
 * among it; patches as their system has it. Under `noised` the copies stand last: `T = before + patches + after + patches`.
 */
export function patchMask(system: PatchSystem, { before, patches: n, after }: Spans): Tensor {
  const text = before + n + after;
  const T = system === "noised" ? text + n : text;
  const whole = system === "random" || system === "joint";
  const inImage = (i: number): boolean => i >= before && i < before + n;
  const sees = (i: number, j: number): boolean => {
    // The copy of patch k sees itself, what stands before the image, and the clean patches before k.
    if (i >= text) return j === i || j < before + (i - text);
    if (j >= text) return false;
    return j <= i || (whole && inImage(i) && inImage(j));
  };
  const cells = Uint8Array.from({ length: T * T }, (_, c) => Number(sees(Math.floor(c / T), c % T)));
  return tensor(cells, { shape: [T, T], dtype: "bool" });
}

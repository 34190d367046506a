// A convolutional auto-encoder: halvings by strided convolutions, residual blocks, and the same way back.
// After van den Oord et al. 2017, "VQ-VAE", section 4.1. https://arxiv.org/abs/1711.00937
import { OptionError } from "../../errors.ts";
import { kaimingNormal, type Parameter } from "../../nn/index.ts";
import { conv2d, convTranspose2d, narrow, pad, permute, relu, type Tensor } from "../../tensor/index.ts";
import { gridOf, type ImageNetwork, type NetworkSizes } from "./network.ts";

interface Layer {
  readonly weight: Tensor;
  readonly bias: Tensor;
}
interface Block {
  readonly inner: Layer;
  readonly outer: Layer;
}
interface Encoder {
  readonly down: readonly Layer[];
  readonly blocks?: readonly Block[];
  readonly out: Layer;
}
interface Decoder {
  readonly in: Layer;
  readonly blocks?: readonly Block[];
  readonly up: readonly Layer[];
}

const halvings = ({ patch }: NetworkSizes): number => Math.log2(patch);

/** Features after each halving, the first of which has half of them: most of the work is there. */
const featuresAt = ({ features }: NetworkSizes, level: number, levels: number): number =>
  level === 0 && levels > 1 ? Math.ceil(features / 2) : features;

function layer(name: string, shape: readonly number[], channels = shape[0] ?? 1): [string, Parameter][] {
  return [
    [`${name}.weight`, { shape, init: kaimingNormal() }],
    [`${name}.bias`, { shape: [channels], init: "zeros" }],
  ];
}

/** Blocks `x + W₁ relu(W₃ relu(x))`, the outer matrix zero at first: they begin as nothing. */
function blocks({ depth, features: F }: NetworkSizes): [string, Parameter][] {
  return Array.from({ length: depth }, (_, i) => [
    ...layer(`blocks.${i}.inner`, [F, F, 3, 3]),
    [`blocks.${i}.outer.weight`, { shape: [F, F, 1, 1], init: "zeros" } satisfies Parameter] as const,
    [`blocks.${i}.outer.bias`, { shape: [F], init: "zeros" } satisfies Parameter] as const,
  ]).flat() as [string, Parameter][];
}

const beside = ({ bias }: Layer): Tensor => bias.reshape([-1, 1, 1]);
const convolve = (l: Layer, x: Tensor, options: { stride?: number; padding?: number } = {}): Tensor =>
  conv2d(x, l.weight, options).add(beside(l));

function throughBlocks(all: readonly Block[] | undefined, x: Tensor): Tensor {
  return (all ?? []).reduce(
    (y, { inner, outer }) => y.add(convolve(outer, relu(convolve(inner, relu(y), { padding: 1 })))),
    x,
  );
}

/** Strided convolutions on whole pictures, for grids of `2ⁿ` pixels a vector. */
export const conv: ImageNetwork = {
  type: "conv",
  check({ patch }) {
    if (Number.isInteger(Math.log2(patch)) && patch >= 2) return;
    throw new OptionError(
      `images: patch of network conv must be a power of two from 2 on, got ${patch}. Take the nearest, or network patches.`,
    );
  },
  encoder(sizes) {
    const levels = halvings(sizes);
    const at = (level: number): number => featuresAt(sizes, level, levels);
    return Object.fromEntries([
      ...Array.from({ length: levels }, (_, i) =>
        layer(`down.${i}`, [at(i), i === 0 ? sizes.channels : at(i - 1), 4, 4]),
      ).flat(),
      ...blocks(sizes),
      ...layer("out", [sizes.code, sizes.features, 1, 1]),
    ]);
  },
  decoder(sizes) {
    const levels = halvings(sizes);
    // Level 0 is that of the pixels.
    const at = (level: number): number => featuresAt(sizes, level, levels);
    return Object.fromEntries([
      ...layer("in", [sizes.features, sizes.decoded ?? sizes.code, 1, 1]),
      ...blocks(sizes),
      // A transposed convolution's weight is `[in, out, …]`.
      ...Array.from({ length: levels }, (_, i) => {
        const level = levels - 1 - i;
        const to = level === 0 ? sizes.channels : at(level - 1);
        return layer(`up.${i}`, [at(level), to, 4, 4], to);
      }).flat(),
    ]);
  },
  encode(sizes, params, pixels) {
    const { down, blocks: between, out } = params as Encoder;
    const start = filled(sizes, pixels).sub(0.5);
    const small = down.reduce((x, l, i) => {
      const y = convolve(l, x, { stride: 2, padding: 1 });
      return i === down.length - 1 ? y : relu(y);
    }, start);
    return permute(convolve(out, relu(throughBlocks(between, small))), [0, 2, 3, 1]);
  },
  decode(sizes, params, grid) {
    const { in: first, blocks: between, up } = params as Decoder;
    const small = relu(throughBlocks(between, convolve(first, permute(grid, [0, 3, 1, 2]))));
    const big = up.reduce((x, l, i) => {
      const y = convTranspose2d(x, l.weight, { stride: 2, padding: 1 }).add(beside(l));
      return i === up.length - 1 ? y : relu(y);
    }, small);
    return narrow(narrow(big, 2, 0, sizes.height), 3, 0, sizes.width);
  },
};

/** Pictures with rows and columns of zeros after their own, up to whole patches. */
export function filled(sizes: NetworkSizes, pixels: Tensor): Tensor {
  const [h, w] = gridOf(sizes);
  const [rows, columns] = [h * sizes.patch - sizes.height, w * sizes.patch - sizes.width];
  if (rows === 0 && columns === 0) return pixels;
  return pad(pixels, [
    [0, 0],
    [0, 0],
    [0, rows],
    [0, columns],
  ]);
}

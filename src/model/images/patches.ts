// A Transformer on patches as auto-encoder: patches in, blocks in which all patches see one another, vectors out; and back.
// Dosovitskiy et al. 2020, "ViT", section 3.1. https://arxiv.org/abs/2010.11929
import { linear, type LinearParams, norm, type NormParams, type Parameter } from "../../nn/index.ts";
import { gelu, matmul, permute, softmax, type Tensor } from "../../tensor/index.ts";
import { OptionError } from "../../errors.ts";
import { filled } from "./conv.ts";
import { gridOf, type ImageNetwork, type NetworkSizes } from "./network.ts";

interface Block {
  readonly attentionNorm: NormParams;
  readonly query: LinearParams;
  readonly key: LinearParams;
  readonly value: LinearParams;
  readonly output: LinearParams;
  readonly mlpNorm: NormParams;
  readonly inner: LinearParams;
  readonly outer: LinearParams;
}
interface Half {
  readonly in: LinearParams;
  readonly positions: Tensor; // [n, F]
  readonly blocks?: readonly Block[];
  readonly norm: NormParams;
  readonly out: LinearParams;
}

/** Width of a head, where it divides the features. */
const HEAD = 32;
const EPSILON = 1e-6;

const headsOf = ({ features }: NetworkSizes): number => Math.max(1, Math.floor(features / HEAD));

function layer(name: string, out: number, from: number): [string, Parameter][] {
  return [
    [`${name}.weight`, { shape: [out, from], init: { std: 1 / Math.sqrt(from) } }],
    [`${name}.bias`, { shape: [out], init: "zeros" }],
  ];
}

function normOf(name: string, width: number): [string, Parameter][] {
  return [
    [`${name}.weight`, { shape: [width], init: "ones" }],
    [`${name}.bias`, { shape: [width], init: "zeros" }],
  ];
}

/** Parameters of one half: `from` numbers a patch to `to`. */
function half(sizes: NetworkSizes, from: number, to: number): Record<string, Parameter> {
  const { features: F, depth } = sizes;
  const [h, w] = gridOf(sizes);
  const block = (i: number): [string, Parameter][] => [
    ...normOf(`blocks.${i}.attentionNorm`, F),
    ...["query", "key", "value"].flatMap((name) => layer(`blocks.${i}.${name}`, F, F)),
    // What writes into the stream begins as nothing.
    [`blocks.${i}.output.weight`, { shape: [F, F], init: "zeros" }],
    [`blocks.${i}.output.bias`, { shape: [F], init: "zeros" }],
    ...normOf(`blocks.${i}.mlpNorm`, F),
    ...layer(`blocks.${i}.inner`, 4 * F, F),
    [`blocks.${i}.outer.weight`, { shape: [F, 4 * F], init: "zeros" }],
    [`blocks.${i}.outer.bias`, { shape: [F], init: "zeros" }],
  ];
  return Object.fromEntries([
    ...layer("in", F, from),
    ["positions", { shape: [h * w, F], init: { std: 0.02 } }],
    ...Array.from({ length: depth }, (_, i) => block(i)).flat(),
    ...normOf("norm", F),
    ...layer("out", to, F),
  ]);
}

/** @param x `[B, n, …]`. @returns `[B, n, …]`. */
function through(sizes: NetworkSizes, p: Half, x: Tensor): Tensor {
  const start = linear(p.in, x).add(p.positions);
  const end = (p.blocks ?? []).reduce((y, block) => {
    const seen = y.add(attend(sizes, block, norm("layer", block.attentionNorm, y, EPSILON)));
    const inner = gelu(linear(block.inner, norm("layer", block.mlpNorm, seen, EPSILON)));
    return seen.add(linear(block.outer, inner));
  }, start);
  return linear(p.out, norm("layer", p.norm, end, EPSILON));
}

/** Softmax attention of every patch to every patch. */
function attend(sizes: NetworkSizes, p: Block, x: Tensor): Tensor {
  const [B = 1, n = 1, F = 1] = x.shape.map(Number);
  const H = headsOf(sizes);
  const heads = (l: LinearParams): Tensor => permute(linear(l, x).reshape([B, n, H, F / H]), [0, 2, 1, 3]);
  const scores = matmul(heads(p.query), heads(p.key), { transposeB: true, scale: 1 / Math.sqrt(F / H) });
  const mixed = matmul(softmax(scores), heads(p.value)); // [B, H, n, F/H]
  return linear(p.output, permute(mixed, [0, 2, 1, 3]).reshape([B, n, F]));
}

/** Numbers of a patch. */
const patchSize = ({ channels, patch }: NetworkSizes): number => channels * patch * patch;

/** Patches of any side, each seen by all. */
export const patches: ImageNetwork = {
  type: "patches",
  check(sizes) {
    const heads = headsOf(sizes);
    if (sizes.features % heads === 0) return;
    throw new OptionError(
      `images: features of network patches must divide into ${heads} heads of ${HEAD}, got ${sizes.features}. Take ${HEAD * heads}.`,
    );
  },
  encoder: (sizes) => half(sizes, patchSize(sizes), sizes.code),
  decoder: (sizes) => half(sizes, sizes.decoded ?? sizes.code, patchSize(sizes)),
  encode(sizes, params, pixels) {
    const [h, w] = gridOf(sizes);
    const y = through(sizes, params as Half, toPatches(sizes, filled(sizes, pixels).sub(0.5)));
    return y.reshape([Number(pixels.shape[0]), h, w, sizes.code]);
  },
  decode(sizes, params, grid) {
    const [h, w] = gridOf(sizes);
    const [B = 1, , , D = 1] = grid.shape.map(Number);
    return fromPatches(sizes, through(sizes, params as Half, grid.reshape([B, h * w, D])));
  },
};

/** `[B, C, h·p, w·p]` as `[B, h·w, C·p·p]`, patches row by row. */
export function toPatches(sizes: NetworkSizes, pixels: Tensor): Tensor {
  const { channels: C, patch: p } = sizes;
  const [h, w] = gridOf(sizes);
  const B = Number(pixels.shape[0]);
  return permute(pixels.reshape([B, C, h, p, w, p]), [0, 2, 4, 1, 3, 5]).reshape([B, h * w, C * p * p]);
}

/** The pictures of patches, cut to their own size. */
export function fromPatches(sizes: NetworkSizes, rows: Tensor): Tensor {
  const { channels: C, patch: p, height, width } = sizes;
  const [h, w] = gridOf(sizes);
  const B = Number(rows.shape[0]);
  const whole = permute(rows.reshape([B, h, w, C, p, p]), [0, 3, 1, 4, 2, 5]).reshape([B, C, h * p, w * p]);
  return whole.slice({}, {}, { end: height }, { end: width });
}

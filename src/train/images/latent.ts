// A network with one vector in its middle: the grid of an encoder mapped to `D` numbers, and `D` numbers to the grid of a
// decoder. What auto-encoders by chance, generators and classifiers have in common.
import { gridOf, type NetworkSizes } from "../../model/images/network.ts";
import { linear, type LinearParams, type Parameter } from "../../nn/index.ts";
import { relu, reshape, type Tensor } from "../../tensor/index.ts";
import type { ImageField } from "./fields.ts";
import type { ImageSpace } from "./method.ts";
import { type NetworkFields, networkOf, sizesOf } from "./network.ts";

/** Fields of a network and of its middle. */
export interface LatentFields extends NetworkFields {
  /** Numbers `D` of a picture's vector. */
  readonly latent: number;
}

/** What the middle may hold. */
export const latentField: ImageField = {
  about: "numbers that a picture becomes",
  low: 1,
  high: 4096,
  usual: 32,
  whole: true,
};

/** Channels of a grid before it is mapped to a vector. */
const GRID = 16;

const sizes = (config: NetworkFields, space: ImageSpace): NetworkSizes =>
  sizesOf(config, space, { code: GRID });

/** An encoder, and a map of its grid to each of some vectors. */
export interface ToLatent {
  readonly network: unknown;
  readonly maps: Readonly<Record<string, LinearParams>>;
}

/** A map to a grid, and a decoder. */
export interface FromLatent {
  readonly network: unknown;
  readonly map: LinearParams;
}

/** @throws OptionError for sizes that the network cannot have. */
export function checkLatent(config: NetworkFields, space: ImageSpace): void {
  networkOf(config).check?.(sizes(config, space));
}

function map(name: string, out: number, from: number): [string, Parameter][] {
  return [
    [`${name}.weight`, { shape: [out, from], init: { std: 1 / Math.sqrt(from) } }],
    [`${name}.bias`, { shape: [out], init: "zeros" }],
  ];
}

function gridSize(config: NetworkFields, space: ImageSpace): number {
  const [h, w] = gridOf(sizes(config, space));
  return h * w * GRID;
}

/** Parameters of an encoder under `at`. @param outs Size of each vector by name. */
export function toLatentParameters(
  at: string,
  config: NetworkFields,
  space: ImageSpace,
  outs: Readonly<Record<string, number>>,
): Record<string, Parameter> {
  const network = networkOf(config).encoder(sizes(config, space));
  const N = gridSize(config, space);
  return Object.fromEntries([
    ...Object.entries(network).map(([name, p]) => [`${at}.network.${name}`, p] as const),
    ...Object.entries(outs).flatMap(([name, D]) => map(`${at}.maps.${name}`, D, N)),
  ]);
}

/** Parameters of a decoder under `at`. */
export function fromLatentParameters(
  at: string,
  config: NetworkFields,
  space: ImageSpace,
  D: number,
): Record<string, Parameter> {
  const network = networkOf(config).decoder(sizes(config, space));
  return Object.fromEntries([
    ...map(`${at}.map`, gridSize(config, space), D),
    ...Object.entries(network).map(([name, p]) => [`${at}.network.${name}`, p] as const),
  ]);
}

/** The grid of pictures as one vector each, `[B, h·w·16]`. @param pixels `[B, C, H, W]` in `[0, 1]`. */
export function flatGrid(config: NetworkFields, space: ImageSpace, params: ToLatent, pixels: Tensor): Tensor {
  const grid = networkOf(config).encode(sizes(config, space), params.network, pixels);
  return relu(reshape(grid, [grid.shape[0] ?? 1, gridSize(config, space)]));
}

/** A vector of each picture, `[B, D]`. */
export function toLatent(
  config: NetworkFields,
  space: ImageSpace,
  params: ToLatent,
  pixels: Tensor,
): Readonly<Record<string, Tensor>> {
  const flat = flatGrid(config, space, params, pixels);
  return Object.fromEntries(Object.entries(params.maps).map(([name, m]) => [name, linear(m, flat)]));
}

/** Logits of pixels `[B, C, H, W]` from vectors `[B, D]`. */
export function fromLatent(config: NetworkFields, space: ImageSpace, params: FromLatent, z: Tensor): Tensor {
  const s = sizes(config, space);
  const [h, w] = gridOf(s);
  const grid = reshape(relu(linear(params.map, z)), [z.shape[0] ?? 1, h, w, GRID]);
  return networkOf(config).decode(s, params.network, grid);
}

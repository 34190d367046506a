// A small network that draws one patch at a time from what a Transformer says of it. Li et al. 2024, "Autoregressive image
// generation without vector quantization" (MAR), section 3, https://arxiv.org/abs/2406.11838; shape of the network as in its
// code (models/diffloss.py); the variance is not learnt. `flow` and `mse` are its peers.
import { OptionError } from "../errors.ts";
import { linear, type LinearParams, type Parameter } from "../nn/index.ts";
import {
  checkShapes,
  concat,
  cos,
  expandDims,
  gather,
  layerNorm,
  mulDims,
  narrow,
  reshape,
  scan,
  silu,
  sin,
  type Tensor,
  tensor,
  zeros,
} from "../tensor/index.ts";
import { between, cosineDegrees, descent, guided, noised, spreadDegrees } from "./diffusion.ts";

/** What the head predicts: noise (`diffusion`), velocity (`flow`), or the patch itself at once (`mse`, which draws means). */
export type PatchHeadKind = "diffusion" | "flow" | "mse";

export interface PatchHeadConfig {
  readonly kind: PatchHeadKind;
  /** Width `W` of the residual stream, and how many blocks write into it. */
  readonly width: number;
  readonly blocks: number;
  /** Degrees of noise in training; `diffusion` only. MAR: 1000. */
  readonly degrees: number;
}

/** Names of what a head may predict. */
export const PATCH_HEADS: readonly PatchHeadKind[] = ["diffusion", "flow", "mse"];

/** One residual block: norm, shift and scale by the condition, two layers, a gate by the condition. */
export interface HeadBlock {
  readonly norm: { readonly weight: Tensor; readonly bias: Tensor }; // [W]
  readonly up: LinearParams; // W to W
  readonly down: LinearParams; // W to W
  readonly modulate: LinearParams; // W to 3W: shift, scale, gate; begins as zeros
}

export interface PatchHeadParams {
  readonly input: LinearParams; // D to W
  readonly time: { readonly up: LinearParams; readonly down: LinearParams }; // F to W to W
  readonly condition: LinearParams; // C to W
  readonly blocks: readonly HeadBlock[];
  readonly modulate: LinearParams; // W to 2W, begins as zeros
  readonly output: LinearParams; // W to D, begins as zeros
}

/** Numbers that stand for a time: cosines and sines of as many frequencies, from 1 to 1/10,000 of a degree. */
const TIMES = 64;
/** Flow's times from 0 to 1 are read as degrees from 0 to 1000. */
const THOUSAND = 1000;

/** Parameters of a head from `C` numbers of a Transformer to patches of `D`, by name. */
export function patchHeadParameters(
  { width: W, blocks }: PatchHeadConfig,
  D: number,
  C: number,
): Readonly<Record<string, Parameter>> {
  const map = (name: string, out: number, from: number, zero = false): Record<string, Parameter> => ({
    [`${name}.weight`]: { shape: [out, from], init: zero ? "zeros" : { std: Math.sqrt(2 / (out + from)) } },
    [`${name}.bias`]: { shape: [out], init: "zeros" },
  });
  const block = (i: number): Record<string, Parameter> => ({
    [`blocks.${i}.norm.weight`]: { shape: [W], init: "ones" },
    [`blocks.${i}.norm.bias`]: { shape: [W], init: "zeros" },
    ...map(`blocks.${i}.up`, W, W),
    ...map(`blocks.${i}.down`, W, W),
    ...map(`blocks.${i}.modulate`, 3 * W, W, true),
  });
  return {
    ...map("input", W, D),
    ...map("time.up", W, TIMES),
    ...map("time.down", W, W),
    ...map("condition", W, C),
    ...Object.assign({}, ...Array.from({ length: blocks }, (_, i) => block(i))),
    ...map("modulate", 2 * W, W, true),
    ...map("output", D, W, true),
  };
}

/** A time as numbers, `[…, 64]`: `cos(t ω), sin(t ω)`, ω falling geometrically from 1 to 1e-4. @param t `[…]`, in degrees. */
export function timeFeatures(t: Tensor): Tensor {
  const half = TIMES / 2;
  const omega = Float64Array.from({ length: half }, (_, i) => Math.exp((-Math.log(10_000) * i) / half));
  const angles = expandDims(t, -1).mul(tensor(omega, { dtype: t.dtype }));
  return concat([cos(angles), sin(angles)], -1);
}

/**
 * What the head predicts of noised patches.
 * @param x `[…, N, D]`. @param t Degrees, `[…, N]` or `[]`. @param z What the Transformer says, `[N, C]`. @returns `[…, N, D]`.
 */
export function patchHeadPredict(params: PatchHeadParams, x: Tensor, t: Tensor, z: Tensor): Tensor {
  const { time } = params;
  // One time for all is a row of its own.
  const times = t.rank === 0 ? expandDims(t, 0) : t;
  const moment = linear(time.down, silu(linear(time.up, timeFeatures(times))));
  const y = silu(moment.add(linear(params.condition, z)));
  let h = linear(params.input, x);
  const W = Number(h.shape.at(-1));
  const parts = (m: LinearParams, count: number): Tensor[] => {
    const all = linear(m, y);
    return Array.from({ length: count }, (_, i) => narrow(all, -1, i * W, (i + 1) * W));
  };
  const moved = (u: Tensor, shift: Tensor | undefined, scale: Tensor | undefined): Tensor =>
    shift && scale ? u.mul(scale.add(1)).add(shift) : u;
  for (const block of params.blocks) {
    const [shift, scale, gate] = parts(block.modulate, 3);
    const u = layerNorm(h, { scale: block.norm.weight, bias: block.norm.bias, epsilon: 1e-6 });
    const v = linear(block.down, silu(linear(block.up, moved(u, shift, scale))));
    if (gate) h = h.add(gate.mul(v));
  }
  const [shift, scale] = parts(params.modulate, 2);
  return linear(params.output, moved(layerNorm(h, { epsilon: 1e-6 }), shift, scale));
}

/** What a head's loss is drawn with: `K` degrees of noise for each of `N` patches. */
export interface PatchHeadDraws {
  readonly noise: Tensor; // [K, N, D]
  /** Uniform in [0, 1): a time of flow, or which degree. */
  readonly at: Tensor; // [K, N]
}

/**
 * Squared error of each patch, mean over its numbers and over `K` draws, `[N]`: of the noise, `‖ε − ε(√ᾱ x + √(1−ᾱ) ε)‖²`; of the
 * velocity, `‖(x − ε) − v((1−t) ε + t x)‖²`; or of the patch.
 * @param z `[N, C]`; gradients reach it. @param x `[N, D]`.
 */
export function patchHeadLoss(
  config: PatchHeadConfig,
  params: PatchHeadParams,
  z: Tensor,
  x: Tensor,
  draws: PatchHeadDraws,
): Tensor {
  const { noise, at } = draws;
  checkShapes("patchHeadLoss", {
    z: [z, "N~ C"],
    x: [x, "N~ D"],
    noise: [noise, "K N~ D"],
    at: [at, "K N~"],
  });
  const error = (a: Tensor, b: Tensor): Tensor => a.sub(b).square().mean({ axis: -1 });
  switch (config.kind) {
    case "mse":
      return error(patchHeadPredict(params, x.mul(0), at.mul(0).mean({ axis: 0 }), z), x);
    case "flow": {
      const t = expandDims(at, -1);
      const v = patchHeadPredict(params, between(x, noise, t), at.mul(THOUSAND), z);
      return error(v, x.sub(noise)).mean({ axis: 0 });
    }
    case "diffusion": {
      const { signal } = cosineDegrees(config.degrees);
      const degree = at
        .mul(config.degrees)
        .floor()
        .clip(0, config.degrees - 1);
      const left = tensor(signal, { dtype: x.dtype });
      const share = expandDims(pick(left, degree), -1);
      const found = patchHeadPredict(
        params,
        noised(x, noise, share),
        degree.mul(THOUSAND / config.degrees),
        z,
      );
      return error(found, noise).mean({ axis: 0 });
    }
    default:
      throw new OptionError(
        `patchHeadLoss: kind must be one of ${PATCH_HEADS.join(", ")}, got "${String(config.kind)}".`,
      );
  }
}

/** Entries of a vector at whole numbers held as floats. */
function pick(vector: Tensor, at: Tensor): Tensor {
  const flat = reshape(at.cast("int32"), [mulDims(...at.shape)]);
  return reshape(gather(vector, flat), at.shape);
}

/** How a head draws. */
export interface PatchHeadSampling {
  /** Steps from noise to patch. MAR: 100. */
  readonly steps: number;
  /** Factor of the noise that the diffusion sampler adds on its way; default 1. */
  readonly temperature?: number;
  /** Bound of a patch's numbers, within which the diffusion sampler holds what it takes for clean; default none. */
  readonly bound?: number;
  /** Of `z` without the condition, for guidance by `scale`. */
  readonly free?: { readonly z: Tensor; readonly scale: Tensor };
}

/**
 * Patches drawn by a head, `[N, D]`, in one graph of `steps` steps.
 * @param z `[N, C]`. @param noise `[S, N, D]`: the first to begin with, the others for the way down; flow reads the first alone.
 */
export function patchHeadSample(
  config: PatchHeadConfig,
  params: PatchHeadParams,
  z: Tensor,
  noise: Tensor,
  { steps, temperature = 1, bound, free }: PatchHeadSampling,
): Tensor {
  const first = reshape(narrow(noise, 0, 0, 1), noise.shape.slice(1));
  const say = (x: Tensor, t: Tensor): Tensor => {
    if (free === undefined) return patchHeadPredict(params, x, t, z);
    // Both conditions in one pass.
    const both = patchHeadPredict(params, concat([x, x]), t, concat([z, free.z]));
    const N = x.shape[0] ?? 1;
    const [c, u] = [narrow(both, 0, 0, N), narrow(both, 0, N, both.shape[0] ?? 1)];
    return guided(c, u, free.scale);
  };
  const { dtype } = noise;
  const column = (numbers: readonly number[]): Tensor => tensor(Float64Array.from(numbers), { dtype });
  if (config.kind === "mse") return say(first.mul(0), zeros([], { dtype }));
  if (config.kind === "flow") {
    const times = Array.from({ length: steps }, (_, i) => i / steps);
    const { carry } = scan(
      (x: Tensor, t: Tensor) => [x.add(say(x, t.mul(THOUSAND)).div(steps)), []],
      first,
      column(times),
    );
    return carry;
  }
  const { signal } = cosineDegrees(config.degrees);
  const stops = spreadDegrees(config.degrees, steps).reverse();
  const down = stops.map((degree, i) => {
    const next = stops[i + 1];
    return descent(signal[degree] ?? 1, next === undefined ? 1 : (signal[next] ?? 1));
  });
  const rows = {
    t: column(stops.map((degree) => (degree * THOUSAND) / config.degrees)),
    ofX: column(down.map(({ clean }) => clean[0])),
    ofNoise: column(down.map(({ clean }) => clean[1])),
    ofClean: column(down.map(({ mean }) => mean[0])),
    stay: column(down.map(({ mean }) => mean[1])),
    s: column(down.map(({ s }) => s * temperature)),
    // The noise of step i; the last adds none (s = 0).
    fresh: concat([narrow(noise, 0, 1, noise.shape[0] ?? 1), narrow(noise, 0, 0, 1)]),
  };
  const { carry } = scan(
    (x: Tensor, at: typeof rows) => {
      const clean = x.mul(at.ofX).add(say(x, at.t).mul(at.ofNoise));
      const held = bound === undefined ? clean : clean.clip(-bound, bound);
      const moved = held.mul(at.ofClean).add(x.mul(at.stay));
      return [moved.add(at.fresh.mul(at.s)), []];
    },
    first,
    rows,
  );
  return carry;
}

/** `[N, C]` from `[B, n, C]`. */
export function rowsOf(x: Tensor): Tensor {
  return reshape(x, [mulDims(...x.shape.slice(0, -1)), x.shape.at(-1) ?? 1]);
}

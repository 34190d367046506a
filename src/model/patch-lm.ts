// Text and image in one sequence of one Transformer: the same weights write a caption for an image and draw an image for a
// caption. Su 2024, https://kexue.fm/archives/9984 and https://kexue.fm/archives/10197; Li et al. 2024 (MAR),
// https://arxiv.org/abs/2406.11838. A sequence is `caption IMAGE patches caption`: the caption before the patches is what is
// drawn, the one behind them what is read. Who sees whom is `generative/patches.ts`.
import {
  between,
  hiddenPatches,
  hiddenShare,
  patchGrid,
  type PatchHeadConfig,
  patchHeadLoss,
  patchHeadParameters,
  type PatchHeadParams,
  type PatchOrder,
  patchMask,
  type PatchSizes,
  type PatchSystem,
  rowsOf,
  timeFeatures,
} from "../generative/index.ts";
import { initial, linear, type LinearParams, norm, type Parameter, treeOf } from "../nn/index.ts";
import {
  and,
  broadcastTo,
  concat,
  expandDims,
  full,
  gather,
  greater,
  iota,
  less,
  narrow,
  or,
  random,
  reshape,
  silu,
  squeeze,
  takeAlongAxis,
  type Tensor,
  tensor,
  where,
} from "../tensor/index.ts";
import { block, type CausalLMParams } from "./causal-lm.ts";
import { causalLMConfig } from "./check-config.ts";
import type { CausalLMConfig } from "./config.ts";
import { logitsOf, maps } from "./linear.ts";
import { parametersOf } from "./parameters.ts";

/** A Transformer of captions and images. */
export interface PatchLMConfig {
  readonly system: PatchSystem;
  readonly order: PatchOrder;
  readonly images: PatchSizes;
  /** Ids that captions may hold, `padding` and `end` among them; captions have `captionLength` of them, their end included. */
  readonly vocabulary: number;
  readonly captionLength: number;
  readonly padding: number;
  readonly end: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** How one patch is drawn from what the Transformer says; `raster` and `random` only. */
  readonly head: PatchHeadConfig;
  /** Noise drawn for each patch of a batch. MAR: 4. */
  readonly draws: number;
  /** Share of captions that are left out before the image: those images are drawn without, and read. */
  readonly without: number;
  /** Weight of the image's error beside the cross-entropy of words. */
  readonly imageWeight: number;
}

export interface PatchLMParams {
  readonly lm: CausalLMParams;
  readonly image: {
    readonly in: LinearParams; // D to C
    readonly hidden?: { readonly weight: Tensor }; // [1, C], random
    readonly time?: { readonly up: LinearParams; readonly down: LinearParams }; // joint, noised
    readonly out?: LinearParams; // C to D, joint and noised
    readonly head?: PatchHeadParams; // raster and random
  };
}

/** Lengths of a sequence. */
export function spansOf({ captionLength: L, images }: PatchLMConfig): {
  before: number;
  patches: number;
  after: number;
} {
  return { before: L + 1, patches: patchGrid(images).count, after: L - 1 };
}

/** The Transformer; two ids stand behind the caption's: what begins an image, and a caption that is left out. */
export function transformerOf(config: PatchLMConfig): CausalLMConfig {
  const { before, patches, after } = spansOf(config);
  const { width, layers, heads, vocabulary } = config;
  return causalLMConfig({
    vocabulary: vocabulary + 2,
    context: before + patches + after,
    width,
    layers,
    heads,
    position: { type: "learned" },
  });
}

/** Whether patches are drawn by a head, from clean ones; else the Transformer itself denoises. */
export function hasHead({ system }: Pick<PatchLMConfig, "system">): boolean {
  return system === "raster" || system === "random";
}

/** Every parameter by name. */
export function patchLMParameters(config: PatchLMConfig): Record<string, Parameter> {
  const { width: C, head, system } = config;
  const { size: D } = patchGrid(config.images);
  const map = (name: string, out: number, from: number, zero = false): Record<string, Parameter> => ({
    [`image.${name}.weight`]: { shape: [out, from], init: zero ? "zeros" : { std: 1 / Math.sqrt(from) } },
    [`image.${name}.bias`]: { shape: [out], init: "zeros" },
  });
  const under = (at: string, all: Iterable<readonly [string, Parameter]>): Record<string, Parameter> =>
    Object.fromEntries([...all].map(([name, p]) => [`${at}.${name}`, p]));
  return {
    ...under("lm", parametersOf(transformerOf(config))),
    ...map("in", C, D),
    ...(system === "random" && {
      "image.hidden.weight": { shape: [1, C], init: { std: 0.02 } } satisfies Parameter,
    }),
    ...(hasHead(config)
      ? under("image.head", Object.entries(patchHeadParameters(head, D, C)))
      : { ...map("time.up", C, 64), ...map("time.down", C, C), ...map("out", D, C, true) }),
  };
}

/** Fresh parameters. */
export function initPatchLM(config: PatchLMConfig, key: random.Key): PatchLMParams {
  const all = Object.entries(patchLMParameters(config));
  return treeOf(all.map(([name, p]) => [name, initial(p, random.fold(key, name))])) as PatchLMParams;
}

/** What a sequence is made of. */
export interface PatchSequence {
  /** `[B, L]`, the caption to draw; `given` `[B]` says where it counts (1), or is left out (0). */
  readonly caption: Tensor;
  readonly given: Tensor;
  /** `[B, n, D]`, in the order of the configuration: clean, or noised under `joint`. */
  readonly patches: Tensor;
  /** `[B, L − 1]`, the caption read so far. */
  readonly read: Tensor;
  /** `[B, n]`, 1 where a patch is hidden; `random` only. */
  readonly hidden?: Tensor;
  /** Noised copies `[B, n, D]`; `noised` only. */
  readonly copies?: Tensor;
  /** From 0 (noise) to 1 (clean), `[B, n]`: of the patches (`joint`) or their copies (`noised`). */
  readonly times?: Tensor;
}

/** What the Transformer says of each place, `[B, T, C]`, its last norm applied. */
export function patchStates(config: PatchLMConfig, params: PatchLMParams, s: PatchSequence): Tensor {
  const lm = transformerOf(config);
  const { before, patches: n, after } = spansOf(config);
  const { vocabulary: V, system } = config;
  const B = s.patches.shape[0] ?? 1;
  const { model } = params.lm;
  const given = greater(expandDims(s.given, 1), 0.5); // [B, 1]
  const words = where(given, s.caption, full([], V + 1, { dtype: "int32" }));
  const ids = concat([words, full([B, 1], V, { dtype: "int32" })], 1);
  const places = gather(
    model.embed_positions?.weight ?? full([before + n + after, config.width], 0),
    iota(before + n + after),
  );
  const timed = (x: Tensor): Tensor => {
    const { time } = params.image;
    if (time === undefined || s.times === undefined) return x;
    return x.add(linear(time.down, silu(linear(time.up, timeFeatures(s.times.mul(1000))))));
  };
  const image = linear(params.image.in, s.patches);
  let x = concat(
    [
      maps.rows(model.embed_tokens, ids),
      system === "joint" ? timed(image) : image,
      ...(after > 0 ? [maps.rows(model.embed_tokens, s.read)] : []),
    ],
    1,
  ).add(places);
  if (system === "noised" && s.copies !== undefined) {
    const copies = timed(linear(params.image.in, s.copies)).add(narrow(places, 0, before, before + n));
    x = concat([x, copies], 1);
  }
  const T = Number(x.shape[1]);
  const mask = patchMask(system, { before, patches: n, after }).narrow(0, 0, T).narrow(1, 0, T);
  const at = iota(T);
  const run = (from: number, to: number, seen: Tensor): void => {
    for (let i = from; i < to; i++) {
      const layer = model.layers[i];
      if (layer) x = block(lm, i, layer, x, undefined, { queries: at, keys: at, mask: seen }).y;
    }
  };
  if (system !== "random" || s.hidden === undefined) run(0, lm.layers, mask);
  else {
    // The first half reads what is there; hidden patches come in between, and the second half fills them.
    const row = concat([full([B, before], 0), s.hidden, full([B, after], 0)], 1); // [B, T]
    const there = less(row, 0.5);
    const own = reshape(expandDims(at, 1).sub(expandDims(at, 0)).abs(), [1, 1, T, T]);
    const seen = or(and(mask, reshape(there, [B, 1, 1, T])), less(own, 1));
    const half = Math.floor(lm.layers / 2);
    run(0, half, seen);
    const stand = params.image.hidden?.weight ?? full([1, config.width], 0);
    x = where(expandDims(there, 2), x, stand.add(places));
    run(half, lm.layers, mask);
  }
  return norm(lm.norm, model.norm, x, lm.normEpsilon);
}

/** Logits of the caption read, `[B, L, V + 2]`: behind the last patch, and behind each word. */
export function readLogits(config: PatchLMConfig, params: PatchLMParams, states: Tensor): Tensor {
  const { before, patches: n } = spansOf(config);
  const from = before + n - 1;
  return logitsOf(params.lm.model.embed_tokens, narrow(states, 1, from, from + config.captionLength));
}

/** What is said of each patch, `[B, n, C]`: by the place before it (`raster`), by its own, or by its copy's (`noised`). */
export function patchSays({ system, captionLength: L, images }: PatchLMConfig, states: Tensor): Tensor {
  const n = patchGrid(images).count;
  const before = L + 1;
  if (system === "noised") return narrow(states, 1, before + n + L - 1, before + 2 * n + L - 1);
  const from = system === "raster" ? before - 1 : before;
  return narrow(states, 1, from, from + n);
}

/** What a batch finds. */
export interface PatchLMLoss {
  readonly loss: Tensor;
  /** Mean squared error of what is predicted of patches, and cross-entropy of words in nats. */
  readonly image: Tensor;
  readonly words: Tensor;
}

/** Images and captions to learn from: `[B, n, D]` in order, in `[−1, 1]`, and `[B, L]` int32. */
export interface PatchExamples {
  readonly patches: Tensor;
  readonly captions: Tensor;
}

/**
 * Cross-entropy of the captions that are read, plus the weighted error of the patches that are drawn. Under `raster` and
 * `noised` an image without a caption before it is drawn and read at once; else it is read in two of three cases, clean.
 */
export function patchLMLoss(
  config: PatchLMConfig,
  params: PatchLMParams,
  { patches, captions }: PatchExamples,
  key: random.AnyKey,
): PatchLMLoss {
  const { system, captionLength: L, draws: K } = config;
  const { count: n, size: D } = patchGrid(config.images);
  const B = Number(patches.shape[0]);
  const of = (name: string): random.AnyKey => random.fold(key, name);
  const u = random.uniform(of("roles"), [B]);
  const both = system === "raster" || system === "noised";
  const left = less(u, config.without).cast("float32");
  const reads = both ? left : less(u, (config.without * 2) / 3).cast("float32");
  const drawn = both ? full([B], 1) : reads.neg().add(1);
  const column = expandDims(drawn, 1); // [B, 1]
  const noise = random.normal(of("noise"), [B, n, D]);
  const t = random.uniform(of("times"), system === "joint" ? [B, 1] : [B, n]);
  const times = system === "joint" ? broadcastTo(t.mul(column).add(column.neg().add(1)), [B, n]) : t;
  const share = hiddenShare(of("share"));
  const hidden = hiddenPatches(random.uniform(of("hidden"), [B, n]), share).mul(column);
  const states = patchStates(config, params, {
    caption: captions,
    given: left.neg().add(1),
    patches: system === "joint" ? between(patches, noise, expandDims(times, 2)) : patches,
    read: narrow(captions, 1, 0, L - 1),
    ...(system === "random" && { hidden }),
    ...(system === "noised" && { copies: between(patches, noise, expandDims(times, 2)) }),
    ...(!hasHead(config) && { times }),
  });
  const weights = system === "random" ? hidden : broadcastTo(column, [B, n]);
  const said = patchSays(config, states);
  const image = meanOver(errorOf(config, params, said, patches, { key: of("head"), draws: K }), weights);
  const words = wordLoss(readLogits(config, params, states), captions, config.padding, reads);
  return { loss: words.add(image.mul(config.imageWeight)), image, words };
}

/** Squared error of each patch, `[B, n]`. */
function errorOf(
  config: PatchLMConfig,
  { image: { head, out } }: PatchLMParams,
  said: Tensor,
  patches: Tensor,
  { key, draws: K }: { readonly key: random.AnyKey; readonly draws: number },
): Tensor {
  const [B = 1, n = 1, D = 1] = patches.shape.map(Number);
  if (out !== undefined) return linear(out, said).sub(patches).square().mean({ axis: -1 });
  if (head === undefined) return full([B, n], 0);
  const noise = random.normal(random.fold(key, "noise"), [K, B * n, D]);
  const at = random.uniform(random.fold(key, "at"), [K, B * n]);
  return reshape(patchHeadLoss(config.head, head, rowsOf(said), rowsOf(patches), { noise, at }), [B, n]);
}

function meanOver(x: Tensor, weights: Tensor): Tensor {
  return x.mul(weights).sum().div(weights.sum().clip(1e-6, Number.MAX_VALUE));
}

/** Cross-entropy of what is no padding, over the rows that are read. */
function wordLoss(logits: Tensor, captions: Tensor, padding: number, reads: Tensor): Tensor {
  const likely = squeeze(takeAlongAxis(logits.logSoftmax(), expandDims(captions, 2), 2), 2); // [B, L]
  const word = captions
    .sub(tensor(padding, { dtype: "int32" }))
    .abs()
    .clip(0, 1)
    .cast("float32");
  return meanOver(likely.neg(), word.mul(expandDims(reads, 1)));
}

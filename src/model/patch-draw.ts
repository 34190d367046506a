// Drawing and reading with a Transformer of captions and images (`patch-lm.ts`): programs compiled once, loops on the host.
// A whole sequence is computed at each step: images have tens of patches, and one program then serves all steps.
import {
  guided,
  patchGrid,
  patchHeadSample,
  revealSchedule,
  risingScale,
  rowsOf,
} from "../generative/index.ts";
import { OptionError } from "../errors.ts";
import { linear } from "../nn/index.ts";
import {
  compile,
  type CompileOptions,
  concat,
  equal,
  expandDims,
  full,
  gather,
  greaterEqual,
  iota,
  less,
  narrow,
  random,
  reshape,
  squeeze,
  type Tensor,
  tensor,
  where,
  zeros,
} from "../tensor/index.ts";
import {
  hasHead,
  type PatchLMConfig,
  type PatchLMParams,
  patchSays,
  patchStates,
  type PatchSequence,
  readLogits,
} from "./patch-lm.ts";

/** How images are drawn. */
export interface PatchDrawing {
  /** `[B, L]`, int32; those that begin with their end are drawn without a caption. */
  readonly captions: Tensor;
  readonly key: random.Key;
  /** Steps from noise to a patch (or, under `joint`, to the image). Default 20; 100 for a diffusion head. */
  readonly steps?: number;
  /** Steps in which patches are revealed, under `random`. Default: one each. */
  readonly reveal?: number;
  /** Classifier-free guidance; 1 (default) is none. Under `random` it rises to it. */
  readonly guidance?: number;
  /** Factor of the noise; default 1. */
  readonly temperature?: number;
}

/** Draws and reads; programs stay compiled while parameters change. */
export interface PatchArtist {
  /** Patches `[B, n, D]` in the order of the configuration. */
  draw(params: PatchLMParams, drawing: PatchDrawing): Promise<Tensor>;
  /** The likeliest caption word by word. @param patches `[B, n, D]`, in order. @returns `[B, L]` int32. */
  read(params: PatchLMParams, patches: Tensor): Promise<Tensor>;
  release(): Promise<void>;
}

/** What a program is told beside tensors; another value is another program. */
interface Chosen {
  readonly steps: number;
  readonly temperature: number;
  readonly guided: boolean;
}

/** Compiles nothing yet: programs come with the first call. */
export function patchArtist(
  config: PatchLMConfig,
  options: Pick<CompileOptions, "device" | "threads"> = {},
): PatchArtist {
  const { system, captionLength: L, padding, end } = config;
  const { count: n, size: D } = patchGrid(config.images);

  /** What is said of patches with their captions, and without where that is asked for. */
  const said = (
    params: PatchLMParams,
    captions: Tensor,
    rest: Pick<PatchSequence, "patches" | "hidden" | "copies" | "times">,
    free: boolean,
  ): { z: Tensor; free?: Tensor } => {
    const B = captions.shape[0] ?? 1;
    const told = less(
      equal(narrow(captions, 1, 0, 1).squeeze(1), tensor(end, { dtype: "int32" })).cast("float32"),
      0.5,
    ).cast("float32");
    const twice = (x: Tensor | undefined): Tensor | undefined => (x && free ? concat([x, x]) : x);
    const [patches = rest.patches, hidden, copies, times] = [
      rest.patches,
      rest.hidden,
      rest.copies,
      rest.times,
    ].map(twice);
    const both = twice(captions) ?? captions;
    const states = patchStates(config, params, {
      caption: both,
      given: free ? concat([told, told.mul(0)]) : told,
      read: narrow(both, 1, 0, L - 1)
        .mul(0)
        .add(tensor(padding, { dtype: "int32" })),
      patches,
      ...(hidden && { hidden }),
      ...(copies && { copies }),
      ...(times && { times }),
    });
    const all = patchSays(config, states);
    return free ? { z: narrow(all, 0, 0, B), free: narrow(all, 0, B, all.shape[0] ?? 1) } : { z: all };
  };

  /** One patch of each image, the one at `at`. */
  const next = compile(
    (
      params: PatchLMParams,
      captions: Tensor,
      patches: Tensor,
      at: Tensor,
      noise: Tensor,
      scale: Tensor,
      chosen: Chosen,
    ) => {
      const { z, free } = said(params, captions, { patches }, chosen.guided);
      const one = (x: Tensor): Tensor => squeeze(gather(x, at, 1), 1);
      const made = headSample(config, params, one(z), noise, chosen, free && { z: one(free), scale });
      return where(reshape(equal(iota(n), at), [1, n, 1]), expandDims(made, 1), patches);
    },
    options,
  );

  /** The patches whose rank lies in `[low, high)`, all others as they are. */
  const reveal = compile(
    (
      params: PatchLMParams,
      captions: Tensor,
      { patches, rank, low, high }: { patches: Tensor; rank: Tensor; low: Tensor; high: Tensor },
      noise: Tensor,
      scale: Tensor,
      chosen: Chosen,
    ) => {
      const hidden = less(rank, high);
      const { z, free } = said(params, captions, { patches, hidden: hidden.cast("float32") }, chosen.guided);
      const made = headSample(config, params, rowsOf(z), noise, chosen, free && { z: rowsOf(free), scale });
      const now = greaterEqual(rank, low).cast("float32").mul(hidden.cast("float32"));
      return where(less(expandDims(now, 2), 0.5), patches, reshape(made, patches.shape));
    },
    options,
  );

  /** What the Transformer takes noised patches for. */
  const clean = compile(
    (
      params: PatchLMParams,
      captions: Tensor,
      s: Pick<PatchSequence, "patches" | "copies" | "times">,
      scale: Tensor,
      free: boolean,
    ) => {
      const { z, free: without } = said(params, captions, s, free);
      const { out } = params.image;
      if (out === undefined) return z;
      return without ? guided(linear(out, z), linear(out, without), scale) : linear(out, z);
    },
    options,
  );

  const words = compile((params: PatchLMParams, patches: Tensor, read: Tensor) => {
    const B = Number(patches.shape[0]);
    const states = patchStates(config, params, {
      caption: zeros([B, L], { dtype: "int32" }),
      given: zeros([B]),
      patches,
      read: narrow(read, 1, 0, L - 1),
      ...(system === "joint" && { times: full([B, n], 1) }),
      ...(system === "random" && { hidden: zeros([B, n]) }),
    });
    const logits = readLogits(config, params, states);
    // Neither padding nor what begins an image is a word.
    const ids = iota(config.vocabulary);
    const barred = equal(ids, tensor(padding, { dtype: "int32" }))
      .cast("float32")
      .mul(-1e9);
    return narrow(logits, 2, 0, config.vocabulary).add(barred).argMax();
  }, options);

  return {
    async draw(params, { captions, key, steps, reveal: rounds = n, guidance = 1, temperature = 1 }) {
      const B = Number(captions.shape[0]);
      const count = steps ?? (hasHead(config) && config.head.kind === "diffusion" ? 100 : 20);
      if (!Number.isSafeInteger(count) || count < 1) {
        throw new OptionError(`draw: steps must be a whole number ≥ 1, got ${count}.`);
      }
      const chosen: Chosen = { steps: count, temperature, guided: guidance !== 1 };
      const draws = hasHead(config) && config.head.kind === "diffusion" ? count : 1;
      const scale = tensor(guidance);
      const noise = (name: string | number, shape: readonly number[]): Tensor =>
        random.normal(random.fold(key, name), shape, { std: draws > 1 ? 1 : temperature });
      if (system === "raster") {
        let patches: Tensor = zeros([B, n, D]);
        for (let i = 0; i < n; i++) {
          patches = await next(
            params,
            captions,
            patches,
            tensor(Int32Array.of(i)),
            noise(i, [draws, B, D]),
            scale,
            chosen,
          );
        }
        return patches;
      }
      if (system === "random") {
        let patches: Tensor = zeros([B, n, D]);
        const rank = ranks(random.fold(key, "order"), B, n);
        let hidden = n;
        for (const [s, left] of revealSchedule(n, Math.min(rounds, n)).entries()) {
          const span = {
            patches,
            rank,
            low: tensor(left, { dtype: "int32" }),
            high: tensor(hidden, { dtype: "int32" }),
          };
          const rising = tensor(risingScale(guidance, 1 - left / n));
          patches = await reveal(params, captions, span, noise(s, [draws, B * n, D]), rising, chosen);
          hidden = left;
        }
        return patches;
      }
      const way = async (x: Tensor, at: (x: Tensor, t: number) => Promise<Tensor>): Promise<Tensor> => {
        let y = x;
        // The flow's velocity is (clean − x) / (1 − t).
        for (let s = 0; s < count; s++) {
          const found = await at(y, s / count);
          y = y.add(found.sub(y).mul(1 / (count - s)));
        }
        return y;
      };
      if (system === "joint") {
        return way(noise("image", [B, n, D]), (patches, t) =>
          clean(params, captions, { patches, times: full([B, n], t) }, scale, chosen.guided),
        );
      }
      let patches: Tensor = zeros([B, n, D]);
      for (let i = 0; i < n; i++) {
        const here = reshape(equal(iota(n), tensor(i, { dtype: "int32" })), [1, n, 1]);
        const made = await way(noise(i, [B, n, D]), (copies, t) =>
          clean(params, captions, { patches, copies, times: full([B, n], t) }, scale, chosen.guided),
        );
        patches = where(here, made, patches);
      }
      return patches;
    },
    async read(params, patches) {
      const B = Number(patches.shape[0]);
      const ids = new Int32Array(B * L).fill(padding);
      const done = new Uint8Array(B);
      for (let j = 0; j < L; j++) {
        const found = await (await words(params, patches, tensor(ids.slice(), { shape: [B, L] }))).data();
        for (let b = 0; b < B; b++) {
          if (done[b] === 1) continue;
          const id = Number(found[b * L + j]);
          ids[b * L + j] = id;
          if (id === end) done[b] = 1;
        }
      }
      return tensor(ids, { shape: [B, L] });
    },
    async release() {
      for (const program of [next, reveal, clean, words]) await program.release();
    },
  };
}

function headSample(
  config: PatchLMConfig,
  { image: { head } }: PatchLMParams,
  z: Tensor,
  noise: Tensor,
  { steps, temperature }: Chosen,
  free: { readonly z: Tensor; readonly scale: Tensor } | undefined,
): Tensor {
  if (head === undefined) throw new OptionError(`draw: a model of system "${config.system}" has no head.`);
  return patchHeadSample(config.head, head, z, noise, {
    steps,
    temperature,
    bound: 1,
    ...(free && { free }),
  });
}

/** An order of its own for each image: rank `n − 1` is revealed first. `[B, n]`, int32. */
function ranks(key: random.Key, B: number, n: number): Tensor {
  const all = new Int32Array(B * n);
  for (let b = 0; b < B; b++) all.set(random.permutation(random.fold(key, b), n), b * n);
  return tensor(all, { shape: [B, n] });
}

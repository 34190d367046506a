// Cache bytes per token and decode time of latent attention, absorbed, against grouped queries whose cache is as large.
import * as attention from "../src/attention/index.ts";
import { rope } from "../src/position/index.ts";
import { linear } from "../src/nn/index.ts";
import { addDims, compile, concat, iota, narrow, random, reshape, type Tensor } from "../src/tensor/index.ts";
import { median, options, processorMs } from "./support.ts";

/** `{bytesPerToken, formula, msPerStep: {mla, gqa}, ratio}` at `length` cached tokens. */
export async function run(args: string[]): Promise<unknown> {
  const { length, rounds, width, heads } = options(args, { length: 2048, rounds: 60, width: 512, heads: 8 });
  const D = 64;
  // d_c + d_r = 2·groups·D: two groups of keys and values.
  const groups = 2;
  const sizes: attention.MlaSizes = {
    width,
    heads,
    contentWidth: D,
    rotaryWidth: D / 2,
    valueWidth: D,
    latentWidth: 2 * groups * D - D / 2,
  };
  const key = random.key(1);
  const draw = (name: string, shape: number[]): Tensor => random.normal(random.fold(key, name), shape);
  const params = attention.initMla(sizes, key, { std: 0.05 });
  const position = rope();
  const S = "S";
  const mla = compile(
    (x: Tensor, cache: attention.MlaCache) => {
      const all = iota(addDims(cache.latent.shape[1] ?? 0, 1));
      const now = narrow(all, 0, cache.latent.shape[1] ?? 0, addDims(cache.latent.shape[1] ?? 0, 1));
      return attention.mlaAbsorbed(
        sizes,
        params,
        x,
        { position, queryPositions: now, keyPositions: all },
        cache,
      );
    },
    { threads: 1, symbolic: (name, shape) => (name.startsWith("1.") ? [1, S, shape[2] ?? 1] : undefined) },
  );
  const weights = {
    q: draw("q", [heads * D, width]),
    k: draw("k", [groups * D, width]),
    v: draw("v", [groups * D, width]),
    o: draw("o", [width, heads * D]),
  };
  const gqa = compile(
    (x: Tensor, cache: { key: Tensor; value: Tensor }) => grouped(x, cache, weights, { heads, groups, D }),
    { threads: 1, symbolic: (name) => (name.startsWith("1.") ? [1, groups, S, D] : undefined) },
  );
  const x = draw("x", [1, 1, width]);
  const latent = {
    latent: draw("c", [1, length, sizes.latentWidth]),
    rotaryKey: draw("r", [1, length, sizes.rotaryWidth]),
  };
  const pairs = { key: draw("K", [1, groups, length, D]), value: draw("V", [1, groups, length, D]) };
  const times = { mla: [] as number[], gqa: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const [one, two] = [await processorMs(() => mla(x, latent)), await processorMs(() => gqa(x, pairs))];
    if (round < 5) continue;
    times.mla.push(one);
    times.gqa.push(two);
  }
  await Promise.all([mla.release(), gqa.release()]);
  const msPerStep = { mla: median(times.mla), gqa: median(times.gqa) };
  return {
    length,
    bytesPerToken: {
      mla: 4 * attention.mlaCacheWidth(sizes),
      gqa: 4 * 2 * groups * D,
      mha: 4 * 2 * heads * D,
      mqa: 4 * 2 * D,
    },
    formula: "4 (d_c + d_r); 4 · 2 g D; 4 · 2 H D; 4 · 2 D",
    msPerStep,
    ratio: msPerStep.mla / msPerStep.gqa,
  };
}

/** One token of grouped-query attention with the same projections around it. */
function grouped(
  x: Tensor,
  cache: { key: Tensor; value: Tensor },
  w: Record<"q" | "k" | "v" | "o", Tensor>,
  { heads, groups, D }: { heads: number; groups: number; D: number },
): { y: Tensor; cache: { key: Tensor; value: Tensor } } {
  const before = cache.key.shape[2] ?? 0;
  const all = iota(addDims(before, 1));
  const now = narrow(all, 0, before, addDims(before, 1));
  const part = (weight: Tensor, n: number): Tensor => reshape(linear({ weight }, x), [1, n, 1, D]);
  const key = concat([cache.key, part(w.k, groups)], 2);
  const value = concat([cache.value, part(w.v, groups)], 2);
  const how = { position: rope(), queryPositions: now, keyPositions: all };
  const o = attention.attend(part(w.q, heads), key, value, how);
  return { y: linear({ weight: w.o }, reshape(o, [1, 1, heads * D])), cache: { key, value } };
}

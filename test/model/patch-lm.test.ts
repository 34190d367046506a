// One Transformer of captions and images: who moves whom, whatever the system, and that it learns both ways.
import { describe, expect, test } from "vitest";
import { PATCH_SYSTEMS, type PatchSystem } from "../../src/generative/index.ts";
import { patchArtist } from "../../src/model/patch-draw.ts";
import {
  initPatchLM,
  type PatchLMConfig,
  patchLMLoss,
  type PatchLMParams,
  patchSays,
  type PatchSequence,
  patchStates,
  readLogits,
} from "../../src/model/patch-lm.ts";
import {
  compile,
  evaluate,
  full,
  grad,
  flattenTree,
  mapTree,
  random,
  type Tensor,
  tensor,
  zeros,
  zipTrees,
} from "../../src/tensor/index.ts";
import { list, sample } from "../support/check.ts";

const config = (system: PatchSystem, more: Partial<PatchLMConfig> = {}): PatchLMConfig => ({
  system,
  order: "raster",
  images: { channels: 1, height: 4, width: 4, patch: 2 },
  vocabulary: 7,
  captionLength: 3,
  padding: 0,
  end: 1,
  width: 16,
  layers: 2,
  heads: 2,
  head: { kind: "flow", width: 16, blocks: 1, degrees: 10 },
  draws: 2,
  without: 0.5,
  imageWeight: 1,
  ...more,
});

/** Parameters without zeros, so that everything says something. */
function params(c: PatchLMConfig): PatchLMParams {
  let i = 0;
  return mapTree(initPatchLM(c, random.key(1)), (t) =>
    t.add(random.normal(random.fold(random.key(2), i++), t.shape, { std: 0.2 })),
  );
}

const ids = (...rows: number[][]): Tensor =>
  tensor(Int32Array.from(rows.flat()), { shape: [rows.length, rows[0]?.length ?? 0] });
const caption = ids([4, 5, 1]);
const patches = sample([1, 4, 4], { dtype: "float32" }).x;

const sequence = (system: PatchSystem, more: Partial<PatchSequence> = {}): PatchSequence => ({
  caption,
  given: full([1], 1),
  patches,
  read: ids([4, 5]),
  ...(system === "random" && { hidden: tensor([[0, 1, 0, 1]]) }),
  ...(system === "noised" && { copies: sample([1, 4, 4], { dtype: "float32", seed: "copies" }).x }),
  ...((system === "noised" || system === "joint") && { times: tensor([[0.1, 0.5, 0.5, 0.9]]) }),
  ...more,
});

/** By how much what is said of each patch, and of each word read, changes with one part of the sequence. */
async function moved(
  system: PatchSystem,
  more: Partial<PatchSequence>,
): Promise<{ says: number[]; reads: number[] }> {
  const c = config(system);
  const p = params(c);
  const of = (s: PatchSequence): { says: Tensor; reads: Tensor } => {
    const states = patchStates(c, p, s);
    return { says: patchSays(c, states), reads: readLogits(c, p, states) };
  };
  const [a, b] = [of(sequence(system)), of(sequence(system, more))];
  const far = (x: Tensor, y: Tensor): Tensor =>
    x
      .sub(y)
      .abs()
      .max({ axis: [0, 2] });
  const got = await evaluate({ says: far(a.says, b.says), reads: far(a.reads, b.reads) });
  return { says: await list(got.says), reads: await list(got.reads) };
}

/** Another value in patch `k`. */
const other = (x: Tensor, k: number): Tensor => x.add(tensor([0, 1, 2, 3].map((i) => [Number(i === k)])));
const still = 2e-6;

describe("raster", () => {
  test("a later patch never changes what is said of an earlier one, or of itself", async () => {
    const { says, reads } = await moved("raster", { patches: other(patches, 2) });
    for (const k of [0, 1, 2]) expect(says[k]).toBeLessThan(still);
    expect(says[3]).toBeGreaterThan(1e-3);
    for (const v of reads) expect(v).toBeGreaterThan(1e-4); // words read the whole image
  });
});

describe("noised", () => {
  test("dropping one copy changes nothing but what is said of it", async () => {
    const copies = sequence("noised").copies ?? patches;
    const { says, reads } = await moved("noised", { copies: other(copies, 1) });
    for (const k of [0, 2, 3]) expect(says[k]).toBeLessThan(still);
    expect(says[1]).toBeGreaterThan(1e-3);
    for (const v of reads) expect(v).toBeLessThan(still);
  });
  test("a clean patch is seen by the copies behind it, and not by its own", async () => {
    const { says } = await moved("noised", { patches: other(patches, 1) });
    for (const k of [0, 1]) expect(says[k]).toBeLessThan(still);
    for (const k of [2, 3]) expect(says[k]).toBeGreaterThan(1e-4);
  });
});

describe("random", () => {
  test("what is hidden says nothing, what is there is seen by all", async () => {
    const hidden = await moved("random", { patches: other(patches, 1) });
    for (const v of [...hidden.says, ...hidden.reads]) expect(v).toBeLessThan(still);
    const shown = await moved("random", { patches: other(patches, 2) });
    for (const v of [...shown.says, ...shown.reads]) expect(v).toBeGreaterThan(1e-4);
  });
});

describe("joint", () => {
  test("every patch sees every other", async () => {
    const { says } = await moved("joint", { patches: other(patches, 3) });
    for (const v of says) expect(v).toBeGreaterThan(1e-4);
  });
});

test.each(PATCH_SYSTEMS)(
  "%s: a caption that is left out says nothing, one that is given does; words read do not draw",
  async (system) => {
    const given = await moved(system, { caption: ids([6, 6, 1]) });
    for (const v of given.says) expect(v).toBeGreaterThan(1e-4);
    const c = config(system);
    const p = params(c);
    const of = (words: Tensor): Tensor =>
      patchStates(c, p, sequence(system, { caption: words, given: zeros([1]) }));
    const [a, b] = await Promise.all([list(of(caption)), list(of(ids([6, 6, 1])))]);
    expect(a).toEqual(b);
    const read = await moved(system, { read: ids([6, 6]) });
    for (const v of read.says) expect(v).toBeLessThan(still);
    expect(read.reads[0]).toBeLessThan(still); // the first word is said before any is read
    for (const v of read.reads.slice(1)) expect(v).toBeGreaterThan(1e-4);
  },
);

test.each(PATCH_SYSTEMS)("%s: every parameter is moved by the loss", async (system) => {
  const c = config(system);
  const p = params(c);
  const examples = {
    patches: sample([8, 4, 4], { dtype: "float32" }).x,
    captions: ids(...Array.from({ length: 8 }, () => [4, 5, 1])),
  };
  const slopes = flattenTree(grad((q: PatchLMParams) => patchLMLoss(c, q, examples, random.key(5)).loss)(p));
  const sizes = await evaluate(slopes.map(([, t]) => t.abs().max()));
  for (const [i, size] of sizes.entries()) {
    const [name] = slopes[i] ?? [""];
    expect(await size.item(), name).toBeGreaterThan(0);
    expect(await size.item(), name).toBeLessThan(Infinity);
  }
});

test.each([
  ["raster", "flow", 120],
  ["raster", "diffusion", 280],
  ["random", "flow", 120],
  ["joint", "flow", 120],
  ["noised", "flow", 160],
] as const)(
  "%s with a %s head learns two pictures by name, draws each for its name and reads each",
  async (system, kind, steps) => {
    const c = config(system, {
      captionLength: 2,
      vocabulary: 6,
      head: { kind, width: 16, blocks: 1, degrees: 50 },
      without: 0.4,
      imageWeight: 2,
    });
    // Three bright patches are word 4, one is word 5.
    const three = [1, 1, 1, -1].flatMap((v) => [v, v, v, v]);
    const one = [1, -1, -1, -1].flatMap((v) => [v, v, v, v]);
    const both = tensor(Float32Array.from([...three, ...one]), { shape: [2, 4, 4] });
    const examples = {
      patches: tensor(Float32Array.from(Array.from({ length: 12 }, () => [...three, ...one]).flat()), {
        shape: [24, 4, 4],
      }),
      captions: ids(...Array.from({ length: 24 }, (_, i) => [4 + (i % 2), 1])),
    };
    type State = { readonly p: PatchLMParams; readonly m: PatchLMParams; readonly v: PatchLMParams };
    const step = compile(
      ({ p, m, v }: State, key: Tensor, fix: Tensor, rate: Tensor): State => {
        const g = grad((q: PatchLMParams) => patchLMLoss(c, q, examples, key).loss)(p);
        const m2 = zipTrees(m, g, (a, b) => a.mul(0.9).add(b.mul(0.1))) as PatchLMParams;
        const v2 = zipTrees(v, g, (a, b) => a.mul(0.98).add(b.square().mul(0.02))) as PatchLMParams;
        const move = zipTrees(m2, v2, (a, b) =>
          a.div(b.mul(fix).sqrt().add(1e-8)).mul(rate),
        ) as PatchLMParams;
        return { p: zipTrees(p, move, (a, b) => a.sub(b)) as PatchLMParams, m: m2, v: v2 };
      },
      { threads: 1 },
    );
    const start = initPatchLM(c, random.key(1));
    const none = mapTree(start, (t) => t.mul(0)) as PatchLMParams;
    let state: State = { p: start, m: none, v: none };
    for (let i = 0; i < steps; i++) {
      const [fix, rate] = [tensor(1 / (1 - 0.98 ** (i + 1))), tensor(0.012 * (1 - i / steps))];
      state = await step(state, random.traced(random.fold(random.key(3), i)), fix, rate);
    }
    const artist = patchArtist(c, { threads: 1 });
    const drawn = await list(
      await artist.draw(state.p, {
        captions: ids(...Array.from({ length: 8 }, (_, i) => [4 + (i % 2), 1])),
        key: random.key(9),
        steps: 12,
        temperature: 0.7,
      }),
    );
    const far = (wanted: readonly number[]): number =>
      drawn.reduce((a, v, i) => a + Math.abs(v - (wanted[i % 32] ?? 0)), 0) / drawn.length;
    expect(far([...three, ...one])).toBeLessThan(0.65 * far([...one, ...three]));
    const guided = await artist.draw(state.p, {
      captions: ids([5, 1]),
      key: random.key(9),
      steps: 4,
      guidance: 1.5,
      reveal: 2,
    });
    expect(guided.shape).toEqual([1, 4, 4]);
    expect(await list(await artist.read(state.p, both))).toEqual([4, 1, 5, 1]);
    await artist.release();
    await step.release();
  },
);

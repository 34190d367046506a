// Patches, orders, masks, noise by degrees and the head that draws a patch: against PyTorch, loops and closed forms.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  between,
  cosineDegrees,
  descent,
  guided,
  hiddenPatches,
  hiddenShare,
  inverseOrder,
  noised,
  PATCH_HEADS,
  PATCH_ORDERS,
  patchGrid,
  type PatchHeadConfig,
  patchHeadLoss,
  patchHeadParameters,
  type PatchHeadParams,
  patchHeadPredict,
  patchHeadSample,
  patchify,
  patchMask,
  patchOrder,
  type PatchSystem,
  reorder,
  revealSchedule,
  risingScale,
  spreadDegrees,
  unpatchify,
} from "../../src/generative/index.ts";
import { initial, treeOf } from "../../src/nn/index.ts";
import {
  evaluate,
  full,
  leaves,
  mapTree,
  grad,
  random,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { patchAt } from "../reference/generative.ts";
import { expectClose, list, sample } from "../support/check.ts";
import { golden, leaf } from "./golden.ts";

const g = golden.patches;

test("patches are those of PyTorch's unfold, and lead back exactly", async () => {
  const x = leaf(g.image).permute([0, 3, 1, 2]); // [2, 3, 4, 6]
  const cut = patchify(x, 2);
  const back = unpatchify(cut, { height: 4, width: 6, channels: 3, patch: 2 });
  const got = await evaluate({ cut, back });
  expect(got.cut.shape).toEqual([2, 6, 12]);
  expectClose(await got.cut.data(), g.patches.data, 0);
  expectClose(await got.back.data(), await list(x), 0);
});

test("any sizes: a patch is its rows of pixels, and the way back loses nothing", async () => {
  const sizes = fc.record({
    p: fc.integer({ min: 1, max: 4 }),
    r: fc.integer({ min: 1, max: 3 }),
    c: fc.integer({ min: 1, max: 3 }),
    C: fc.constantFrom(1, 3),
  });
  await fc.assert(
    fc.asyncProperty(sizes, async ({ p, r, c, C }) => {
      const [H, W] = [r * p, c * p];
      const x = sample([1, C, H, W], { dtype: "float32" });
      const cut = patchify(x.x, p);
      const got = await evaluate({
        cut,
        back: unpatchify(cut, { height: H, width: W, channels: C, patch: p }),
      });
      expectClose(await got.back.data(), x.ref.data, 0);
      const image = Array.from({ length: H }, (_, i) =>
        Array.from({ length: W }, (__, j) =>
          Array.from({ length: C }, (___, k) => x.ref.data[(k * H + i) * W + j] ?? 0),
        ),
      );
      const last = patchAt(image, r - 1, c - 1, p);
      expectClose((await list(got.cut)).slice(-last.length), last, 0);
    }),
    { numRuns: 12, seed: 1 },
  );
});

describe("orders", () => {
  test.each(PATCH_ORDERS)("%s holds each place once, on any grid, and leads back", (name) => {
    for (const [rows, columns] of [
      [1, 1],
      [1, 5],
      [4, 1],
      [3, 4],
      [4, 4],
      [5, 3],
    ] as const) {
      const order = patchOrder(name, rows, columns);
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: rows * columns }, (_, i) => i));
      const back = inverseOrder(order);
      expect(order.map((_, i) => order[back[i] ?? -1])).toEqual(order.map((_, i) => i));
    }
  });

  test("on 3 × 3 they are what they are called", () => {
    const of = (name: (typeof PATCH_ORDERS)[number]): string => patchOrder(name, 3, 3).join("");
    expect(of("raster")).toBe("012345678");
    expect(of("columns")).toBe("036147258");
    expect(of("zigzag")).toBe("013642578");
    expect(of("spiral")[0]).toBe("4"); // begins in the middle
    expect(of("spiral").at(-1)).toBe("0");
    expect(of("distance").slice(0, 4)).toBe("0134");
  });

  test("each step of the spiral is to a neighbour", () => {
    const order = patchOrder("spiral", 5, 4);
    for (let i = 1; i < order.length; i++) {
      const [a, b] = [order[i - 1] ?? 0, order[i] ?? 0];
      const step = Math.abs(Math.floor(a / 4) - Math.floor(b / 4)) + Math.abs((a % 4) - (b % 4));
      expect(step).toBe(1);
    }
  });

  test("patches in an order come back by its inverse; what is no permutation is refused", async () => {
    const x = sample([2, 6, 3]).x;
    const order = patchOrder("zigzag", 2, 3);
    expectClose(await reorder(reorder(x, order), inverseOrder(order)).data(), await list(x), 0);
    expect(() => inverseOrder([0, 2, 2])).toThrow(
      "inverseOrder: order must hold each of 0 … 2 once, got 2 at 2.",
    );
    expect(() => patchOrder("hilbert" as never, 2, 2)).toThrow('got "hilbert"');
    expect(() => patchGrid({ height: 28, width: 28, channels: 1, patch: 5 })).toThrow(
      "patches: patch must divide height 28 and width 28, got 5.",
    );
  });
});

describe("revealing", () => {
  test("every schedule ends with nothing hidden, reveals at least one a step, and slows down never", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), (n, k) => {
        const steps = Math.min(n, k);
        const left = revealSchedule(n, steps);
        const shown = left.map((h, i) => (left[i - 1] ?? n) - h);
        expect(left.length).toBe(steps);
        expect(left.at(-1)).toBe(0);
        expect(Math.min(...shown)).toBeGreaterThanOrEqual(1);
        expect(shown.reduce((a, b) => a + b, 0)).toBe(n); // a partition of all places
      }),
      { seed: 3 },
    );
  });

  test("it is MAR's cosine", () => {
    const left = revealSchedule(256, 64);
    for (const s of [0, 20, 40, 60])
      expect(left[s]).toBe(Math.min(Math.floor(256 * Math.cos(((Math.PI / 2) * (s + 1)) / 64)), 255));
    expect(() => revealSchedule(4, 5)).toThrow("revealSchedule: steps must be 1 to the 4 patches, got 5.");
  });

  test("training hides between seven tenths and all, and that many", async () => {
    const shares = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((i) => hiddenShare(random.key(i)).item()));
    for (const share of shares) expect(share).toBeGreaterThanOrEqual(0.7 - 1e-6);
    for (const share of shares) expect(share).toBeLessThanOrEqual(1);
    const hidden = await list(hiddenPatches(random.uniform(random.key(1), [3, 10]), full([1], 0.75)));
    for (const b of [0, 1, 2]) expect(hidden.slice(10 * b, 10 * b + 10).reduce((a, v) => a + v, 0)).toBe(8);
    expect(risingScale(3, 0.5)).toBe(2);
  });
});

describe("who sees whom", () => {
  const spans = { before: 2, patches: 3, after: 2 };
  const rows = async (system: PatchSystem): Promise<string[]> => {
    const mask = patchMask(system, spans);
    const all = await list(mask.cast("int32"));
    const T = Number(mask.shape[0]);
    return Array.from({ length: T }, (_, i) => all.slice(i * T, (i + 1) * T).join(""));
  };
  test("raster: what stands before", async () => {
    expect(await rows("raster")).toEqual([
      "1000000",
      "1100000",
      "1110000",
      "1111000",
      "1111100",
      "1111110",
      "1111111",
    ]);
  });
  test.each(["joint", "random"] as const)(
    "%s: the image sees all of itself, words what stands before",
    async (system) => {
      expect(await rows(system)).toEqual([
        "1000000",
        "1100000",
        "1111100",
        "1111100",
        "1111100",
        "1111110",
        "1111111",
      ]);
    },
  );
  test("noised: a copy sees the words before, the clean patches before its own, and itself; nothing sees it", async () => {
    expect(await rows("noised")).toEqual([
      "1000000000",
      "1100000000",
      "1110000000",
      "1111000000",
      "1111100000",
      "1111110000",
      "1111111000",
      "1100000100",
      "1110000010",
      "1111000001",
    ]);
  });
});

describe("noise by degrees", () => {
  test("the cosine schedule and a step down are those of the diffusion library", async () => {
    const { signal } = cosineDegrees(50);
    expectClose(signal, g.signal.data, 1e-12);
    const { clean, mean: ofMean, s } = descent(signal[g.t] ?? 0, signal[g.t - 1] ?? 0);
    const mean = g.xt.data.map((x, i) => {
      const start = clean[0] * x + clean[1] * (g.eps.data[i] ?? 0);
      return ofMean[0] * start + ofMean[1] * x;
    });
    expectClose(mean, g.mean.data, 1e-10);
    expect(s).toBeCloseTo(g.deviation, 10);
  });

  test("the last step leaves no noise, and gives the clean signal back", async () => {
    const { signal } = cosineDegrees(100);
    const x = sample([4], { seed: "x" }).x;
    const noise = sample([4], { seed: "e" }).x;
    const now = signal[0] ?? 1;
    const { clean, mean, s } = descent(now, 1);
    expect([mean, s]).toEqual([[1, 0], 0]);
    const found = noised(x, noise, tensor(now, { dtype: "float64" }));
    expectClose(await found.mul(clean[0]).add(noise.mul(clean[1])).data(), await list(x), 1e-9);
    expect(spreadDegrees(1000, 100)[0]).toBe(0);
    expect(spreadDegrees(1000, 100).at(-1)).toBe(999);
    expect(() => spreadDegrees(10, 11)).toThrow("spreadDegrees: count must be 1 to the 10 degrees, got 11.");
  });

  test("guidance 1 is the condition, 0 is without it", async () => {
    const [c, u] = [sample([3], { seed: "c" }).x, sample([3], { seed: "u" }).x];
    expectClose(await guided(c, u, 1).data(), await list(c), 1e-14);
    expectClose(await guided(c, u, 0).data(), await list(u), 0);
  });
});

function fresh(config: PatchHeadConfig, D: number, C: number): PatchHeadParams {
  const key = random.key(4);
  const all = Object.entries(patchHeadParameters(config, D, C));
  const tree = treeOf(all.map(([name, p]) => [name, initial(p, random.fold(key, name))])) as PatchHeadParams;
  return mapTree(tree, (t) => t.cast("float64"));
}

describe("the head", () => {
  const config: PatchHeadConfig = { kind: "flow", width: 6, blocks: 2, degrees: 50 };
  const draws = {
    noise: sample([3, 5, 4], { seed: "n" }).x,
    at: sample([3, 5], { seed: "t", low: 0, high: 1 }).x,
  };
  const [z, x] = [sample([5, 7], { seed: "z" }).x, sample([5, 4], { seed: "x" }).x];

  test("with given weights it says what MAR's says", async () => {
    const params = treeOf(Object.entries(g.head.params).map(([n, l]) => [n, leaf(l)])) as PatchHeadParams;
    const out = patchHeadPredict(params, leaf(g.head.x), leaf(g.head.t), leaf(g.head.z));
    expectClose(await out.data(), g.head.out.data, 1e-10);
    const names = Object.keys(patchHeadParameters({ ...config, width: 6 }, 3, 4)).sort();
    expect(names).toEqual(Object.keys(g.head.params).sort());
  });

  test("at first it says nothing: the losses are those of the targets alone", async () => {
    const params = fresh(config, 4, 7);
    const of = (kind: PatchHeadConfig["kind"]): Promise<number[]> =>
      list(patchHeadLoss({ ...config, kind }, params, z, x, draws));
    const mean = (t: Tensor): Promise<number[]> => list(t.square().mean({ axis: -1 }));
    expectClose(await of("mse"), await mean(x), 1e-13);
    const velocity = await list(x.sub(draws.noise).square().mean({ axis: -1 }).mean({ axis: 0 }));
    expectClose(await of("flow"), velocity, 1e-13);
    const noise = await list(draws.noise.square().mean({ axis: -1 }).mean({ axis: 0 }));
    expectClose(await of("diffusion"), noise, 1e-13);
  });

  test.each(PATCH_HEADS)(
    "%s: gradients reach the Transformer, and samples have the shape of a patch",
    async (kind) => {
      const params = mapTree(fresh(config, 4, 7), (t) => t.add(0.1));
      const slope = grad((v: Tensor) => patchHeadLoss({ ...config, kind }, params, v, x, draws).sum())(z);
      expect(await slope.abs().sum().item()).toBeGreaterThan(1e-6);
      const noise = sample([8, 5, 4], { seed: "s" }).x;
      const plain = patchHeadSample({ ...config, kind }, params, z, noise, { steps: 8 });
      const one = tensor(1, { dtype: "float64" });
      const free = patchHeadSample({ ...config, kind }, params, z, noise, {
        steps: 8,
        free: { z: z.mul(2), scale: one },
      });
      expect(plain.shape).toEqual([5, 4]);
      expectClose(await free.data(), await list(plain), 1e-12, "guidance 1 is none");
      for (const parameter of leaves(params)) expect(parameter.dtype).toBe("float64");
    },
  );

  test("a Gaussian has an affine velocity, and the flow's steps with it bring back its mean and deviation", async () => {
    const [mu, s] = [1.3, 0.4];
    const steps = 400;
    let y: Tensor = sample([2000], { seed: "normal", low: -1.7320508, high: 1.7320508 }).x; // mean 0, variance 1
    for (let i = 0; i < steps; i++) {
      const t = i / steps;
      const spread = (1 - t) ** 2 + (t * s) ** 2;
      // E[x − ε | x_t] for x ~ N(μ, s²): affine in x_t.
      const slope = (t * s * s - (1 - t)) / spread;
      y = y.add(
        y
          .sub(t * mu)
          .mul(slope)
          .add(mu)
          .div(steps),
      );
      if (i % 50 === 49) y = (await evaluate({ y })).y;
    }
    expect(await y.mean().item()).toBeCloseTo(mu, 1);
    expect(await y.variance().sqrt().item()).toBeCloseTo(s, 2);
  });

  test("the way between noise and data has both at its ends", async () => {
    const [a, b] = [sample([3], { seed: "a" }).x, sample([3], { seed: "b" }).x];
    const at = (t: number): Tensor => between(a, b, tensor(t, { dtype: "float64" }));
    expectClose(await at(0).data(), await list(b), 0);
    expectClose(await at(1).data(), await list(a), 0);
  });
});

// LoRA-GA: the best first step there is, for every choice of directions; its scales; peft's other form; gradients that are
// never formed; and gradients of few directions.
import { describe, expect, test } from "vitest";
import {
  type Adapter,
  GA_INDICES,
  GA_SCALES,
  lora,
  loraGaAdapter,
  loraGaStart,
  loraScale,
  merge,
  withAdapter,
} from "../../src/adapt/index.ts";
import {
  evaluate,
  grad,
  matmul,
  narrow,
  random,
  randomizedSvd,
  sum,
  svd,
  type Tensor,
  tensor,
  transpose,
} from "../../src/tensor/index.ts";
import { norm, residual, singularValues } from "../reference/lora-ga.ts";
import { methodsGolden, rowsOf, wave } from "../support/adapt-cases.ts";
import { expectClose, list } from "../support/check.ts";

const key = random.key(3);
const drawn = (seed: number, ...shape: number[]): Tensor =>
  random.normal(random.key(seed), shape, { dtype: "float64" });
/** The first `2r` directions of `g`. */
async function directionsOf(g: Tensor, r: number) {
  const { u, s, v } = await svd(g);
  const first = (t: Tensor): Tensor => narrow(t, -1, 0, Math.min(2 * r, Number(s.shape[0])));
  return { u: first(u), s: first(s), v: first(v) };
}
const tail = (values: readonly number[], from: number): number =>
  Math.sqrt(values.slice(from).reduce((a, x) => a + x * x, 0));

describe("the first step", () => {
  const [O, I, r] = [13, 17, 3];
  const g = drawn(1, O, I);
  const weight = drawn(2, O, I);

  test.each(GA_INDICES)(
    "with directions %s is the best of rank 2r, which no other start beats",
    async (indices) => {
      const G = await rowsOf(g);
      const { lora_A, lora_B } = await loraGaStart(await directionsOf(g, r), weight, { rank: r }, key, {
        indices,
        scale: "unit",
      });
      const bound = tail(singularValues(G), 2 * r);
      const least = residual(G, await rowsOf(lora_A), await rowsOf(lora_B));
      expect(least).toBeCloseTo(bound, 9);
      for (let seed = 0; seed < 40; seed++) {
        const [a, b] = await Promise.all(
          [drawn(100 + seed, r, I), drawn(200 + seed, O, r)].map((t) => rowsOf(t)),
        );
        const scaled = (m: number[][] = [], by: number) => m.map((row) => row.map((x) => x * by));
        for (const by of [0.05, 0.2])
          expect(residual(G, scaled(a, by), scaled(b, by))).toBeGreaterThan(bound);
      }
    },
  );

  test("by descent changes the matrix by −η s² c² G₂ᵣ, up to the product of both steps, which falls with η²", async () => {
    const size = { rank: r, alpha: 5, root: true };
    const s = loraScale(size);
    const { u, s: values, v } = await directionsOf(g, r);
    const { lora_A: a, lora_B: b } = await loraGaStart({ u, s: values, v }, weight, size, key);
    const c2 = Math.sqrt(O) / 16;
    const best = matmul(u.mul(values), transpose(v)).mul(s * s * c2);
    const [ga, gb] = [matmul(b, g, { transposeA: true }).mul(s), matmul(g, a, { transposeB: true }).mul(s)];
    const sizes: number[] = [];
    for (const eta of [1e-2, 1e-3]) {
      const p = { weight, lora_scale: tensor(s, { dtype: "float64" }), lora_A0: a, lora_B0: b };
      const moved = { ...p, lora_A: a.sub(ga.mul(eta)), lora_B: b.sub(gb.mul(eta)) };
      const step = lora.toDense(moved).sub(weight);
      const left = norm(await rowsOf(await evaluate(step.add(best.mul(eta)))));
      const cross = norm(await rowsOf(await evaluate(matmul(gb, ga).mul(eta * eta * s))));
      expect(left / cross).toBeCloseTo(1, 6);
      sizes.push(left);
    }
    expect((sizes[0] ?? 0) / (sizes[1] ?? 1)).toBeCloseTo(100, 3);
  });

  test.each(GA_SCALES)("is scaled as %s says", async (scale) => {
    const size = { rank: r, alpha: 16, root: true };
    const s = loraScale(size);
    const { lora_A, lora_B } = await loraGaStart(await directionsOf(g, r), weight, size, key, {
      scale,
      gamma: 9,
    });
    const own = singularValues(await rowsOf(weight)).slice(0, r);
    const factor = {
      stable: O ** 0.25 / 3,
      unit: 1,
      gd: 1 / s,
      weightS: own.reduce((a, x) => a + Math.sqrt(x / s), 0) / r,
    }[scale];
    for (const gram of [
      matmul(lora_A, lora_A, { transposeB: true }),
      matmul(lora_B, lora_B, { transposeA: true }),
    ]) {
      const x = await list(gram);
      expectClose(
        x,
        x.map((_, i) => (i % (r + 1) === 0 ? factor * factor : 0)),
        1e-6,
      );
    }
  });

  test("clipped, its product is nowhere larger than the matrix", async () => {
    const largest = async (t: Tensor) => Math.max(...(await list(t)).map(Math.abs));
    const small = weight.mul(1e-3);
    const options = { clip: true, scale: "unit" } as const;
    const { lora_A, lora_B } = await loraGaStart(await directionsOf(g, r), small, { rank: r }, key, options);
    expect((await largest(matmul(lora_B, lora_A))) / (await largest(small))).toBeCloseTo(1, 9);
    expect(norm(await rowsOf(lora_A))).toBeCloseTo(norm(await rowsOf(lora_B)), 9);
  });

  test("a gamma of 0 is refused", async () => {
    await expect(
      loraGaStart(await directionsOf(g, r), weight, { rank: r }, key, { gamma: 0 }),
    ).rejects.toThrow("lora-ga: gamma must be a number above 0, got 0.");
  });
});

describe("peft's form", () => {
  const { O, I, R } = methodsGolden.sizes;
  const size = { rank: R, alpha: methodsGolden["lora-ga"].alpha, root: true };

  test.each(Object.keys(methodsGolden["lora-ga"].cases))("is peft's start: %s", async (name) => {
    const [indices, scale] = name.split(" ") as ["ArBr", "unit"];
    const found = await randomizedSvd(wave(7, [O, I]), 2 * R, key, { iterations: 6 });
    const start = await loraGaStart(found, wave(1, [O, I]), size, key, { indices, scale, form: "peft" });
    const { a, b } = methodsGolden["lora-ga"].cases[name] ?? { a: [], b: [] };
    expectClose(await list(matmul(transpose(start.lora_A), start.lora_A)), a.flat(), 2e-5);
    expectClose(await list(matmul(start.lora_B, transpose(start.lora_B))), b.flat(), 2e-5);
  });

  test("takes another first step than the paper's: singular values in B, and the same directions twice", async () => {
    const G = drawn(1, 13, 17);
    const found = await directionsOf(G, 3);
    const best = await evaluate(matmul(found.u.mul(found.s), transpose(found.v)));
    const cosine = async (form: "paper" | "peft") => {
      const { lora_A: a, lora_B: b } = await loraGaStart(found, G, { rank: 3 }, key, { form, scale: "unit" });
      const step = matmul(G, matmul(a, a, { transposeA: true })).add(
        matmul(matmul(b, b, { transposeB: true }), G),
      );
      const [x, y] = [await list(step), await list(best)];
      const dot = x.reduce((n, v, i) => n + v * (y[i] ?? 0), 0);
      return dot / Math.hypot(...x) / Math.hypot(...y);
    };
    expect(await cosine("paper")).toBeCloseTo(1, 9);
    expect(await cosine("peft")).toBeLessThan(0.9);
    const twice = await loraGaStart(found, G, { rank: 3 }, key, {
      form: "peft",
      indices: "random",
      scale: "unit",
    });
    const paper = await loraGaStart(found, G, { rank: 3 }, key, { indices: "random", scale: "unit" });
    // Bᵀ U says which directions B has: A's own, or others.
    const shared = async ({ lora_A, lora_B }: typeof paper) =>
      norm(
        await rowsOf(
          matmul(matmul(lora_B, found.u, { transposeA: true }), matmul(lora_A, found.v), {
            transposeB: true,
          }),
        ),
      );
    expect(await shared(paper)).toBeLessThan(1e-9);
    expect(await shared(twice)).toBeGreaterThan(1);
  });
});

describe("gradients of few directions", () => {
  test.each(GA_INDICES)("a rank below 2r, with %s: the rest is left, nothing is NaN", async (indices) => {
    const g = await evaluate(matmul(drawn(1, 9, 2), drawn(2, 2, 8)));
    const { lora_A, lora_B } = await loraGaStart(await directionsOf(g, 3), g, { rank: 3 }, key, {
      indices,
      scale: "unit",
    });
    expect(residual(await rowsOf(g), await rowsOf(lora_A), await rowsOf(lora_B))).toBeLessThan(1e-9);
  });

  test.each(GA_INDICES)(
    "2r above the smaller side, with %s: exact, and no pair of zeros",
    async (indices) => {
      const g = drawn(4, 4, 7);
      const { lora_A, lora_B } = await loraGaStart(await directionsOf(g, 3), g, { rank: 3 }, key, {
        indices,
        scale: "unit",
      });
      expect([lora_A.shape, lora_B.shape]).toEqual([
        [3, 7],
        [4, 3],
      ]);
      expect(residual(await rowsOf(g), await rowsOf(lora_A), await rowsOf(lora_B))).toBeLessThan(1e-9);
      const [a, b] = [await rowsOf(lora_A), await rowsOf(transpose(lora_B))];
      for (const [k, row] of a.entries()) expect(Math.hypot(...row, ...(b[k] ?? []))).toBeGreaterThan(0.5);
    },
  );
});

describe("an adapter", () => {
  const [O, I, r] = [24, 20, 2];
  const base = {
    up: { weight: wave(1, [O, I], "float32") },
    embed_tokens: { weight: wave(2, [6, 5], "float32") },
  };
  const x = wave(3, [40, I], "float32");
  const target = wave(4, [40, O], "float32");
  const loss = (w: Tensor): Tensor => sum(matmul(x, w, { transposeB: true }).sub(target).mul(0.1).tanh());
  let asked = 0;
  const gradients = async (adapter: Adapter): Promise<Adapter> => {
    asked += 1;
    const [a, b, s] = ["lora_A", "lora_B", "lora_scale"].map((leaf) => adapter[`up.${leaf}`]);
    if (!a || !b || !s) throw new Error("no factors");
    const found = grad((p: { a: Tensor; b: Tensor }) =>
      loss(lora.toDense({ weight: base.up.weight, lora_A: p.a, lora_B: p.b, lora_scale: s })),
    )({ a, b });
    return { "up.lora_A": found.a, "up.lora_B": found.b };
  };

  test("starts along the dense gradient that was never formed, as the base bit by bit", async () => {
    const config = { rank: r, alpha: 4, targets: ["up", "embed_tokens"] };
    const adapter = await loraGaAdapter(base, config, key, gradients, { scale: "unit" });
    expect(asked).toBe(6);
    const g = await evaluate(grad(loss)(base.up.weight));
    const expected = await loraGaStart(await directionsOf(g, r), base.up.weight, config, key, {
      scale: "unit",
    });
    const [a, b] = [adapter["up.lora_A"], adapter["up.lora_B"]];
    if (!a || !b) throw new Error("no factors");
    const projector = (t: Tensor) => matmul(t, t, { transposeA: true });
    expectClose(await list(projector(a)), await list(projector(expected.lora_A)), 2e-3);
    expectClose(await list(projector(transpose(b))), await list(projector(transpose(expected.lora_B))), 2e-3);
    const { params } = await merge(withAdapter(base, adapter));
    expect(await list(params.up.weight)).toEqual(await list(base.up.weight));
    expect(adapter["embed_tokens.lora_embedding_B"]?.shape).toEqual([5, r]);
  });
});

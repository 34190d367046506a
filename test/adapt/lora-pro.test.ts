// LoRA-Pro by its identities, in float64; scipy's solutions; a zero factor; and Adam of the dense matrix, by hand.
import { describe, expect, test } from "vitest";
import {
  equivalentGradient,
  loraPro,
  loraProAdam,
  PRO_CHOICES,
  proGradients,
  type ProPair,
} from "../../src/adapt/index.ts";
import { evaluate, matmul, random, type Tensor, tensor, transpose, zeros } from "../../src/tensor/index.ts";
import { adamStep, nearestGradient } from "../reference/lora-pro.ts";
import { methodsGolden, rowsOf, wave } from "../support/adapt-cases.ts";
import { expectClose, list } from "../support/check.ts";

const { O, I, R } = methodsGolden.sizes;
const golden = methodsGolden["lora-pro"];

/** Factors with the gradients that they have from a dense one. */
function pairOf(a: Tensor, b: Tensor, g: Tensor, scale: number): ProPair {
  return {
    a,
    b,
    gradA: matmul(b, g, { transposeA: true }).mul(scale),
    gradB: matmul(g, transpose(a)).mul(scale),
    scale,
  };
}
const g = wave(7, [O, I]);
const pair = pairOf(wave(2, [R, I]), wave(3, [O, R]), g, golden.scale);
const drawn = (seed: number, r: number, scale: number): { pair: ProPair; g: Tensor } => {
  const normal = (name: string, ...shape: number[]) =>
    random.normal(random.fold(random.key(seed), name), shape, { dtype: "float64" });
  const dense = normal("g", 13, 17);
  return { pair: pairOf(normal("a", r, 17), normal("b", 13, r), dense, scale), g: dense };
};
const inner = (x: Tensor, y: Tensor): Promise<number> => x.mul(y).sum().item();

describe("corrected gradients", () => {
  test.each(PRO_CHOICES)("%s is scipy's solution", async (choice) => {
    const [h] = await evaluate(proGradients([pair], choice));
    const expected = golden.choices[choice];
    expectClose(await list(h?.a ?? g), expected?.a.flat() ?? [], 1e-7);
    expectClose(await list(h?.b ?? g), expected?.b.flat() ?? [], 1e-7);
  });

  test.each(PRO_CHOICES)(
    "%s amounts to the nearest dense gradient that the factors can reach",
    async (choice) => {
      const near = nearestGradient(await rowsOf(g), await rowsOf(pair.a), await rowsOf(pair.b));
      const [h] = proGradients([pair], choice);
      if (!h) throw new Error("nothing");
      const found = await list(equivalentGradient(pair, h));
      expectClose(found, near.flat(), 1e-7);
      expectClose(found, golden.equivalent.flat(), 1e-7);
    },
  );

  test.each([1, 2, 3])("identities on numbers drawn with seed %d", async (seed) => {
    const { pair: p, g: dense } = drawn(seed, 3, 0.7);
    const all = await evaluate(
      PRO_CHOICES.map((choice) => proGradients([p], choice)[0] ?? { a: p.a, b: p.b }),
    );
    const equal = await evaluate(all.map((h) => equivalentGradient(p, h)));
    const size = Math.sqrt(await inner(dense, dense));
    for (const e of equal) {
      // What is left of G is orthogonal to both factors, and the loss falls by the square of the equivalent gradient.
      const left = e.sub(dense);
      expectClose(
        await list(matmul(p.b, left, { transposeA: true }).div(size)),
        Array<number>(3 * 17).fill(0),
        1e-7,
      );
      expectClose(await list(matmul(left, transpose(p.a)).div(size)), Array<number>(13 * 3).fill(0), 1e-7);
    }
    for (const [i, h] of all.entries()) {
      const falls = (await inner(p.gradA, h.a)) + (await inner(p.gradB, h.b));
      const square = await inner(equal[i] ?? dense, equal[i] ?? dense);
      expect(falls / square).toBeCloseTo(1, 7);
    }
    // sylvester is the nearest to the factors' own gradients; symmetric the most even.
    const distance = async (h: { a: Tensor; b: Tensor }) =>
      (await inner(h.a.sub(p.gradA), h.a.sub(p.gradA))) + (await inner(h.b.sub(p.gradB), h.b.sub(p.gradB)));
    const [sylvester, symmetric, zero] = await Promise.all(all.map(distance));
    expect(sylvester).toBeLessThanOrEqual(Math.min(symmetric ?? 0, zero ?? 0) * (1 + 1e-9));
    const unevenness = async ({ a, b }: { a: Tensor; b: Tensor }) => {
      const d = matmul(b, p.a).sub(matmul(p.b, a));
      return inner(d, d);
    };
    const [u0 = 0, u1 = 0, u2 = 0] = await Promise.all(all.map(unevenness));
    expect(u1).toBeLessThanOrEqual(Math.min(u0, u2) * (1 + 1e-9));
    // No worse than plain LoRA at its best scalar.
    const plain = await evaluate(equivalentGradient(p, { a: p.gradA, b: p.gradB }));
    const best = (await inner(plain, dense)) / (await inner(plain, plain));
    const rest = async (t: Tensor) => inner(t.sub(dense), t.sub(dense));
    expect(await rest(equal[0] ?? dense)).toBeLessThan(await rest(plain.mul(best)));
  });

  test("a change of gauge leaves the equivalent gradient as it is", async () => {
    const { pair: p, g: dense } = drawn(5, 2, 1.3);
    const turn = tensor(
      [
        [2, 1],
        [0.5, -1],
      ],
      { dtype: "float64" },
    );
    const back = tensor(
      [
        [0.4, 0.4],
        [0.2, -0.8],
      ],
      { dtype: "float64" },
    ); // turn's inverse
    const other = pairOf(matmul(turn, p.a), matmul(p.b, back), dense, 1.3);
    for (const choice of PRO_CHOICES) {
      const [x, y] = [p, other].map((q) => equivalentGradient(q, proGradients([q], choice)[0] ?? q));
      expectClose(await list(y ?? dense), await list(x ?? dense), 1e-6);
    }
  });

  test("beside a factor of zeros: nothing for A, s⁻² g_B (A Aᵀ)⁻¹ for B", async () => {
    const p = pairOf(wave(2, [R, I]), zeros([O, R], { dtype: "float64" }), g, 2);
    const [[p00 = 0, p01 = 0] = [], [, p11 = 0] = []] = await rowsOf(matmul(p.a, transpose(p.a)));
    const d = p00 * p11 - p01 * p01;
    const inverse = tensor(
      [
        [p11 / d, -p01 / d],
        [-p01 / d, p00 / d],
      ],
      { dtype: "float64" },
    );
    const expected = await list(matmul(p.gradB, inverse).div(4));
    for (const choice of PRO_CHOICES) {
      const [h] = await evaluate(proGradients([p], choice));
      expect((await list(h?.a ?? g)).every((v) => v === 0)).toBe(true);
      expectClose(await list(h?.b ?? g), expected, 1e-7);
    }
  });

  test("pairs of several ranks are solved as each alone; other choices are refused", async () => {
    const pairs = [drawn(1, 2, 1).pair, drawn(2, 3, 1).pair, drawn(3, 2, 2).pair];
    const together = await evaluate(proGradients(pairs));
    for (const [i, p] of pairs.entries())
      expectClose(await list(together[i]?.b ?? g), await list(proGradients([p])[0]?.b ?? g), 1e-9);
    expect(() => proGradients(pairs, "none" as "zero")).toThrow(
      'choice must be one of sylvester, symmetric, zero, got "none".',
    );
  });
});

describe("as rules", () => {
  const params = { "m.lora_A": pair.a, "m.lora_B": pair.b, "m.lora_magnitude": wave(1, [O]) };
  const grads = { "m.lora_A": pair.gradA, "m.lora_B": pair.gradB, "m.lora_magnitude": wave(9, [O]) };

  test("corrects the pairs and passes all else on", async () => {
    const { updates } = loraPro({ scale: golden.scale }).update(grads, {}, params);
    const [h] = proGradients([pair]);
    expectClose(await list(updates["m.lora_A"] ?? g), await list(h?.a ?? g), 0);
    expect(updates["m.lora_magnitude"]).toBe(grads["m.lora_magnitude"]);
  });

  test("Adam of the dense matrix, two steps by hand", async () => {
    const rule = loraProAdam({ scale: golden.scale, choice: "symmetric" });
    let state = rule.init(params);
    const equivalent = golden.equivalent.flat();
    let moments = equivalent.map(() => [0, 0] as [number, number]);
    for (const t of [1, 2]) {
      const result = rule.update(grads, state, params);
      state = result.state;
      const steps = moments.map(([m, v], i) => adamStep(equivalent[i] ?? 0, m, v, t));
      moments = steps.map(([m, v]) => [m, v]);
      const u = tensor(Float64Array.from(steps.map(([, , step]) => step)), {
        shape: [O, I],
        dtype: "float64",
      });
      const [h] = proGradients([pairOf(pair.a, pair.b, u, golden.scale)], "symmetric");
      expectClose(await list(result.updates["m.lora_A"] ?? g), await list(h?.a ?? g), 2e-5);
      expectClose(await list(result.updates["m.lora_B"] ?? g), await list(h?.b ?? g), 2e-5);
      expectClose(
        await list(state.m["m"] ?? g),
        moments.map(([m]) => m),
        1e-7,
      );
    }
  });
});

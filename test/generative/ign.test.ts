// Idempotence: the copy-free graph against the paper's frozen copy, closed forms, routing, and the ring of the notes.
import { describe, expect, test } from "vitest";
import {
  ganLosses,
  IGN_DEFAULTS,
  type IgnClamp,
  ignLosses,
  type IgnOptions,
  iterate,
  softClamp,
  spectralMoments,
  spectralNoise,
} from "../../src/generative/index.ts";
import { linear, type LinearParams } from "../../src/nn/index.ts";
import {
  compile,
  evaluate,
  flattenTree,
  grad,
  matmul,
  random,
  stopGradient,
  tanh,
  type Tensor,
  tensor,
  valueAndGrad,
  zipTrees,
} from "../../src/tensor/index.ts";
import { inverseFourier, linearIgn } from "../reference/generative.ts";
import { expectClose, list, pair, sample } from "../support/check.ts";
import { golden, leaf } from "./golden.ts";

interface Net {
  readonly up: LinearParams;
  readonly down: LinearParams;
}
const at = (name: string): Tensor => leaf(golden.ign.params[name] ?? { shape: [0], data: [] });
const net: Net = {
  up: { weight: at("up.weight"), bias: at("up.bias") },
  down: { weight: at("down.weight"), bias: at("down.bias") },
};
const apply = (p: Net, x: Tensor): Tensor => x.add(linear(p.down, tanh(linear(p.up, x))));
const [x, z] = [leaf(golden.ign.x), leaf(golden.ign.z)];

const clampOf = (rho: "data" | "noise" | "batch" | null, through: boolean): IgnClamp =>
  rho === null ? { type: "none" } : { type: "tanh", a: 1.5, rho, through };

test("one graph without a copy has the values and gradients of PyTorch with a frozen copy, for every ρ", async () => {
  const all = golden.ign.rows.map(({ distance, rho, through }) =>
    valueAndGrad((p: Net) => ignLosses((v) => apply(p, v), x, z, { distance, clamp: clampOf(rho, through) }))(
      net,
    ),
  );
  const got = await evaluate(all);
  expect(golden.ign.rows.length).toBe(21);
  for (const [i, row] of golden.ign.rows.entries()) {
    const what = `${row.distance}, ρ ${String(row.rho)}${row.through ? ", through ρ" : ""}`;
    const found = got[i];
    if (found === undefined) throw new Error(what);
    const { value, grad: slope } = found;
    for (const name of ["reconstruction", "idempotence", "tightness"] as const)
      expectClose([await value[name].item()], [row[name]], 1e-12, `${what}: ${name}`);
    for (const [name, s] of flattenTree(slope))
      expectClose(await s.data(), row.gradient[name]?.data ?? [], 1e-9, `${what}: ${name}`);
  }
});

test("the same within this library: parameters of the copy stopped, whatever the weights", async () => {
  const d = (a: Tensor, b: Tensor): Tensor => a.sub(b).square().mean({ axis: 1 });
  const weights = [3, 7, 0.5] as const;
  const withCopy = (p: Net): Tensor => {
    const frozen = stopGradient(p);
    const y = apply(p, z);
    const outer = stopGradient(y);
    const tight = softClamp(d(apply(p, outer), outer).neg(), stopGradient(d(y, z)), 1.5);
    return d(apply(p, x), x)
      .mean()
      .mul(3)
      .add(d(apply(frozen, y), y).mean().mul(7))
      .add(tight.mean().mul(0.5));
  };
  const without = (p: Net): Tensor => ignLosses((v) => apply(p, v), x, z, { distance: "l2", weights }).loss;
  const got = await evaluate({ a: grad(withCopy)(net), b: grad(without)(net) });
  for (const [name, a] of flattenTree(got.a)) {
    const b = new Map(flattenTree(got.b)).get(name);
    expectClose(await a.data(), await list(b ?? a.mul(0)), 1e-11, name);
  }
});

describe("a linear network", () => {
  const W = sample([3, 3], { seed: "W" });
  const one = sample([1, 3], { seed: "z" });
  const rows = (data: readonly number[]): number[][] => [0, 1, 2].map((i) => data.slice(3 * i, 3 * i + 3));
  const of = (weights: IgnOptions["weights"]) => (w: Tensor) =>
    ignLosses((v) => matmul(v, w, { transposeB: true }), one.x, one.x, {
      distance: "squared",
      weights,
      clamp: { type: "none" },
    }).loss;

  test("has the closed forms: inner application and target move idempotence, the outer one tightness", async () => {
    const expected = linearIgn(rows(W.ref.data), one.ref.data);
    const got = await evaluate({ i: grad(of([0, 1, 0]))(W.x), t: grad(of([0, 0, 1]))(W.x) });
    expectClose(await got.i.data(), expected.idempotence.flat(), 1e-10, "idempotence");
    expectClose(await got.t.data(), expected.tightness.flat(), 1e-10, "tightness");
  });

  test("idempotence has the value 0 in the loss, and a gradient that is not", async () => {
    expect(Math.abs(await of([0, 1, 0])(W.x).item())).toBeLessThan(1e-12);
  });

  test("that is the identity loses nothing; one that projects loses neither reconstruction nor idempotence", async () => {
    const eye = pair([3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1]).x;
    const onto = pair([3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 0]).x;
    const flat = pair([2, 3], [1, 2, 0, -3, 1, 0]).x;
    const by = (w: Tensor) => (v: Tensor) => matmul(v, w, { transposeB: true });
    const zero = await evaluate(ignLosses(by(eye), one.x, one.x));
    for (const t of Object.values(zero)) expect(Math.abs(await (t as Tensor).item())).toBe(0);
    const { reconstruction, idempotence } = await evaluate(ignLosses(by(onto), flat, sample([2, 3]).x));
    expect([await reconstruction.item(), await idempotence.item()]).toEqual([0, 0]);
    const [, first, second] = iterate(by(onto), one.x, 2);
    expectClose(await (second as Tensor).data(), await list(first as Tensor), 0);
  });
});

test("the clamp is odd, has slope 1 at 0, and stays below aρ, at ρ = 0 too", async () => {
  const rho = tensor(Float64Array.of(0.3, 0.3, 0.3, 0), { shape: [4] });
  const v = tensor(Float64Array.of(50, -50, 1e-7, -1), { shape: [4] });
  const got = await list(softClamp(v, rho, 1.5));
  expect(got[0]).toBeCloseTo(0.45, 11);
  expect(got[1]).toBeCloseTo(-0.45, 11);
  expect((got[2] ?? 0) / 1e-7).toBeCloseTo(1, 9);
  expect(Math.abs(got[3] ?? 1)).toBeLessThan(1e-11);
});

test("spectral noise is the inverse transform, and has the moments of the data", async () => {
  const data = sample([3, 1, 4, 6], { seed: "images" }).x;
  const moments = await evaluate(spectralMoments(data));
  // No deviation: the noise is the mean image, which the mean spectrum gives back.
  const still = {
    re: { ...moments.re, deviation: moments.re.deviation.mul(0) },
    im: { ...moments.im, deviation: moments.im.deviation.mul(0) },
  };
  const noise = spectralNoise(random.key(3), still, 2);
  const mean = await list(data.mean({ axis: 0 }));
  expectClose(await noise.data(), [...mean, ...mean], 1e-12);
  const rows = async (t: Tensor): Promise<number[][]> => {
    const all = await list(t);
    return [0, 1, 2, 3].map((i) => all.slice(6 * i, 6 * i + 6));
  };
  expectClose(inverseFourier(await rows(moments.re.mean), await rows(moments.im.mean)).flat(), mean, 1e-12);
});

test("a GAN's losses at logits of zero, and their signs", async () => {
  const zero = pair([2], [0, 0]).x;
  const { discriminator, generator } = ganLosses(zero, zero);
  expect(await discriminator.item()).toBeCloseTo(2 * Math.LN2, 12);
  expect(await generator.item()).toBeCloseTo(Math.LN2, 12);
  const slope = await grad((m: Tensor) => ganLosses(zero, m).generator)(zero).data();
  expect(Number(slope[0])).toBeLessThan(0);
});

test("weights and a that mean nothing are refused", () => {
  expect(() => ignLosses((v) => v, x, z, { weights: [1, -1, 0] })).toThrow(
    "ignLosses: weights must be three numbers ≥ 0, got 1, -1, 0.",
  );
  expect(() =>
    ignLosses((v) => v, x, z, { clamp: { type: "tanh", a: 0, rho: "data", through: false } }),
  ).toThrow("ignLosses: a must be above 0, got 0.");
});

test("on a ring, tightness is what draws: without it the network stays the identity it began as", async () => {
  const far = async (weights: IgnOptions["weights"]): Promise<number> => {
    const { params, sample: draw } = await trainRing(weights, 250);
    const y = await list(compiledRadius(params, draw));
    return y.reduce((a, r) => a + Math.abs(r - 2), 0) / y.length;
  };
  const [without, drawn] = [await far([20, 20, 0]), await far(IGN_DEFAULTS.weights)];
  expect(without).toBeGreaterThan(0.7);
  expect(drawn).toBeLessThan(0.6 * without);
});

function compiledRadius(p: Ring, draw: Tensor): Tensor {
  return ring(p, draw).square().sum({ axis: 1 }).sqrt();
}

interface Ring {
  readonly a: LinearParams;
  readonly b: LinearParams;
  readonly c: LinearParams;
}
const leaky = (v: Tensor): Tensor => v.relu().sub(v.neg().relu().mul(0.2));
const ring = (p: Ring, v: Tensor): Tensor => linear(p.c, leaky(linear(p.b, leaky(linear(p.a, v)))));

/** 2-64-64-2 by Adam: 150 steps towards the identity, then `steps` of the method; batch 128. */
async function trainRing(
  weights: IgnOptions["weights"],
  steps: number,
): Promise<{ params: Ring; sample: Tensor }> {
  const key = random.key(7);
  const layer = (name: string, out: number, from: number): LinearParams => ({
    weight: random.normal(random.fold(key, name), [out, from], { std: Math.sqrt(2 / from) }),
    bias: random.normal(random.fold(key, `${name}b`), [out], { std: 0.01 }),
  });
  type State = { p: Ring; m: Ring; v: Ring };
  const params: Ring = { a: layer("a", 64, 2), b: layer("b", 64, 64), c: layer("c", 2, 64) };
  const none = zipTrees(params, params, (t) => t.mul(0)) as Ring;
  const step = (loss: (p: Ring, data: Tensor, noise: Tensor) => Tensor) =>
    compile(
      ({ p, m, v }: State, data: Tensor, noise: Tensor, fix: Tensor): State => {
        const g = grad((q: Ring) => loss(q, data, noise))(p);
        const m2 = zipTrees(m, g, (a, b) => a.mul(0.5).add(b.mul(0.5))) as Ring;
        const v2 = zipTrees(v, g, (a, b) => a.mul(0.999).add(b.square().mul(0.001))) as Ring;
        const moved = zipTrees(m2, v2, (a, b) => a.div(b.mul(fix).sqrt().add(1e-8)).mul(2e-3)) as Ring;
        return { p: zipTrees(p, moved, (a, b) => a.sub(b)) as Ring, m: m2, v: v2 };
      },
      { threads: 1 },
    );
  const identity = step((p, _, noise) => ring(p, noise).sub(noise).square().mean());
  const method = step(
    (p, data, noise) =>
      ignLosses((t) => ring(p, t), data, noise, { distance: "squared", weights, clamp: { type: "none" } })
        .loss,
  );
  let state: State = { p: params, m: none, v: none };
  for (let i = 0; i < 150 + steps; i++) {
    const at = random.fold(key, i);
    const angle = random.uniform(random.fold(at, "angle"), [128, 1], { high: 2 * Math.PI });
    const data = await evaluate(
      matmul(angle.cos(), tensor([[2, 0]])).add(matmul(angle.sin(), tensor([[0, 2]]))),
    );
    const noise = random.normal(random.fold(at, "noise"), [128, 2]);
    const fix = tensor(1 / (1 - 0.999 ** (i + 1)));
    state = await (i < 150 ? identity : method)(state, data, noise, fix);
  }
  return { params: state.p, sample: random.normal(random.fold(key, "held"), [512, 2]) };
}

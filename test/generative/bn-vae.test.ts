// Posteriors against the formula, PyTorch and their floors.
import { expect, test } from "vitest";
import {
  activeUnits,
  aggregateMoments,
  annealed,
  divergenceFloor,
  divergenceLoss,
  featureMoments,
  frechetDistance,
  gaussianDivergence,
  importanceBound,
  learnPosterior,
  mutualInformation,
  posterior,
  type PosteriorConfig,
  posteriorParameters,
  type PosteriorParams,
  scalerGains,
} from "../../src/generative/index.ts";
import { initial, treeOf } from "../../src/nn/index.ts";
import {
  evaluate,
  flattenTree,
  full,
  grad,
  mapTree,
  random,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { meanDivergence, normalisedColumns } from "../reference/generative.ts";
import { expectClose, list, sample } from "../support/check.ts";
import { golden, leaf } from "./golden.ts";

const g = golden.bnVae;
const outputs = { mean: leaf(g["mean"] as never), spread: leaf(g["spread"] as never) };
const at = (name: string): Tensor =>
  leaf((g as unknown as Record<string, Parameters<typeof leaf>[0]>)[name] ?? { shape: [0], data: [] });
const rowsOf = (x: { ref: { shape: readonly number[]; data: readonly number[] } }): number[][] => {
  const [B = 0, D = 0] = x.ref.shape;
  return Array.from({ length: B }, (_, b) => x.ref.data.slice(b * D, (b + 1) * D));
};

test("BN-VAE's posterior, its divergence and free nats are PyTorch's", async () => {
  const q = posterior({ type: "bn", gamma: g.gamma }, { beta: at("beta") }, outputs, { train: true });
  const free = divergenceLoss(q, { freeNats: 0.4 });
  const got = await evaluate({
    mean: q.mean,
    kl: gaussianDivergence(q),
    free,
    mutual: mutualInformation(q, at("z")),
  });
  expectClose(await got.mean.data(), await list(at("bn")), 1e-12, "mean");
  expectClose(await got.kl.data(), await list(at("kl")), 1e-12, "divergence");
  expectClose([await got.free.item()], await list(at("free")), 1e-12, "free nats");
  expectClose([await got.mutual.item()], await list(at("mutual")), 1e-12, "mutual information");
});

test("the scaler's posterior is PyTorch's; its deviation has both signs", async () => {
  const q = posterior({ type: "scaler", tau: g.tau }, { theta: at("theta") }, outputs, { train: true });
  const got = await evaluate({ mean: q.mean, deviation: q.deviation });
  expectClose(await got.mean.data(), await list(at("scalerMean")), 1e-12);
  const deviations = await list(got.deviation);
  expectClose(deviations, await list(at("scalerDeviation")), 1e-12);
  expect(Math.min(...deviations)).toBeLessThan(0);
});

test("the Fréchet distance is that of the square root of the product; 0 between like and like", async () => {
  const [a, b] = [featureMoments(outputs.mean), featureMoments(outputs.spread)];
  expectClose([await frechetDistance(a, b)], await list(at("frechet")), 1e-9);
  expect(await frechetDistance(a, a)).toBeLessThan(1e-9);
});

test.each([0.3, 0.5, 0.7])(
  "whatever the encoder says, γ = %d keeps the divergence above its floor",
  async (gamma) => {
    for (const seed of ["a", "b", "c"]) {
      const [mean, spread] = [
        sample([16, 4], { seed, low: -1e-3, high: 1e-3 }),
        sample([16, 4], { seed: `${seed}s` }),
      ];
      const config: PosteriorConfig = { type: "bn", gamma };
      const q = posterior(config, {}, { mean: mean.x, spread: spread.x }, { train: true });
      const kl = await divergenceLoss(q).item();
      const floor = divergenceFloor(config, 4);
      expect(kl).toBeGreaterThan(floor * 0.99);
      // The part of the means alone is the floor, to the ε of the norm: variance 3e-7 against 1e-8.
      const part = await q.mean.square().mean({ axis: 0 }).sum().mul(0.5).item();
      expect(part).toBeGreaterThan(0.96 * floor);
      expect(part).toBeLessThanOrEqual(floor);
      const normal = normalisedColumns(rowsOf(mean), gamma, 0, 1e-8);
      expectClose([kl], [meanDivergence(normal, rowsOf(spread))], 1e-9);
    }
  },
);

test("the usual ε of 1e-5 voids the floor where the means are tiny", async () => {
  const mean = sample([64, 1], { low: -1.7e-3, high: 1.7e-3 }).x;
  const of = async (epsilon: number): Promise<number> => {
    const q = posterior({ type: "bn", gamma: 0.5 }, {}, { mean, spread: mean }, { train: true, epsilon });
    return q.mean.variance().item();
  };
  expect(await of(1e-5)).toBeLessThan(0.05);
  expect(await of(1e-8)).toBeGreaterThan(0.24);
});

test("the scaler: gains on the circle, aggregate moments 0 and 1, divergence −½ Σ E log σ²", async () => {
  const theta = sample([4], { low: -3, high: 3 }).x;
  const { ofMean, ofDeviation } = scalerGains(0.5, theta);
  expectClose(await ofMean.square().add(ofDeviation.square()).data(), [1, 1, 1, 1], 1e-14);
  const raw = { mean: sample([512, 4], { seed: "m" }).x, spread: sample([512, 4], { seed: "s" }).x };
  const config: PosteriorConfig = { type: "scaler", tau: 0.5 };
  const q = posterior(config, { theta }, raw, { train: true });
  const { first, second } = aggregateMoments(q);
  expect(Math.abs(await first.item())).toBeLessThan(1e-10);
  expect(Math.abs((await second.item()) - 1)).toBeLessThan(1e-6);
  const kl = await divergenceLoss(q).item();
  const identity = await q.logVariance.mean({ axis: 0 }).sum().mul(-0.5).item();
  expect(Math.abs(kl - identity)).toBeLessThan(1e-5);
  const level = posterior(config, {}, raw, { train: true });
  expect(await divergenceLoss(level).item()).toBeGreaterThan(divergenceFloor(config, 4));
  expect(divergenceFloor(config, 1)).toBeCloseTo(Math.log(2), 12);
});

test("β and θ are learnt, γ is no parameter, running moments no gradient moves", async () => {
  const names = (config: PosteriorConfig): string[] =>
    Object.entries(posteriorParameters(config, 3)).flatMap(([name, { by }]) =>
      by === undefined ? [name] : [],
    );
  expect(names({ type: "plain" })).toEqual([]);
  expect(names({ type: "bn", gamma: 0.5 })).toEqual(["beta"]);
  expect(names({ type: "scaler", tau: 0.5 })).toEqual(["theta"]);
  const config: PosteriorConfig = { type: "scaler", tau: 0.5 };
  const params = fresh(config, 3);
  const slopes = grad((p: PosteriorParams) =>
    divergenceLoss(posterior(config, p, { mean: outputs.mean, spread: outputs.spread }, { train: true })),
  )(params);
  for (const [name, slope] of flattenTree(slopes)) {
    const size = await slope.abs().sum().item();
    if (name === "theta") expect(size).toBeGreaterThan(1e-3);
    else expect(size, name).toBe(0);
  }
});

function fresh(config: PosteriorConfig, D: number): PosteriorParams {
  const key = random.key(1);
  const tree = treeOf(
    Object.entries(posteriorParameters(config, D)).map(([name, p]) => [
      name,
      initial(p, random.fold(key, name)),
    ]),
  ) as PosteriorParams;
  return mapTree(tree, (t) => t.cast("float64"));
}

test("running moments go towards those of the batches, and then stand in for them", async () => {
  const config: PosteriorConfig = { type: "bn", gamma: 0.5 };
  let params = fresh(config, 3);
  for (let i = 0; i < 120; i++) {
    params = await evaluate(learnPosterior(params, posterior(config, params, outputs, { train: true }).seen));
  }
  const [train, later] = [true, false].map((t) => posterior(config, params, outputs, { train: t }).mean);
  expectClose(await (later as Tensor).data(), await list(train as Tensor), 1e-4);
  const two = posterior(config, params, outputs, { train: true }).seen;
  const doubled = mapTree(two, (t) => t.mul(2)); // the sums of two like parts
  const [a, b] = [learnPosterior(params, two), learnPosterior(params, doubled)];
  expectClose(await list(a.means?.mean ?? two.batches), await list(b.means?.mean ?? two.batches), 1e-14);
});

test("measures: units that vary, at most log N nats, bounds that tighten", async () => {
  const mean = tensor(Float64Array.from([0, 1, 5, 0, -1, 5, 0, 1, 5, 0, -1, 5]), { shape: [4, 3] });
  expect(await activeUnits(mean).item()).toBe(1);
  const apart = { mean: mean.mul(50), logVariance: full([4, 3], -8, { dtype: "float64" }) };
  const told = await mutualInformation(apart, apart.mean).item();
  expect(told).toBeCloseTo(Math.log(2), 6); // two pairs of equal rows
  const weights = sample([64, 5]).x;
  const bounds = await Promise.all([1, 8, 64].map((k) => importanceBound(weights.narrow(0, 0, k)).item()));
  expect(bounds[0]).not.toBe(bounds[2]);
  const loosest = await weights.mean().neg().item();
  expect(bounds[2]).toBeLessThan(loosest); // Jensen
});

test("annealing rises to one and stays", () => {
  expect([0, 5, 10, 20].map((s) => annealed(s, 10))).toEqual([0, 0.5, 1, 1]);
  expect([annealed(0, 0), annealed(0, 10, 0.2)]).toEqual([1, 0.2]);
});

test("what cannot be a posterior is refused", () => {
  const one = { mean: sample([1, 2]).x, spread: sample([1, 2]).x };
  expect(() => posterior({ type: "bn", gamma: 0.5 }, {}, one, { train: true })).toThrow(
    "posterior: a batch must hold two examples or more to be normalised, got 1.",
  );
  expect(() => posteriorParameters({ type: "bn", gamma: 0 }, 2)).toThrow(
    'posteriorParameters: gamma must be above 0, got 0. Use type "plain" for none.',
  );
  expect(() => posteriorParameters({ type: "scaler", tau: 1 }, 2)).toThrow(
    "posteriorParameters: tau must be between 0 and 1, got 1.",
  );
  expect(() => posterior({ type: "bn", gamma: 1 }, {}, one, { train: false })).toThrow(
    "running moments must be given",
  );
});

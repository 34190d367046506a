// Variational auto-encoders of pictures: plain, and with a posterior that is normalised over the batch
// (`generative/bn-vae.ts`). Annealing and free nats stand beside either.
import {
  annealed,
  checkPosterior,
  divergenceFloor,
  divergenceLoss,
  gaussianDivergence,
  gaussianLogDensity,
  importanceBound,
  learnPosterior,
  mutualInformation,
  normalLogDensity,
  type Posterior,
  posterior,
  type PosteriorConfig,
  posteriorParameters,
  type PosteriorParams,
  type SeenMoments,
} from "../../../generative/index.ts";
import { compile, random, sigmoid, stack, type Tensor } from "../../../tensor/index.ts";
import type { Found } from "../../task.ts";
import type { ImageFieldsOf } from "../fields.ts";
import {
  checkLatent,
  type FromLatent,
  fromLatent,
  fromLatentParameters,
  latentField,
  type LatentFields,
  type ToLatent,
  toLatent,
  toLatentParameters,
} from "../latent.ts";
import type { ImageBatch, ImageMethod, ImageSpace } from "../method.ts";
import { networkFields } from "../network.ts";
import { pixelCount } from "../pixels.ts";

/** What every variational auto-encoder is told. */
interface VariationalFields extends LatentFields {
  /** Steps in which the weight of the divergence rises from 0 to 1. */
  readonly anneal: number;
  /** Nats of each dimension that cost nothing. */
  readonly free: number;
}

export interface VaeConfig extends VariationalFields {
  readonly type: "vae";
}

export interface BnVaeConfig extends VariationalFields {
  readonly type: "bn-vae";
  readonly form: "bn" | "scaler";
  readonly gamma: number;
  readonly tau: number;
}

interface Params {
  readonly encoder: ToLatent;
  readonly decoder: FromLatent;
  readonly posterior?: PosteriorParams;
  /** Batches seen, `[1]`: what annealing goes by. */
  readonly steps: Tensor;
}

const variationalFields: ImageFieldsOf<VariationalFields & { type: string }> = {
  latent: latentField,
  anneal: {
    about: "steps in which the divergence comes to its weight",
    low: 0,
    high: Infinity,
    usual: 0,
    whole: true,
  },
  free: { about: "nats of each dimension that cost nothing", low: 0, high: Infinity, usual: 0 },
  ...networkFields,
};

/** Samples behind the bound of the negative log-likelihood. */
const SAMPLES = 4;

/** The posterior of a configuration. */
const kindOf = (config: VaeConfig | BnVaeConfig): PosteriorConfig =>
  config.type === "vae"
    ? { type: "plain" }
    : config.form === "bn"
      ? { type: "bn", gamma: config.gamma }
      : { type: "scaler", tau: config.tau };

/** `−log p(x | z)` in nats of each picture, `[B]`: brightness counts as the probability of a white pixel. */
function missed(logits: Tensor, pixels: Tensor): Tensor {
  return logits
    .softplus()
    .sub(pixels.mul(logits))
    .sum({ axis: [1, 2, 3] });
}

/** Both methods, from what differs. */
function variational<C extends VaeConfig | BnVaeConfig>(
  about: string,
  needs: ImageFieldsOf<C>,
  type: C["type"],
): ImageMethod<C, Params, SeenMoments> {
  const found = (c: C, s: ImageSpace, p: Params, pixels: Tensor, train: boolean): Posterior => {
    const { mean, spread } = toLatent(c, s, p.encoder, pixels) as { mean: Tensor; spread: Tensor };
    return posterior(kindOf(c), p.posterior ?? {}, { mean, spread }, { train });
  };
  const drawn = (q: Posterior, key: random.AnyKey): Tensor =>
    q.mean.add(q.deviation.mul(random.normal(key, q.mean.shape)));
  const noiseOf = (batch: ImageBatch, name: string | number): Tensor =>
    random.fold(random.fold(batch.key, "posterior"), name);
  return {
    type,
    about,
    needs,
    training: { rate: 1e-3, batch: 64, warmup: 20, optimizer: { type: "adamw", beta2: 0.99, decay: 0 } },
    validation: "elboLoss",
    check(c, s) {
      checkLatent(c, s);
      checkPosterior("images", kindOf(c));
    },
    parameters: (c, s) => ({
      ...toLatentParameters("encoder", c, s, { mean: c.latent, spread: c.latent }),
      ...fromLatentParameters("decoder", c, s, c.latent),
      ...Object.fromEntries(
        Object.entries(posteriorParameters(kindOf(c), c.latent)).map(([n, p]) => [`posterior.${n}`, p]),
      ),
      steps: { shape: [1], init: "zeros", by: "average" },
    }),
    losses: {
      loss(c, s, p, batch): Found<SeenMoments> {
        const q = found(c, s, p, batch.pixels, true);
        const logits = fromLatent(c, s, p.decoder, drawn(q, noiseOf(batch, 0)));
        const error = missed(logits, batch.pixels).mean();
        const weight = c.anneal === 0 ? 1 : p.steps.sum().div(c.anneal).clip(0, annealed(c.anneal, c.anneal));
        const loss = error.add(divergenceLoss(q, { weight, freeNats: c.free }));
        return { loss, shown: error.add(divergenceLoss(q)), seen: q.seen };
      },
    },
    learn: (_, __, p, seen) => ({
      ...p,
      steps: p.steps.add(1),
      ...(p.posterior && { posterior: learnPosterior(p.posterior, seen) }),
    }),
    measure(c, s, p, batch) {
      const q = found(c, s, p, batch.pixels, false);
      const z = Array.from({ length: SAMPLES }, (_, k) => drawn(q, noiseOf(batch, k)));
      const errors = z.map((zk) => missed(fromLatent(c, s, p.decoder, zk), batch.pixels));
      const weights = z.map((zk, k) =>
        normalLogDensity(zk)
          .sub(gaussianLogDensity(q, zk))
          .sub(errors[k] as Tensor),
      );
      const back = sigmoid(fromLatent(c, s, p.decoder, q.mean));
      const B = Number(batch.pixels.shape[0]);
      return {
        squares: back.sub(batch.pixels).square().sum(),
        error: (errors[0] as Tensor).sum(),
        kl: gaussianDivergence(q).sum(),
        nll: importanceBound(stack(weights)).mul(B),
        mutual: mutualInformation(q, z[0] as Tensor).mul(B),
        means: q.mean.sum({ axis: 0 }),
        meanSquares: q.mean.square().sum({ axis: 0 }),
        variances: q.logVariance.exp().sum({ axis: 0 }),
      };
    },
    figures(c, s, sums, count) {
      const one = (name: string): number => (sums[name]?.[0] ?? 0) / count;
      const each = (name: string): number[] => Array.from(sums[name] ?? [], (v) => v / count);
      const means = each("means");
      const seconds = each("meanSquares");
      const average = (values: readonly number[]): number =>
        values.reduce((a, b) => a + b, 0) / values.length;
      return {
        reconstructionMse: one("squares") / pixelCount(s),
        elboLoss: one("error") + one("kl"),
        kl: one("kl"),
        klFloor: divergenceFloor(kindOf(c), c.latent),
        nll: one("nll"),
        mutualInformation: one("mutual"),
        activeUnits: seconds.filter((v, j) => v - (means[j] ?? 0) ** 2 > 0.01).length,
        aggregateMean: average(means),
        aggregateSquare: average(seconds.map((v, j) => v + (each("variances")[j] ?? 0))),
      };
    },
    reconstruct: (c, s, p, { pixels }) =>
      sigmoid(fromLatent(c, s, p.decoder, found(c, s, p, pixels, false).mean)),
    encode: (c, s, p, pixels) => found(c, s, p, pixels, false).mean,
    decode: (c, s, p, z) => sigmoid(fromLatent(c, s, p.decoder, z)),
    sampler(c, s, on) {
      const program = compile((p: Params, z: Tensor) => sigmoid(fromLatent(c, s, p.decoder, z)), on);
      return {
        draw: (p, { count, key, temperature = 1 }) =>
          program(p, random.normal(random.fold(key, "latent"), [count, c.latent], { std: temperature })),
        release: () => program.release(),
      };
    },
  };
}

export const vae: ImageMethod<VaeConfig, Params, SeenMoments> = variational<VaeConfig>(
  "variational auto-encoder (Kingma and Welling 2013), with annealing or free nats",
  variationalFields,
  "vae",
);

export const bnVae: ImageMethod<BnVaeConfig, Params, SeenMoments> = variational<BnVaeConfig>(
  "variational auto-encoder whose posterior is normalised over the batch (Zhu et al. 2020; Su 2020)",
  {
    form: { about: "bn: γ frozen, β learnt; scaler: τ and a learnt θ", words: ["bn", "scaler"], usual: "bn" },
    gamma: { about: "gain of the means, for bn", low: 1e-3, high: 100, usual: 0.5 },
    tau: { about: "least share of the means, for the scaler", low: 1e-3, high: 0.999, usual: 0.5 },
    ...variationalFields,
  },
  "bn-vae",
);

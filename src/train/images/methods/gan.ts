// A generative adversarial network, beside the idempotent one and of its size: its discriminator is that one's encoder, its
// generator that one's decoder. Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661
import { ganLosses } from "../../../generative/index.ts";
import { compile, random, sigmoid, stopGradient, type Tensor } from "../../../tensor/index.ts";
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

export interface GanConfig extends LatentFields {
  readonly type: "gan";
}

interface Params {
  readonly discriminator: ToLatent;
  readonly generator: FromLatent;
}

const made = (c: GanConfig, s: ImageSpace, { generator }: Params, z: Tensor): Tensor =>
  sigmoid(fromLatent(c, s, generator, z));

const judged = (c: GanConfig, s: ImageSpace, { discriminator }: Params, pixels: Tensor): Tensor =>
  (toLatent(c, s, discriminator, pixels) as { logit: Tensor }).logit;

const noise = (c: GanConfig, { pixels, key }: ImageBatch): Tensor =>
  random.normal(random.fold(key, "latent"), [Number(pixels.shape[0]), c.latent]);

export const gan: ImageMethod<GanConfig, Params> = {
  type: "gan",
  about: "generative adversarial network (Goodfellow et al. 2014), the generator's loss non-saturating",
  needs: { latent: { ...latentField, usual: 64 } as typeof latentField, ...networkFields },
  training: {
    rate: 2e-4,
    batch: 64,
    warmup: 20,
    optimizer: { type: "adamw", beta1: 0.5, beta2: 0.999, decay: 0 },
  },
  check: checkLatent,
  parameters: (c, s) => ({
    ...toLatentParameters("discriminator", c, s, { logit: 1 }),
    ...fromLatentParameters("generator", c, s, c.latent),
  }),
  losses: {
    generator: (c, s, p, batch) => {
      const logits = judged(c, s, p, made(c, s, p, noise(c, batch)));
      return { loss: ganLosses(logits, logits).generator };
    },
    discriminator: (c, s, p, batch) => ({
      loss: ganLosses(
        judged(c, s, p, batch.pixels),
        judged(c, s, p, stopGradient(made(c, s, p, noise(c, batch)))),
      ).discriminator,
    }),
  },
  groups: {
    generator: (name) => name.startsWith("generator."),
    discriminator: (name) => name.startsWith("discriminator."),
  },
  measure(c, s, p, batch) {
    const positive = (logits: Tensor): Tensor => logits.sign().add(1).mul(0.5).sum();
    return {
      real: positive(judged(c, s, p, batch.pixels)),
      made: positive(judged(c, s, p, made(c, s, p, noise(c, batch)))),
    };
  },
  figures: (_, __, sums, count) => ({
    realTakenForReal: (sums["real"]?.[0] ?? 0) / count,
    madeTakenForReal: (sums["made"]?.[0] ?? 0) / count,
  }),
  sampler(c, s, on) {
    const program = compile((p: Params, z: Tensor) => made(c, s, p, z), on);
    return {
      draw: (p, { count, key, temperature = 1 }) =>
        program(p, random.normal(random.fold(key, "latent"), [count, c.latent], { std: temperature })),
      release: () => program.release(),
    };
  },
};

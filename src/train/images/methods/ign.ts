// The idempotent generative network (`generative/ign.ts`) on an encoder and a decoder without norms: what a norm over a
// batch keeps would differ between the applications of one step.
import {
  type IgnClamp,
  ignLosses,
  type IgnOptions,
  spectralMoments,
  spectralNoise,
} from "../../../generative/index.ts";
import { compile, concat, evaluate, random, sigmoid, type Tensor } from "../../../tensor/index.ts";
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
import type { ImageMethod, ImageSpace } from "../method.ts";
import { networkFields } from "../network.ts";
import { pixelCount } from "../pixels.ts";

export interface IgnConfig extends LatentFields {
  readonly type: "ign";
  readonly distance: "l1" | "l2";
  readonly reconstruction: number;
  readonly idempotence: number;
  readonly tightness: number;
  /** What bounds the tightness, or nothing. */
  readonly rho: "noise" | "data" | "batch" | "none";
  readonly through: boolean;
  readonly a: number;
  readonly noise: "spectral" | "gaussian";
  /** Applications of the network to noise when pictures are drawn. */
  readonly times: number;
}

/** Mean and deviation of spectra over the first batches, by which noise is drawn. */
interface Spectrum {
  readonly re: { readonly mean: Tensor; readonly deviation: Tensor };
  readonly im: { readonly mean: Tensor; readonly deviation: Tensor };
}

interface Params {
  readonly encoder: ToLatent;
  readonly decoder: FromLatent;
  readonly spectrum: Spectrum;
}

/** `f` on pictures in `[−1, 1]`, in which zero is grey. */
const apply =
  (c: IgnConfig, s: ImageSpace, p: Params) =>
  (x: Tensor): Tensor => {
    const { z } = toLatent(c, s, p.encoder, x.mul(0.5).add(0.5)) as { z: Tensor };
    return sigmoid(fromLatent(c, s, p.decoder, z))
      .mul(2)
      .sub(1);
  };

const signed = (pixels: Tensor): Tensor => pixels.mul(2).sub(1);
const unsigned = (x: Tensor): Tensor => x.mul(0.5).add(0.5);

function clampOf({ rho, a, through }: IgnConfig): IgnClamp {
  return rho === "none" ? { type: "none" } : { type: "tanh", a, rho, through };
}

const optionsOf = (c: IgnConfig): IgnOptions => ({
  distance: c.distance,
  weights: [c.reconstruction, c.idempotence, c.tightness],
  clamp: clampOf(c),
});

function noise(c: IgnConfig, s: ImageSpace, { spectrum }: Params, key: random.AnyKey, B: number): Tensor {
  if (c.noise === "spectral") return spectralNoise(key, spectrum, B);
  return random.normal(key, [B, s.channels, s.height, s.width]);
}

/** Batches whose spectra the noise takes after. */
const SPECTRA = 16;

export const ign: ImageMethod<IgnConfig, Params> = {
  type: "ign",
  about: "idempotent generative network (Shocher et al. 2023)",
  needs: {
    latent: { ...latentField, usual: 128 } as typeof latentField,
    distance: { about: "distance of two pictures", words: ["l1", "l2"], usual: "l1" },
    reconstruction: { about: "weight of the reconstruction", low: 0, high: Infinity, usual: 20 },
    idempotence: { about: "weight of the idempotence", low: 0, high: Infinity, usual: 20 },
    tightness: { about: "weight of the tightness", low: 0, high: Infinity, usual: 2.5 },
    rho: { about: "what bounds the tightness", words: ["noise", "data", "batch", "none"], usual: "data" },
    through: { about: "gradients pass through the bound", usual: false },
    a: { about: "the bound in units of ρ", low: 1e-3, high: Infinity, usual: 1.5 },
    noise: { about: "what is mapped to pictures", words: ["spectral", "gaussian"], usual: "spectral" },
    times: { about: "applications to noise when drawing", low: 1, high: 64, usual: 1, whole: true },
    ...networkFields,
  },
  training: {
    rate: 3e-4,
    batch: 64,
    warmup: 20,
    optimizer: { type: "adamw", beta1: 0.5, beta2: 0.999, decay: 0 },
  },
  validation: "reconstructionError",
  check: checkLatent,
  parameters: (c, s) => {
    const shape = [s.channels, s.height, s.width];
    const spectrum = { shape, init: "zeros", by: "nothing" } as const;
    return {
      ...toLatentParameters("encoder", c, s, { z: c.latent }),
      ...fromLatentParameters("decoder", c, s, c.latent),
      ...Object.fromEntries(
        ["re.mean", "re.deviation", "im.mean", "im.deviation"].map((n) => [`spectrum.${n}`, spectrum]),
      ),
    };
  },
  async start(c, _, fresh, batches) {
    if (c.noise === "gaussian") return fresh;
    const seen = await batches(SPECTRA);
    const spectrum = await evaluate(spectralMoments(signed(concat(seen.map(({ pixels }) => pixels)))));
    return { ...fresh, spectrum };
  },
  losses: {
    loss(c, s, p, { pixels, key }) {
      const z = noise(c, s, p, random.fold(key, "noise"), Number(pixels.shape[0]));
      const { loss, reconstruction } = ignLosses(apply(c, s, p), signed(pixels), z, optionsOf(c));
      return { loss, shown: reconstruction };
    },
  },
  measure(c, s, p, { pixels, key }) {
    const B = Number(pixels.shape[0]);
    const f = apply(c, s, p);
    const z = noise(c, s, p, random.fold(key, "noise"), B);
    const found = ignLosses(f, signed(pixels), z, optionsOf(c));
    return {
      squares: unsigned(f(signed(pixels)))
        .sub(pixels)
        .square()
        .sum(),
      reconstruction: found.reconstruction.mul(B),
      idempotence: found.idempotence.mul(B),
      tightness: found.tightness.mul(B),
    };
  },
  figures(_, s, sums, count) {
    const one = (name: string): number => (sums[name]?.[0] ?? 0) / count;
    return {
      reconstructionMse: one("squares") / pixelCount(s),
      reconstructionError: one("reconstruction"),
      idempotenceError: one("idempotence"),
      tightness: one("tightness"),
    };
  },
  reconstruct: (c, s, p, { pixels }) => unsigned(apply(c, s, p)(signed(pixels))),
  sampler(c, s, on) {
    const program = compile((p: Params, z: Tensor) => {
      let x = z;
      for (let i = 0; i < c.times; i++) x = apply(c, s, p)(x);
      return unsigned(x);
    }, on);
    return {
      draw: async (p, { count, key }) =>
        program(p, await evaluate(noise(c, s, p, random.fold(key, "noise"), count))),
      release: () => program.release(),
    };
  },
};

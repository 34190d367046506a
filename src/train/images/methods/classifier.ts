// What is in a picture: classes from an encoder, two layers and a softmax. Others are judged by it: by its classes, and by
// the distance of pictures in its features.
import { OptionError } from "../../../errors.ts";
import { crossEntropy, linear, type LinearParams } from "../../../nn/index.ts";
import { equal, relu, type Tensor } from "../../../tensor/index.ts";
import {
  checkLatent,
  latentField,
  type LatentFields,
  type ToLatent,
  toLatent,
  toLatentParameters,
} from "../latent.ts";
import type { ImageMethod, ImageSpace } from "../method.ts";
import { networkFields } from "../network.ts";

export interface ClassifierConfig extends LatentFields {
  readonly type: "classifier";
}

interface Params {
  readonly encoder: ToLatent;
  readonly head: LinearParams;
}

const featuresOf = (c: ClassifierConfig, s: ImageSpace, { encoder }: Params, pixels: Tensor): Tensor =>
  relu((toLatent(c, s, encoder, pixels) as { z: Tensor }).z);

const logitsOf = (c: ClassifierConfig, s: ImageSpace, p: Params, pixels: Tensor): Tensor =>
  linear(p.head, featuresOf(c, s, p, pixels));

function labelsOf(labels: Tensor | undefined): Tensor {
  if (labels === undefined)
    throw new OptionError("images: pictures of a classifier must have labels, got none.");
  return labels;
}

export const classifier: ImageMethod<ClassifierConfig, Params> = {
  type: "classifier",
  about: "tells classes apart; its features measure Fréchet distances",
  needs: { latent: { ...latentField, usual: 64 } as typeof latentField, ...networkFields },
  training: { rate: 2e-3, batch: 64, warmup: 20, optimizer: { type: "adamw", beta2: 0.99, decay: 0 } },
  validation: "validationLoss",
  check(c, s) {
    checkLatent(c, s);
    if (s.classes.length >= 2) return;
    throw new OptionError(
      `images: pictures of a classifier must have two classes or more, got ${s.classes.length}.`,
    );
  },
  parameters: (c, s) => ({
    ...toLatentParameters("encoder", c, s, { z: c.latent }),
    "head.weight": { shape: [s.classes.length, c.latent], init: { std: 0.05 } },
    "head.bias": { shape: [s.classes.length], init: "zeros" },
  }),
  losses: {
    loss: (c, s, p, { pixels, labels }) => ({
      loss: crossEntropy(logitsOf(c, s, p, pixels), labelsOf(labels)),
    }),
  },
  measure(c, s, p, { pixels, labels }) {
    const logits = logitsOf(c, s, p, pixels);
    const right = labelsOf(labels);
    return {
      right: equal(logits.argMax(), right).cast("float32").sum(),
      loss: crossEntropy(logits, right).mul(Number(pixels.shape[0])),
    };
  },
  figures: (_, __, sums, count) => ({
    validationLoss: (sums["loss"]?.[0] ?? 0) / count,
    accuracy: (sums["right"]?.[0] ?? 0) / count,
  }),
  encode: (c, s, p, pixels) => logitsOf(c, s, p, pixels).argMax(),
  features: featuresOf,
};

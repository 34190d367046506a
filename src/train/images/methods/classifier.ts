// A classifier of pictures: it judges what others draw, by its answers and by its features.
import { conv } from "../../../model/images/conv.ts";
import type { NetworkSizes } from "../../../model/images/network.ts";
import { crossEntropy, linear, type LinearParams } from "../../../nn/index.ts";
import { argMax, cast, equal, relu, sum, type Tensor } from "../../../tensor/index.ts";
import { OptionError } from "../../../errors.ts";
import type { ImageMethod, ImageSpace } from "../method.ts";

/** Strided convolutions, residual blocks, and one linear layer on all places. */
export interface ClassifierConfig {
  readonly type: "classifier";
  readonly features: number;
  readonly depth: number;
  readonly patch: number;
}

interface Params {
  readonly encoder: unknown;
  readonly hidden: LinearParams;
  readonly classes: LinearParams;
}

const sizes = ({ features, depth, patch }: ClassifierConfig, space: ImageSpace): NetworkSizes => ({
  channels: space.channels,
  height: space.height,
  width: space.width,
  code: features,
  features,
  depth,
  patch,
});

const places = (config: ClassifierConfig, { height, width }: ImageSpace): number =>
  Math.ceil(height / config.patch) * Math.ceil(width / config.patch);

/** `[B, F]`, not negative. */
function featuresOf(config: ClassifierConfig, space: ImageSpace, params: Params, pixels: Tensor): Tensor {
  const grid = relu(conv.encode(sizes(config, space), params.encoder, pixels));
  const flat = grid.reshape([Number(pixels.shape[0]), places(config, space) * config.features]);
  return relu(linear(params.hidden, flat));
}

const logitsOf = (config: ClassifierConfig, space: ImageSpace, params: Params, pixels: Tensor): Tensor =>
  linear(params.classes, featuresOf(config, space, params, pixels));

const labelsOf = (labels: Tensor | undefined): Tensor => {
  if (labels === undefined) throw new Error("classifier: pictures without labels");
  return labels;
};

const layer = (out: number, from: number) => ({
  weight: { shape: [out, from], init: { std: Math.sqrt(2 / from) } },
  bias: { shape: [out], init: "zeros" as const },
});

export const classifier: ImageMethod<ClassifierConfig, Params> = {
  type: "classifier",
  about: "tells classes apart; judges what others draw (--scorer)",
  needs: {
    features: { about: "features of the inner layers", low: 1, high: 4096, usual: 64, whole: true },
    depth: { about: "residual blocks", low: 0, high: 64, usual: 1, whole: true },
    patch: { about: "pixels of a side that one vector stands for", low: 2, high: 64, usual: 4, whole: true },
  },
  training: { rate: 2e-3, batch: 64, warmup: 20, optimizer: { type: "adamw", beta2: 0.99, decay: 0.01 } },
  validation: "validationLoss",
  check(config, space) {
    if (space.classes.length < 2) {
      throw new OptionError(
        `images: classifier must have pictures of two classes or more, got ${space.classes.length}. Put them in folders by class.`,
      );
    }
    conv.check?.(sizes(config, space));
  },
  parameters(config, space) {
    const encoder = Object.entries(conv.encoder(sizes(config, space)));
    const hidden = layer(config.features, places(config, space) * config.features);
    const last = layer(space.classes.length, config.features);
    return {
      ...Object.fromEntries(encoder.map(([name, p]) => [`encoder.${name}`, p])),
      "hidden.weight": hidden.weight,
      "hidden.bias": hidden.bias,
      "classes.weight": last.weight,
      "classes.bias": last.bias,
    };
  },
  losses: {
    loss: (config, space, params, { pixels, labels }) => ({
      loss: crossEntropy(logitsOf(config, space, params, pixels), labelsOf(labels)),
    }),
  },
  measure(config, space, params, { pixels, labels }) {
    const logits = logitsOf(config, space, params, pixels);
    const right = equal(argMax(logits, { axis: -1 }), labelsOf(labels));
    return {
      nats: crossEntropy(logits, labelsOf(labels)).mul(Number(pixels.shape[0])),
      right: sum(cast(right, "float32")),
    };
  },
  figures: (_, __, { nats, right }, count) => ({
    validationLoss: (nats?.[0] ?? Number.NaN) / count,
    accuracy: (right?.[0] ?? Number.NaN) / count,
  }),
  features: featuresOf,
};

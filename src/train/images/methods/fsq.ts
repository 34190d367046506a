// Finite scalar quantisation (`quantize/fsq.ts`) between the halves of an auto-encoder.
import type { NetworkSizes } from "../../../model/images/network.ts";
import {
  FSQ_FORMS,
  fsqDecode,
  fsqEncode,
  type FsqForm,
  fsqQuantize,
  fsqSize,
} from "../../../quantize/index.ts";
import { sigmoid, type Tensor } from "../../../tensor/index.ts";
import { codeFigures, codeSums } from "../codes.ts";
import type { ImageMethod, ImageSpace } from "../method.ts";
import { type NetworkFields, networkFields, networkOf, networkParameters, sizesOf } from "../network.ts";
import { pixelLoss } from "../pixels.ts";

/** An auto-encoder whose code are whole numbers on a grid. */
export interface FsqConfig extends NetworkFields {
  readonly type: "fsq";
  readonly levels: readonly number[];
  readonly form: FsqForm;
}

interface Params {
  readonly encoder: unknown;
  readonly decoder: unknown;
}

type At = readonly [config: FsqConfig, space: ImageSpace, params: Params];

const sizes = (config: FsqConfig, space: ImageSpace): NetworkSizes =>
  sizesOf(config, space, { code: config.levels.length });

/** What the encoder gives, `[B, h, w, D]`. */
const encoded = ([config, space, { encoder }]: At, pixels: Tensor): Tensor =>
  networkOf(config).encode(sizes(config, space), encoder, pixels);

/** Logits of pixels, from codes `[B, h, w, D]`. */
const decoded = ([config, space, { decoder }]: At, codes: Tensor): Tensor =>
  networkOf(config).decode(sizes(config, space), decoder, codes);

const throughCodes = (at: At, pixels: Tensor): Tensor => decoded(at, fsqQuantize(encoded(at, pixels), at[0]));

export const fsq: ImageMethod<FsqConfig, Params> = {
  type: "fsq",
  about: "auto-encoder whose code are whole numbers on a grid (Mentzer et al. 2023)",
  needs: {
    levels: { about: "values of each channel of the code", low: 3, high: 2 ** 16, usual: [8, 5, 5, 5] },
    form: { about: "how channels are bounded", words: FSQ_FORMS, usual: "official" },
    ...networkFields,
  },
  training: { rate: 2e-3, batch: 64, warmup: 20, optimizer: { type: "adamw", beta2: 0.99, decay: 0 } },
  validation: "reconstructionMse",
  check(config, space) {
    fsqSize(config);
    networkOf(config).check?.(sizes(config, space));
  },
  parameters: (config, space) => networkParameters(config, sizes(config, space)),
  losses: {
    loss: (config, space, params, { pixels }) =>
      pixelLoss(throughCodes([config, space, params], pixels), pixels),
  },
  measure(config, space, params, { pixels }) {
    const z = encoded([config, space, params], pixels);
    const back = sigmoid(decoded([config, space, params], fsqQuantize(z, config)));
    return codeSums(pixels, back, fsqEncode(z, config), fsqSize(config));
  },
  figures: (_, space, sums, count) => codeFigures(space, sums, count),
  reconstruct: (config, space, params, { pixels }) => sigmoid(throughCodes([config, space, params], pixels)),
  codes: (config) => fsqSize(config),
  encode: (config, space, params, pixels) => fsqEncode(encoded([config, space, params], pixels), config),
  decode: (config, space, params, indices) =>
    sigmoid(decoded([config, space, params], fsqDecode(indices, config))),
};

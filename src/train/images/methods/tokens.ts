// Pictures from a language model: the codes of a trained auto-encoder, row by row, after a class or a caption.
// van den Oord et al. 2017, "VQ-VAE", section 3.3; Esser, Rombach and Ommer 2021, section 3.2. https://arxiv.org/abs/2012.09841
import { OptionError } from "../../../errors.ts";
import {
  causalLM,
  type CausalLMConfig,
  causalLMConfig,
  type CausalLMParams,
  parametersOf,
  sampleToken,
} from "../../../model/index.ts";
import { gridOf } from "../../../model/images/network.ts";
import { crossEntropy, type Parameter } from "../../../nn/index.ts";
import { compile, concat, full, iota, narrow, random, type Tensor, tensor } from "../../../tensor/index.ts";
import {
  captionVocabulary,
  type ImageBatch,
  type ImageMethod,
  type ImageSpace,
  type Wish,
} from "../method.ts";
import { sizesOf } from "../network.ts";
import { fsq, type FsqConfig } from "./fsq.ts";
import { vq, type VqConfig } from "./vq.ts";

const GIVEN = ["class", "caption", "nothing"] as const;

/** A language model over the codes of an auto-encoder. */
export interface TokensConfig {
  readonly type: "tokens";
  readonly base: FsqConfig | VqConfig;
  readonly given: (typeof GIVEN)[number];
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
}

interface Params {
  readonly base: unknown;
  readonly lm: CausalLMParams;
}

/** Auto-encoders whose codes are whole numbers. */
const BASES: Readonly<Record<string, unknown>> = { fsq, vq };
const baseOf = ({ base }: TokensConfig) => BASES[base.type] as ImageMethod<TokensConfig["base"], unknown>;

/** Codes of a picture, and ids of the model: codes, a start, then what is given. */
function sizes(config: TokensConfig, space: ImageSpace) {
  const [h, w] = gridOf(sizesOf(config.base, space, { code: 1 }));
  const K = baseOf(config).codes?.(config.base) ?? 0;
  const more = { class: space.classes.length, caption: captionVocabulary(space), nothing: 0 }[config.given];
  const before = config.given === "caption" ? space.captionLength + 1 : 1;
  return { h, w, n: h * w, K, before, vocabulary: K + 1 + more };
}

function modelOf(config: TokensConfig, space: ImageSpace): CausalLMConfig {
  const { n, before, vocabulary } = sizes(config, space);
  const { layers, width, heads } = config;
  return causalLMConfig({ vocabulary, context: before + n, width, layers, heads });
}

/** Ids that stand before the codes, `[B, M]`. */
function given(
  config: TokensConfig,
  space: ImageSpace,
  B: number,
  said: Pick<ImageBatch, "labels" | "captions">,
): Tensor {
  const { K } = sizes(config, space);
  const start = full([B, 1], K, { dtype: "int32" });
  if (config.given === "nothing") return start;
  const ids = config.given === "class" ? said.labels?.reshape([B, 1]) : said.captions;
  if (ids === undefined) {
    const option = config.given === "class" ? "--label" : "--prompt";
    throw new OptionError(
      `images: pictures of this model must be told their ${config.given}, got none. Give ${option}.`,
    );
  }
  const moved = ids.add(K + 1);
  return config.given === "class" ? moved : concat([moved, start], 1);
}

/** Cross-entropy of every code after those before it, a mean. */
function nats(config: TokensConfig, space: ImageSpace, params: Params, batch: ImageBatch): Tensor {
  const { n, before } = sizes(config, space);
  const B = Number(batch.pixels.shape[0]);
  const codes = baseOf(config).encode?.(config.base, space, params.base, batch.pixels).reshape([B, n]);
  if (codes === undefined) throw new Error("tokens: its base encodes nothing");
  const ids = concat([given(config, space, B, batch), narrow(codes, 1, 0, n - 1)], 1);
  const rows = iota(n).add(before - 1);
  return crossEntropy(causalLM(modelOf(config, space), params.lm, ids, { rows }).logits, codes);
}

export const tokens: ImageMethod<TokensConfig, Params> = {
  type: "tokens",
  about: "language model over the codes of a trained fsq or vq run (--from), by class or caption",
  base: ["fsq", "vq"],
  needs: {
    given: { about: "what stands before the codes", words: GIVEN, usual: "class" },
    layers: { about: "blocks", low: 1, high: 256, usual: 4, whole: true },
    width: { about: "width", low: 8, high: 8192, usual: 128, whole: true },
    heads: { about: "heads", low: 1, high: 256, usual: 4, whole: true },
  },
  training: { rate: 2e-3, batch: 64, warmup: 50, optimizer: { type: "adamw", beta2: 0.99, decay: 0.01 } },
  validation: "natsPerCode",
  check(config, space) {
    if (config.given === "class" && space.classes.length === 0)
      throw new OptionError(
        "images: tokens given their class need pictures with labels, got none. Take given=nothing.",
      );
    if (config.given === "caption" && space.words.length === 0)
      throw new OptionError(
        "images: tokens given their caption need pictures with captions, got none. Take given=nothing.",
      );
    modelOf(config, space);
  },
  parameters(config, space) {
    const base = Object.entries(baseOf(config).parameters(config.base, space));
    const fixed = base.map(([name, p]): [string, Parameter] => [`base.${name}`, { ...p, by: "nothing" }]);
    const own = [...parametersOf(modelOf(config, space))].map(([name, p]): [string, Parameter] => [
      `lm.${name}`,
      p,
    ]);
    return Object.fromEntries([...fixed, ...own]);
  },
  losses: { loss: (config, space, params, batch) => ({ loss: nats(config, space, params, batch) }) },
  measure(config, space, params, batch) {
    return { nats: nats(config, space, params, batch).mul(Number(batch.pixels.shape[0])) };
  },
  figures(config, space, { nats: all }, count) {
    const natsPerCode = (all?.[0] ?? Number.NaN) / count;
    return { natsPerCode, bitsPerPicture: (natsPerCode * sizes(config, space).n) / Math.LN2 };
  },
  sampler(config, space, on) {
    const { h, w, n, K, before } = sizes(config, space);
    const model = modelOf(config, space);
    const next = compile(
      (lm: CausalLMParams, ids: Tensor, at: Tensor) =>
        narrow(causalLM(model, lm, ids, { rows: at }).logits, 2, 0, K),
      on,
    );
    const picture = compile(
      (base: unknown, codes: Tensor) => baseOf(config).decode?.(config.base, space, base, codes) ?? codes,
      on,
    );
    return {
      async draw(params, wish: Wish) {
        const { count: B, key, temperature = 1 } = wish;
        const start = (await given(config, space, B, wish).data()) as Int32Array;
        const T = before + n - 1;
        const ids = new Int32Array(B * T);
        const codes = new Int32Array(B * n);
        for (let b = 0; b < B; b++) ids.set(start.subarray(b * before, (b + 1) * before), b * T);
        for (let i = 0; i < n; i++) {
          const draws = random.uniforms(random.fold(key, i), B);
          // What stands behind is not seen yet.
          const seen = tensor(ids.slice(), { shape: [B, T] });
          const logits = (await (
            await next(params.lm, seen, tensor(Int32Array.of(before - 1 + i)))
          ).data()) as Float32Array;
          for (let b = 0; b < B; b++) {
            const code = sampleToken(
              logits.subarray(b * K, (b + 1) * K),
              { temperature },
              () => draws[b] ?? 0,
            );
            codes[b * n + i] = code;
            if (before + i < T) ids[b * T + before + i] = code;
          }
        }
        return picture(params.base, tensor(codes, { shape: [B, h, w] }));
      },
      async release() {
        await next.release();
        await picture.release();
      },
    };
  },
};

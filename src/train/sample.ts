// A little text from a model in training. Each token costs a whole pass over one context; generation with a cache of
// keys and values is `generate`.
import { causalLM, type CausalLMConfig, type CausalLMParams, sampleToken } from "../model/index.ts";
import { compile, type Device, gather, random, reshape, type Tensor, tensor } from "../tensor/index.ts";

/** Writes on from a prompt. */
export interface Sampler {
  /** Ids that follow `prompt` (at least one id), drawn at `temperature` (0: the most probable) with `seed`. */
  sample(
    params: CausalLMParams,
    prompt: ArrayLike<number>,
    options: { readonly count: number; readonly temperature: number; readonly seed: number },
  ): Promise<Int32Array>;
  release(): Promise<void>;
}

/** Compiles one pass over `context` tokens; default the model's context. */
export function sampler(
  config: CausalLMConfig,
  { context = config.context, device }: { readonly context?: number; readonly device?: Device } = {},
): Sampler {
  const last = compile(
    (params: CausalLMParams, ids: Tensor, at: Tensor) => {
      const { logits } = causalLM(config, params, ids);
      return gather(reshape(logits, [context, config.vocabulary]), at); // [1, V]
    },
    device === undefined ? {} : { device },
  );
  return {
    async sample(params, prompt, { count, temperature, seed }) {
      const text = Array.from(prompt);
      const draws = random.uniforms(random.fold(random.key(seed), "sample"), count);
      for (let i = 0; i < count; i++) {
        const ids = new Int32Array(context);
        const seen = text.slice(-context);
        ids.set(seen);
        const logits = await last(
          params,
          tensor(ids, { shape: [1, context] }),
          tensor(Int32Array.of(seen.length - 1)),
        );
        text.push(sampleToken((await logits.data()) as Float32Array, { temperature }, () => draws[i] ?? 0));
      }
      return Int32Array.from(text.slice(prompt.length));
    },
    release: () => last.release(),
  };
}

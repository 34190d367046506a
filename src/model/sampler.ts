// A little text from a model whose parameters change: one program for a whole training.
import { type Device, random } from "../tensor/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import type { CausalLMConfig } from "./config.ts";
import { lendingDecoder } from "./decode.ts";
import { follow } from "./follow.ts";
import { sampleToken } from "./sampling.ts";

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

/**
 * A sampler of one model. What `generate` does with text, this does with ids, without looking for an end; it sees the
 * last `context` tokens, the longest text that the model has met; default that of its configuration.
 */
export function sampler(
  config: CausalLMConfig,
  { context = config.context, device }: { readonly context?: number; readonly device?: Device } = {},
): Sampler {
  const decoders = lendingDecoder(config, device === undefined ? {} : { device });
  return {
    async sample(params, prompt, { count, temperature, seed }) {
      const text = Array.from(prompt);
      const draws = random.uniforms(random.fold(random.key(seed), "sample"), count);
      const reader = await follow(decoders.of(params), context);
      for (const draw of draws) {
        const logits = await (text.length === prompt.length ? reader.read(text, 1) : reader.goOn(text));
        text.push(sampleToken(logits, { temperature }, () => draw));
      }
      return Int32Array.from(text.slice(prompt.length));
    },
    release: () => decoders.release(),
  };
}

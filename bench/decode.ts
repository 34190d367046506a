// Tokens a second of a 15 M-parameter Llama, one at a time, until its 256-token cache is full.
import { createDecoder } from "../src/model/decode.ts";
import { argMaxOf } from "../src/model/sampling.ts";
import { causalLMConfig, initCausalLM, parameterCount } from "../src/model/index.ts";
import { random } from "../src/tensor/index.ts";
import { median, options } from "./support.ts";

/** The shape of stories15M with fresh weights: `{tokensPerSecond, prefillTokensPerSecond, peakRssBytes, weightBytes}`. */
export async function run(args: string[]): Promise<unknown> {
  const { threads, rounds, bits } = options(args, { threads: 2, rounds: 5, bits: 32 });
  const config = causalLMConfig({
    vocabulary: 32_000,
    context: 256,
    width: 288,
    layers: 6,
    heads: 6,
    hidden: 768,
  });
  const before = process.memoryUsage().rss;
  const decoder = createDecoder(config, initCausalLM(config, random.key(1)), {
    threads,
    ...((bits === 4 || bits === 8) && { weightBits: bits }),
  });
  return {
    ...(await measureDecoder(decoder, rounds)),
    parameters: parameterCount(config),
    bits,
    threads,
    rssBefore: before,
  };
}

/** Greedy decoding to a full cache, and reading prompts of 128 tokens. */
export async function measureDecoder(
  decoder: ReturnType<typeof createDecoder>,
  rounds: number,
): Promise<Record<string, number>> {
  const { context, vocabulary } = decoder.config;
  const steps = Math.min(context, 256) - 1;
  const rates: number[] = [];
  const prefills: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const first = await decoder.advance(await decoder.start(), [[1]]);
    let { logits, state } = first;
    const start = performance.now();
    for (let i = 0; i < steps; i++) ({ logits, state } = await decoder.advance(state, [[argMaxOf(logits)]]));
    const seconds = (performance.now() - start) / 1000;
    const prompt = Array.from({ length: 128 }, (_, i) => (i * 7919) % vocabulary);
    const empty = await decoder.start();
    const from = performance.now();
    await decoder.advance(empty, [prompt]);
    if (round > 0) {
      rates.push(steps / seconds);
      prefills.push(128 / ((performance.now() - from) / 1000));
    }
  }
  await decoder.release();
  return {
    tokensPerSecond: median(rates),
    bestTokensPerSecond: Math.max(...rates),
    prefillTokensPerSecond: median(prefills),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

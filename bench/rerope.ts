// Cost of ReRoPE beside RoPE: attention over a whole text, one query against unturned keys, and a model that writes.
import { attend } from "../src/attention/index.ts";
import { causalLMConfig, createDecoder, initCausalLM } from "../src/model/index.ts";
import { type Position, rerope, rope } from "../src/position/index.ts";
import { compile, evaluate, random, type Tensor, tensor } from "../src/tensor/index.ts";
import { median, options, processorMs } from "./support.ts";

const HEADS = 8;
const D = 64;

const draw = (name: string, rows: number): Tensor =>
  random.normal(random.fold(random.key(1), name), [1, HEADS, rows, D]);

/** Milliseconds a token of a 15 M-parameter Llama after `length` tokens, with the keys that each method caches. */
async function measureWriting(
  length: number,
  window: number,
  rounds: number,
): Promise<Record<string, number>> {
  const shape = { vocabulary: 32_000, context: length, width: 288, layers: 6, heads: 6, hidden: 768 };
  const config = causalLMConfig(shape);
  const params = await evaluate(initCausalLM(config, random.key(1)));
  const text = Array.from({ length: length - rounds }, (_, i) => (i * 7919) % shape.vocabulary);
  const writers = [];
  for (const position of [config.position, { ...config.position, type: "rerope", window } as const]) {
    const decoder = createDecoder({ ...config, position }, params, { threads: 1 });
    const { state } = await decoder.advance(await decoder.start(), [text]);
    writers.push({ decoder, state, times: [] as number[] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const w of writers) {
      const ms = await processorMs(async () => {
        ({ state: w.state } = await w.decoder.advance(w.state, [[round]]));
      });
      if (round > 0) w.times.push(ms);
    }
  }
  const [plain = 0, clipped = 0] = writers.map((w) => median(w.times));
  await Promise.all(writers.map((w) => w.decoder.release()));
  return { rope: plain, rerope: clipped, ratio: clipped / plain };
}

/** `{prefill: {rope, rerope, ratio}, decode: {…}, writing: {…}}`, milliseconds of one thread; the two take turns. */
export async function run(args: string[]): Promise<unknown> {
  const { length, window, rounds } = options(args, { length: 1024, window: 256, rounds: 15 });
  const all = tensor(Int32Array.from({ length }, (_, i) => i));
  const last = tensor(Int32Array.from([length - 1]));
  const [k, v] = [draw("k", length), draw("v", length)];
  const measure = async (q: Tensor, at: Tensor, times: number): Promise<Record<string, number>> => {
    const programs = [rope(), rerope({ window })].map((position: Position) => ({
      program: compile(
        (x: Tensor, y: Tensor, z: Tensor, i: Tensor, j: Tensor) =>
          attend(x, y, z, { position, queryPositions: i, keyPositions: j }),
        { threads: 1 },
      ),
      times: [] as number[],
    }));
    for (let round = 0; round <= times; round++) {
      for (const p of programs) {
        const ms = await processorMs(() => p.program(q, k, v, at, all));
        if (round > 0) p.times.push(ms);
      }
    }
    const [plain = 0, clipped = 0] = programs.map((p) => median(p.times));
    await Promise.all(programs.map((p) => p.program.release()));
    return { rope: plain, rerope: clipped, ratio: clipped / plain };
  };
  return {
    length,
    window,
    prefill: await measure(draw("q", length), all, rounds),
    decode: await measure(draw("q", 1), last, 10 * rounds),
    writing: await measureWriting(length, window, 4 * rounds),
  };
}

// Cost of ReRoPE beside RoPE: attention over a whole text and one token against a cache, alone and inside a model.
import { attend } from "../src/attention/index.ts";
import { causalLMConfig, createDecoder, initCausalLM } from "../src/model/index.ts";
import { type Position, rerope, rope } from "../src/position/index.ts";
import { compile, random, type Tensor, tensor } from "../src/tensor/index.ts";
import { median, options, processorMs } from "./support.ts";

const HEADS = 8;
const D = 64;

/** Milliseconds of one thread's processor time. */
interface Pair {
  readonly rope: number;
  readonly rerope: number;
  readonly ratio: number;
}

const draw = (name: string, rows: number): Tensor =>
  random.normal(random.fold(random.key(1), name), [1, HEADS, rows, D]);

/** Median times of two things that take turns, after a first round that compiles. */
async function inTurns(rounds: number, work: readonly (() => Promise<unknown>)[]): Promise<Pair> {
  const times = work.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, run] of work.entries()) {
      const ms = await processorMs(run);
      if (round > 0) times[i]?.push(ms);
    }
  }
  const [plain = 0, clipped = 0] = times.map(median);
  return { rope: plain, rerope: clipped, ratio: clipped / plain };
}

/**
 * `{prefill, decode, model: {prefill, decode: {256, 1024, 4096}}}`, each `{rope, rerope, ratio}`: attention of 8 heads
 * of 64 alone, then a model of stories15M's shape (6 layers, 6 heads of 48, its vocabulary), which reads in blocks of
 * 128 tokens and keeps keys turned.
 */
export async function run(args: string[]): Promise<unknown> {
  const { length, window, rounds } = options(args, { length: 1024, window: 256, rounds: 15 });
  const all = tensor(Int32Array.from({ length }, (_, i) => i));
  const last = tensor(Int32Array.from([length - 1]));
  const [k, v] = [draw("k", length), draw("v", length)];
  const alone = async (q: Tensor, at: Tensor, times: number): Promise<Pair> => {
    const programs = [rope(), rerope({ window })].map((position: Position) =>
      compile(
        (x: Tensor, y: Tensor, z: Tensor, i: Tensor, j: Tensor) =>
          attend(x, y, z, { position, queryPositions: i, keyPositions: j }),
        { threads: 1 },
      ),
    );
    const pair = await inTurns(
      times,
      programs.map((program) => () => program(q, k, v, at, all)),
    );
    await Promise.all(programs.map((program) => program.release()));
    return pair;
  };
  return {
    length,
    window,
    prefill: await alone(draw("q", length), all, rounds),
    decode: await alone(draw("q", 1), last, 10 * rounds),
    model: await inModel(length, window, rounds),
  };
}

async function inModel(length: number, window: number, rounds: number): Promise<unknown> {
  const sizes = { vocabulary: 32_000, context: 256, width: 288, layers: 6, heads: 6, hidden: 768 };
  const plain = causalLMConfig(sizes);
  const params = initCausalLM(plain, random.key(1));
  const decoders = [plain, { ...plain, position: { type: "rerope", window } as const }].map((config) =>
    createDecoder(config, params, { threads: 1 }),
  );
  const text = (n: number): number[] => Array.from({ length: n }, (_, i) => (i * 7919) % 32_000);
  const prefill = await inTurns(
    Math.ceil(rounds / 3),
    decoders.map((d) => async () => d.advance(await d.start(), [text(length)])),
  );
  const decode: Record<number, Pair> = {};
  for (const past of [256, 1024, 4096]) {
    const states = await Promise.all(
      decoders.map(async (d) => (await d.advance(await d.start(), [text(past)])).state),
    );
    decode[past] = await inTurns(
      4 * rounds,
      decoders.map((d, i) => async () => {
        const state = states[i];
        if (state === undefined) throw new Error("state missing");
        states[i] = (await d.advance(state, [[1]])).state;
      }),
    );
  }
  await Promise.all(decoders.map((d) => d.release()));
  return { prefill, decode };
}

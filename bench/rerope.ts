// Cost of ReRoPE beside RoPE: attention over a whole text, and one token against a cache.
import { attend } from "../src/attention/index.ts";
import { type Position, rerope, rope } from "../src/position/index.ts";
import { compile, random, type Tensor, tensor } from "../src/tensor/index.ts";
import { median, options, processorMs } from "./support.ts";

const HEADS = 8;
const D = 64;

const draw = (name: string, rows: number): Tensor =>
  random.normal(random.fold(random.key(1), name), [1, HEADS, rows, D]);

/** `{prefill: {rope, rerope, ratio}, decode: {…}}`, milliseconds of one thread; the two take turns. */
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
  };
}

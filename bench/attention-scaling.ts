// Milliseconds per token of attention alone, by length, dense against the linear-time methods, in one run. One thread
// and processor time, so that neighbours on the machine do not count.
import * as attention from "../src/attention/index.ts";
import { rope } from "../src/position/index.ts";
import { compile, iota, random, type Tensor } from "../src/tensor/index.ts";
import { median, options, processorMs } from "./support.ts";

const HEADS = 4;
const D = 64;

type Form = (q: Tensor, k: Tensor, v: Tensor) => Tensor;

/** `{rows: [{method, length, msPerToken, best}], exponents: {method: slope}, …}`; methods take turns at every length. */
export async function run(args: string[]): Promise<unknown> {
  const { from, to, rounds, window, codes, features } = options(args, {
    from: 256,
    to: 8192,
    rounds: 5,
    window: 128,
    codes: 128,
    features: 128,
  });
  const projection = attention.performerProjection(random.key(1), D, { features });
  const codebook = random.normal(random.key(2), [HEADS, codes, D]);
  const position = rope();
  const methods: Record<string, Form> = {
    dense: (q, k, v) => {
      const at = iota(q.shape[2] ?? 1);
      return attention.attend(q, k, v, { position, queryPositions: at, keyPositions: at });
    },
    window: (q, k, v) => attention.windowAttention(q, k, v, { position, window }),
    linear: (q, k, v) => attention.causalLinearAttention(attention.eluPlusOne(q), attention.eluPlusOne(k), v),
    performer: (q, k, v) => {
      const f = attention.performerPair(q, k, { projection });
      return attention.causalLinearAttention(f.q, f.k, v);
    },
    "transformer-vq": (q, k, v) => {
      const quantized = attention.quantizeKeys(k, codebook);
      return attention.vqAttention(q, quantized.keys, quantized.codes, v, { codebook, block: window });
    },
  };
  const rows: { method: string; length: number; msPerToken: number; best: number }[] = [];
  for (let length = from; length <= to; length *= 2) {
    const [q, k, v] = ["q", "k", "v"].map((name) =>
      random.normal(random.fold(random.key(3), name), [1, HEADS, length, D]),
    ) as [Tensor, Tensor, Tensor];
    const programs = Object.entries(methods).map(([method, form]) => ({
      method,
      program: compile(form, { threads: 1 }),
      times: [] as number[],
    }));
    for (let round = 0; round <= rounds; round++) {
      for (const { program, times } of programs) {
        const ms = await processorMs(() => program(q, k, v));
        if (round > 0) times.push(ms);
      }
    }
    for (const { method, program, times } of programs) {
      rows.push({ method, length, msPerToken: median(times) / length, best: Math.min(...times) / length });
      await program.release();
    }
  }
  const exponents = Object.fromEntries(
    Object.keys(methods).map((method) => [method, exponent(rows.filter((r) => r.method === method))]),
  );
  return { heads: HEADS, headWidth: D, window, codes, features, rounds, rows, exponents };
}

/** Slope of the logarithm of a whole text's best time against that of its length, by least squares. */
function exponent(rows: readonly { length: number; best: number }[]): number {
  const xs = rows.map((r) => Math.log(r.length));
  const ys = rows.map((r) => Math.log(r.best * r.length));
  const [mx, my] = [xs, ys].map((v) => v.reduce((a, b) => a + b, 0) / v.length) as [number, number];
  const above = xs.reduce((s, x, i) => s + (x - mx) * ((ys[i] ?? 0) - my), 0);
  return above / xs.reduce((s, x) => s + (x - mx) ** 2, 0);
}

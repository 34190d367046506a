// The real FFT of many signals on one thread, beside scipy's.
import { join } from "node:path";
import { compile, irfft, random, rfft, type Tensor } from "../src/tensor/index.ts";
import { jsonLines, options } from "./support.ts";

/** `{forwardMs, backMs, peer: {forwardMs, backMs}, ratio}` for `batch` signals of `length`; best of `rounds`. */
export async function run(args: string[]): Promise<unknown> {
  const { length, batch, rounds, python } = options(args, {
    length: 4096,
    batch: 256,
    rounds: 20,
    python: "/work/venv/bin/python",
  });
  const x = random.normal(random.key(1), [batch, length]);
  await x.data();
  const forward = compile((signal: Tensor) => rfft(signal), { threads: 1 });
  const back = compile((re: Tensor, im: Tensor) => irfft(re, im, { length }), { threads: 1 });
  const { re, im } = await forward(x);
  const forwardMs = await best(rounds, () => forward(x));
  const backMs = await best(rounds, () => back(re, im));
  await Promise.all([forward.release(), back.release()]);
  const script = join(import.meta.dirname, "peers/sequence/fft.py");
  const [peer = {}] = await jsonLines(python, [script, String(length), String(batch), String(rounds)]);
  return {
    length,
    batch,
    forwardMs,
    backMs,
    peer: { name: "scipy.fft, one worker", ...peer },
    ratio: { forward: forwardMs / (peer["forwardMs"] ?? 0), back: backMs / (peer["backMs"] ?? 0) },
  };
}

/** Shortest of `rounds`, in milliseconds, after one to warm up. */
async function best(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const from = performance.now();
    await work();
    if (round > 0) times.push(performance.now() - from);
  }
  return Math.min(...times);
}

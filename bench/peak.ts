// The machine's best float32 matrix product, and the share of it that a whole training step reaches.
import { compile, evaluate, matmul, random, type Tensor } from "../src/tensor/index.ts";
import { median, options } from "./support.ts";
import { run as trainStep } from "./train-step.ts";

/** `{peakGflops, step: {gflops}, share}`. */
export async function run(args: string[]): Promise<unknown> {
  const { threads, rounds } = options(args, { threads: 2, rounds: 12 });
  const sizes = [1024, 2048];
  const products: Record<string, number> = {};
  for (const n of sizes) {
    const program = compile((a: Tensor, b: Tensor) => matmul(a, b), { threads });
    const [a, b] = await evaluate([
      random.uniform(random.key(1), [n, n]),
      random.uniform(random.key(2), [n, n]),
    ] as const);
    const times: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const start = performance.now();
      await program(a, b);
      times.push(performance.now() - start);
    }
    await program.release();
    products[`${n}³`] = (2 * n ** 3) / Math.min(...times) / 1e6;
    products[`${n}³ median`] = (2 * n ** 3) / median(times) / 1e6;
  }
  const step = (await trainStep(["--peer", "none", "--threads", String(threads)])) as {
    gflops: number;
    stepMs: number;
  };
  const peakGflops = Math.max(...Object.values(products));
  return {
    threads,
    products,
    peakGflops,
    step: { stepMs: step.stepMs, gflops: step.gflops },
    share: step.gflops / peakGflops,
  };
}

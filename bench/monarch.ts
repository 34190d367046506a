// A Monarch matrix beside a dense one of the same size: time against the ratio of floating-point operations.
import { monarch } from "../src/structured/index.ts";
import { compile, evaluate, matmul, random, type Tensor } from "../src/tensor/index.ts";
import { options } from "./support.ts";

/** `{rows: [{blocks, batch, monarchMs, denseMs, faster, fewerOperations}]}` at size `size`; best of `rounds`, alternating. */
export async function run(args: string[]): Promise<unknown> {
  const { size, rounds, threads } = options(args, { size: 1024, rounds: 30, threads: 1 });
  const rows: Record<string, number>[] = [];
  const weight = await evaluate(random.normal(random.key(1), [size, size], { std: 0.02 }));
  const dense = compile((w: Tensor, x: Tensor) => matmul(x, w, { transposeB: true }), { threads });
  for (const blocks of [4, 8, 16, 32]) {
    if (size % (blocks * blocks) !== 0) continue;
    const inner = size / blocks;
    const params = await evaluate({
      left: random.normal(random.key(2), [blocks, inner, inner], { std: 0.02 }),
      right: random.normal(random.key(3), [blocks, inner, inner], { std: 0.02 }),
    });
    const apply = compile((p: typeof params, x: Tensor) => monarch.apply(p, x), { threads });
    for (const batch of [64, 256, 1024]) {
      const x = await evaluate(random.normal(random.key(4), [batch, size]));
      const times = { monarch: Infinity, dense: Infinity };
      for (let round = 0; round <= rounds; round++) {
        const [one, two] = [await ms(() => apply(params, x)), await ms(() => dense(weight, x))];
        if (round === 0) continue;
        times.monarch = Math.min(times.monarch, one);
        times.dense = Math.min(times.dense, two);
      }
      rows.push({
        blocks,
        batch,
        monarchMs: times.monarch,
        denseMs: times.dense,
        faster: times.dense / times.monarch,
        fewerOperations: blocks / 2,
      });
    }
    await apply.release();
  }
  await dense.release();
  return { size, threads, rows };
}

async function ms(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

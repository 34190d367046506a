// A GRU solved in rounds beside the loop, and beside JAX's scan of the same cell: rounds, residuals, time, bytes.
import { join } from "node:path";
import { type CellParams, CELLS, runDeer, runSequential, unrolledDeer } from "../src/sequence/index.ts";
import { compile, evaluate, random, type Tensor, zeros } from "../src/tensor/index.ts";
import { jsonLines, options } from "./support.ts";

/** One row a length: rounds, residuals, milliseconds of the loop, of one round, of all, and of JAX. */
export async function run(args: string[]): Promise<unknown> {
  const { width, batch, lengths, rounds, python } = options(args, {
    width: 8,
    batch: 4,
    lengths: "64,256,1024",
    rounds: 10,
    python: "/work/venv/bin/python",
  });
  const key = random.key(1);
  const hidden: CellParams = await evaluate({
    weight: random.normal(random.fold(key, "w"), [3 * width, width], { std: 0.7 / Math.sqrt(width) }),
    bias: zeros([3 * width]),
  });
  const cell = (h: Tensor, g: Tensor): Tensor => CELLS.gru.step(hidden, h, g);
  const h0 = zeros([batch, width]);
  const rows: unknown[] = [];
  for (const T of lengths.split(",").map(Number)) {
    const u = await evaluate(random.normal(random.fold(key, T), [T, batch, 3 * width]));
    const solved = await runDeer(cell, u, h0, { name: "gru" });
    const began = performance.now();
    const loop = compile((x: Tensor) => runSequential(cell, x, h0), { threads: 1 });
    await loop(u);
    const compileLoopMs = performance.now() - began;
    const from = performance.now();
    const round = compile((x: Tensor, guess: Tensor) => unrolledDeer(cell, x, h0, { iterations: 1, guess }), {
      threads: 1,
    });
    await round(u, solved.states);
    const compileRoundMs = performance.now() - from;
    const [loopMs, roundMs] = [
      await best(rounds, () => loop(u)),
      await best(rounds, () => round(u, solved.states)),
    ];
    await Promise.all([loop.release(), round.release()]);
    const script = join(import.meta.dirname, "peers/sequence/gru.py");
    const [peer = {}] = await jsonLines(python, [script, T, batch, width, rounds].map(String));
    rows.push({
      length: T,
      iterations: solved.iterations,
      residuals: solved.residuals,
      depth: solved.depth,
      loopMs,
      roundMs,
      allMs: roundMs * solved.iterations,
      // A round evaluates every cell once, as the loop does.
      perCellAgainstLoop: roundMs / loopMs,
      jacobianBytes: 4 * T * batch * width * width,
      compileLoopMs,
      compileRoundMs,
      jaxScanMs: peer["scanMs"],
    });
  }
  return { width, batch, cell: "gru", threads: 1, rows };
}

async function best(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i <= rounds; i++) {
    const from = performance.now();
    await work();
    if (i > 0) times.push(performance.now() - from);
  }
  return Math.min(...times);
}

// Prints how many bytes one gradient of a deep stack adds to the peak memory of this process.
// node --conditions=source test/support/checkpoint-memory.ts kept|checkpoint
import * as t from "../../src/tensor/index.ts";

type T = t.Tensor;
const [LAYERS, ROWS, WIDTH] = [32, 2048, 256];

const layer = (x: T, w: T): T => {
  let y = t.matmul(x, w);
  for (let i = 0; i < 4; i++) y = t.tanh(y.mul(1 + i / 8));
  return y.add(x);
};
const wrapped = process.argv[2] === "checkpoint" ? t.checkpoint(layer) : layer;

const step = t.compile((ws: T[], x: T) =>
  t.grad((p: T[]) => t.mean(t.square(p.reduce((y, w) => wrapped(y, w), x))))(ws),
);

const [key] = t.random.split(t.random.key(0));
if (key === undefined) throw new Error("no key");
const ws = Array.from({ length: LAYERS }, (_, i) =>
  t.random.normal(t.random.fold(key, i), [WIDTH, WIDTH], { std: 0.05 }),
);
const x = t.random.normal(key, [ROWS, WIDTH]);
await step.prepare(ws, x);
const before = process.resourceUsage().maxRSS;
await step(ws, x);
console.log((process.resourceUsage().maxRSS - before) * 1024);

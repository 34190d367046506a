// Convolutions of four usual shapes, forward and gradients, in rounds that alternate with PyTorch's.
import { compile, conv2d, evaluate, grad, random, type Tensor } from "../src/tensor/index.ts";
import { jsonLines, median, options } from "./support.ts";

/** Batch, channels, height and width, outputs, kernel, stride, padding, groups. */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  "3x3": [8, 64, 56, 56, 64, 3, 1, 1, 1],
  "1x1": [8, 256, 28, 28, 128, 1, 1, 0, 1],
  first: [8, 3, 128, 128, 64, 7, 2, 3, 1],
  strided: [8, 128, 28, 28, 256, 3, 2, 1, 1],
};

const DEFAULTS = { rounds: 3, steps: 6, threads: 2, peer: "torch", shape: "", profile: "" };
type Settings = typeof DEFAULTS;

/** `{rows: [{shape, forwardMs, gradientsMs, peer, …}]}`; `--peer none` runs alone; `--profile PREFIX` keeps the runtime's. */
export async function run(args: string[]): Promise<unknown> {
  const settings = options(args, DEFAULTS);
  if (settings.peer === "self") return own(settings);
  const rows = [];
  for (const [name, sizes] of Object.entries(SHAPES)) {
    const [ours, theirs]: [Record<string, number>[], Record<string, number>[]] = [[], []];
    for (let i = 0; i < settings.rounds; i++) {
      ours.push(...(await ownProcess({ ...settings, shape: name })));
      if (settings.peer !== "none") theirs.push(...(await peer(sizes, settings)));
    }
    const of = (all: Record<string, number>[], key: string): number => median(all.map((r) => r[key] ?? 0));
    const [forwardMs, gradientsMs] = [of(ours, "forwardMs"), of(ours, "gradientsMs")];
    const [peerForward, peerGradients] = [of(theirs, "forwardMs"), of(theirs, "gradientsMs")];
    rows.push({
      shape: name,
      sizes,
      forwardMs,
      gradientsMs,
      ...(theirs.length > 0 && {
        peer: { forwardMs: peerForward, gradientsMs: peerGradients },
        forwardRatio: peerForward / forwardMs,
        gradientsRatio: peerGradients / gradientsMs,
      }),
    });
  }
  return { settings, rows };
}

async function ownProcess(settings: Settings): Promise<Record<string, number>[]> {
  const flags = Object.entries({ ...settings, peer: "self" }).flatMap(([k, v]) => [`--${k}`, String(v)]);
  return jsonLines(process.execPath, [
    "--conditions=source",
    `${import.meta.dirname}/main.ts`,
    "conv2d",
    ...flags,
  ]);
}

function peer(sizes: readonly number[], { threads, steps }: Settings): Promise<Record<string, number>[]> {
  const python = process.env["PYTHON"] ?? "python3";
  const script = `${import.meta.dirname}/peers/torch/conv2d.py`;
  return jsonLines(python, [script, ...[...sizes, threads, steps].map(String)]);
}

async function own({ shape, threads, steps, profile }: Settings): Promise<Record<string, number>> {
  const [B = 1, C = 1, H = 1, W = 1, O = 1, K = 1, stride = 1, padding = 0, groups = 1] = SHAPES[shape] ?? [];
  const key = random.key(1);
  const [x, w, g] = await evaluate([
    random.normal(key, [B, C, H, W]),
    random.normal(random.fold(key, 1), [O, C / groups, K, K]),
    random.normal(
      random.fold(key, 2),
      conv2d(random.normal(key, [B, C, H, W]), random.normal(key, [O, C / groups, K, K]), {
        stride,
        padding,
        groups,
      }).shape as number[],
    ),
  ] as const);
  const convolve = (a: Tensor, b: Tensor): Tensor => conv2d(a, b, { stride, padding, groups });
  const kept = profile === "" ? {} : { profile: `${profile}-${shape}` };
  const forward = compile(convolve, { threads });
  const gradients = compile(
    (a: Tensor, b: Tensor, cotangent: Tensor) =>
      grad((p: readonly [Tensor, Tensor]) => convolve(p[0], p[1]).mul(cotangent).sum())([a, b]),
    { threads, ...kept },
  );
  const forwardMs = await medianMs(steps, () => forward(x, w));
  const gradientsMs = await medianMs(steps, () => gradients(x, w, g));
  await Promise.all([forward.release(), gradients.release()]);
  return { forwardMs, gradientsMs };
}

async function medianMs(steps: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < steps + 2; i++) {
    const start = performance.now();
    await work();
    if (i >= 2) times.push(performance.now() - start);
  }
  return median(times);
}

// A training step (forward, backward, Adam) of an FSQ auto-encoder of pictures: convolutional on digits, and a Transformer on
// patches of 32 × 32 in colour. Rounds alternate with PyTorch's; each is a process of its own, for its peak of memory.
import { initial } from "../src/nn/index.ts";
import { adamw, applyUpdates, constantRate } from "../src/optim/index.ts";
import { compile, evaluate, random, type Tensor, valueAndGrad } from "../src/tensor/index.ts";
import { imageConfig, imageMethod } from "../src/train/images/config.ts";
import type { ImageBatch, ImageSpace } from "../src/train/images/method.ts";
import { imageParameters } from "../src/train/images/task.ts";
import { jsonLines, median, options } from "./support.ts";

const LEVELS = [8, 5, 5, 5];
const WARMUP = 2;

/** Side and channels of the pictures, and the network. */
const SHAPES = {
  conv: { side: 28, channels: 1, batch: 128, features: 64, depth: 1, patch: 4 },
  patches: { side: 32, channels: 3, batch: 32, features: 256, depth: 2, patch: 4 },
} as const;
type Name = keyof typeof SHAPES;

const DEFAULTS = { rounds: 2, steps: 10, threads: 2, peer: "torch", shape: "" };
type Settings = typeof DEFAULTS;

/** `{rows: [{shape, stepMs, peakRssBytes, peer, ratio}]}`; `--shape conv` runs one, `--peer none` runs alone. */
export async function run(args: string[]): Promise<unknown> {
  const settings = options(args, DEFAULTS);
  if (settings.peer === "self") return own(settings.shape as Name, settings);
  const rows = [];
  const all = Object.keys(SHAPES) as Name[];
  for (const shape of all.filter((name) => settings.shape === "" || name === settings.shape)) {
    const [ours, theirs]: [Record<string, number>[], Record<string, number>[]] = [[], []];
    for (let i = 0; i < settings.rounds; i++) {
      ours.push(...(await ownProcess(shape, settings)));
      if (settings.peer !== "none") theirs.push(...(await peer(shape, settings)));
    }
    const of = (all: readonly Record<string, number>[], key: string): number =>
      median(all.map((r) => r[key] ?? 0));
    const most = (all: readonly Record<string, number>[]): number =>
      Math.max(...all.map((r) => r["peakRssBytes"] ?? 0));
    const stepMs = of(ours, "stepMs");
    rows.push({
      shape,
      ...SHAPES[shape],
      stepMs,
      imagesPerSecond: (1000 * SHAPES[shape].batch) / stepMs,
      peakRssBytes: most(ours),
      parameters: ours[0]?.["parameters"],
      ...(theirs.length > 0 && {
        peer: {
          stepMs: of(theirs, "stepMs"),
          peakRssBytes: most(theirs),
          parameters: theirs[0]?.["parameters"],
        },
        ratio: of(theirs, "stepMs") / stepMs,
      }),
    });
  }
  return { settings, rows };
}

async function ownProcess(shape: Name, settings: Settings): Promise<Record<string, number>[]> {
  const flags = Object.entries({ ...settings, shape, peer: "self" }).flatMap(([k, v]) => [
    `--${k}`,
    String(v),
  ]);
  return jsonLines(process.execPath, [
    "--conditions=source",
    `${import.meta.dirname}/main.ts`,
    "images",
    ...flags,
  ]);
}

function peer(shape: Name, { threads, steps }: Settings): Promise<Record<string, number>[]> {
  const { side, channels, batch, features, depth, patch } = SHAPES[shape];
  const sizes = [side, channels, batch, features, depth, patch, threads, steps].map(String);
  const script = `${import.meta.dirname}/peers/torch/images_step.py`;
  return jsonLines(process.env["PYTHON"] ?? "python3", [script, shape, ...sizes]);
}

async function own(shape: Name, { threads, steps }: Settings): Promise<Record<string, number>> {
  const { side, channels, batch, features, depth, patch } = SHAPES[shape];
  const config = imageConfig({ type: "fsq", levels: LEVELS, network: shape, features, depth, patch });
  const method = imageMethod("fsq");
  const space: ImageSpace = {
    channels,
    height: side,
    width: side,
    classes: [],
    words: [],
    captionLength: 0,
  };
  const parameters = method.parameters(config, space);
  const named = (name: string): random.Key => random.fold(random.key(1), name);
  const params = await evaluate(imageParameters(parameters, (name, p) => initial(p, named(name))));
  type Params = Readonly<Record<string, Tensor>>;
  const rule = adamw<Params>(constantRate(1e-3), { decay: 0 });
  const step = compile(
    (state: { params: Params; optimizer: ReturnType<typeof rule.init> }, pixels: Tensor) => {
      const loss = (p: Params): Tensor => {
        const images: ImageBatch = { pixels, key: random.traced([0, 0]) };
        const found = method.losses["loss"]?.(config, space, p, images);
        if (found === undefined) throw new Error("fsq must have a loss");
        return found.loss;
      };
      const { value, grad } = valueAndGrad(loss)(state.params);
      const { updates, state: optimizer } = rule.update(grad, state.optimizer, state.params);
      return { state: { params: applyUpdates(state.params, updates), optimizer }, loss: value };
    },
    { donate: [0], threads },
  );
  let state = await evaluate({ params: params as Params, optimizer: rule.init(params as Params) });
  const times: number[] = [];
  let loss = 0;
  for (let i = 0; i < steps + WARMUP; i++) {
    const pixels = random.uniform(random.key(i), [batch, channels, side, side]);
    await pixels.data();
    const began = performance.now();
    const result = await step(state, pixels);
    loss = await result.loss.item();
    state = result.state;
    if (i >= WARMUP) times.push(performance.now() - began);
  }
  await step.release();
  const count = Object.values(parameters)
    .map(({ shape: sizes }) => sizes.reduce((a, b) => a * b, 1))
    .reduce((a, b) => a + b, 0);
  return {
    stepMs: median(times),
    bestMs: Math.min(...times),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    parameters: count,
    loss,
  };
}

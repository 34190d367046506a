// Rational filters: a kernel beside the products its FFT is made of, a training step beside its dense twin, a written token
// by length, and the training step of a classifier beside a diagonal state space (S4D) in PyTorch.
import { join } from "node:path";
import { classifierConfig } from "../src/model/classifier-config.ts";
import { classifier, type ClassifierParams, initClassifier } from "../src/model/classifier.ts";
import {
  causalLM,
  causalLMConfig,
  type CausalLMParams,
  createDecoder,
  initCausalLM,
} from "../src/model/index.ts";
import { crossEntropy } from "../src/nn/index.ts";
import { rtfKernel } from "../src/sequence/index.ts";
import {
  compile,
  evaluate,
  grad,
  irfft,
  random,
  rfft,
  type Tensor,
  tensor,
  zeros,
} from "../src/tensor/index.ts";
import { jsonLines, options } from "./support.ts";

/** `parts` names what is measured, separated by commas: kernel, step, token, classifier. */
export async function run(args: string[]): Promise<unknown> {
  const given = options(args, {
    parts: "kernel,step,token,classifier",
    lengths: "256,1024,4096",
    rounds: 5,
    threads: 2,
    python: "/work/venv/bin/python",
  });
  const result: Record<string, unknown> = {};
  const parts: Readonly<Record<string, () => Promise<unknown>>> = {
    kernel: () => kernel(given.rounds),
    step: () => steps(given),
    token: () => tokens(),
    classifier: () => classifiers(given),
  };
  for (const name of given.parts.split(",")) result[name] = await parts[name]?.();
  return { ...given, ...result };
}

/** Length 4,096, 256 channels, order 64, beside the transforms alone. */
async function kernel(rounds: number): Promise<unknown> {
  const [C, d, L] = [256, 64, 4096];
  const params = await evaluate({
    a: random.uniform(random.key(1), [C, d], { low: -0.5 / d, high: 0.5 / d }),
    b: random.normal(random.key(2), [C, d]),
  });
  const padded = await evaluate(random.normal(random.key(3), [C, L]));
  const { re, im } = await evaluate(rfft(padded));
  const own = compile((p: typeof params) => rtfKernel(p, { length: L }), { threads: 1 });
  const there = compile((x: Tensor) => rfft(x), { threads: 1 });
  const back = compile((x: Tensor, y: Tensor) => irfft(x, y, { length: L }), { threads: 1 });
  const kernelMs = await best(rounds, () => own(params));
  // Two transforms there and one back, as the kernel has.
  const transformsMs =
    2 * (await best(rounds, () => there(padded))) + (await best(rounds, () => back(re, im)));
  await Promise.all([own.release(), there.release(), back.release()]);
  return { channels: C, order: d, length: L, kernelMs, transformsMs, ratio: kernelMs / transformsMs };
}

/** A language model of filters beside its dense twin: gradients of a batch of two. */
async function steps({ lengths, rounds, threads }: { lengths: string; rounds: number; threads: number }) {
  const rows: Record<string, number>[] = [];
  for (const T of lengths.split(",").map(Number)) {
    const sizes = { vocabulary: 256, context: T, width: 256, layers: 4, heads: 8 };
    const ms = async (config: ReturnType<typeof causalLMConfig>): Promise<number> => {
      const params = await evaluate(initCausalLM(config, random.key(1)));
      const ids = tensor(
        Int32Array.from({ length: 2 * T }, (_, i) => (7 * i * i) % 256),
        { shape: [2, T] },
      );
      const step = compile(
        (p: CausalLMParams, x: Tensor) =>
          grad((q: CausalLMParams) => crossEntropy(causalLM(config, q, x).logits, x))(p),
        { threads },
      );
      const found = await best(rounds, () => step(params, ids));
      await step.release();
      return found;
    };
    const rtfMs = await ms(causalLMConfig({ ...sizes, attention: { type: "rtf", state: 64 } }));
    const denseMs = await ms(causalLMConfig(sizes));
    rows.push({ length: T, rtfMs, denseMs, faster: denseMs / rtfMs });
  }
  return rows;
}

/** A token after texts of growing length; the exponent is the slope between the logarithms. */
async function tokens(): Promise<unknown> {
  const config = causalLMConfig({
    vocabulary: 256,
    context: 8192,
    width: 256,
    layers: 4,
    heads: 8,
    attention: { type: "rtf", state: 64 },
  });
  const decoder = createDecoder(config, initCausalLM(config, random.key(1)), { threads: 1 });
  const rows: { length: number; ms: number }[] = [];
  let state = await decoder.start();
  let length = 0;
  for (const target of [256, 1024, 4096, 8192]) {
    const ids = Array.from({ length: target - length }, (_, i) => (length + i) % 256);
    ({ state } = await decoder.advance(state, [ids]));
    length = target;
    const at = state;
    rows.push({ length, ms: await best(30, () => decoder.advance(at, [[1]])) });
  }
  await decoder.release();
  const [first, last] = [rows[0], rows.at(-1)];
  const exponent =
    first && last ? Math.log(last.ms / first.ms) / Math.log(last.length / first.length) : undefined;
  return { rows, exponent };
}

/** Gradients of a classifier of two blocks of width 64 on sequences of 1,024 places, beside S4D in PyTorch. */
async function classifiers({ rounds, threads, python }: { rounds: number; threads: number; python: string }) {
  const [B, T, width, layers] = [16, 1024, 64, 2];
  const config = classifierConfig({
    input: { type: "series", channels: 1, stride: 1, window: 1 },
    outputs: 10,
    context: T,
    width,
    layers,
    heads: 4,
    attention: { type: "rtf", state: 64 },
  });
  const params = await evaluate(initClassifier(config, random.key(1)));
  const batch = await evaluate({
    x: random.normal(random.key(2), [B, T, 1]),
    lengths: tensor(new Int32Array(B).fill(T)),
    targets: zeros([B], { dtype: "int32" }),
  });
  const step = compile(
    (p: ClassifierParams, b: typeof batch) =>
      grad((q: ClassifierParams) => crossEntropy(classifier(config, q, b).y, b.targets))(p),
    { threads },
  );
  const rtfMs = await best(rounds, () => step(params, batch));
  await step.release();
  const script = join(import.meta.dirname, "peers/sequence/s4d.py");
  const [peer = {}] = await jsonLines(python, [script, B, T, width, layers, threads, rounds].map(String));
  return {
    batch: B,
    length: T,
    width,
    layers,
    rtfMs,
    peer: { name: "S4D in PyTorch", ...peer },
    ratio: (peer["stepMs"] ?? 0) / rtfMs,
  };
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

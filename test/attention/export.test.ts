// Members of both rooms in portable ONNX files, opened by plain ONNX Runtime with nothing of ours beside it.
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import * as a from "../../src/attention/index.ts";
import { createPosition, type PositionSpec, rope } from "../../src/position/index.ts";
import { exportOnnx, iota, permute, random, reshape, type Tensor } from "../../src/tensor/index.ts";
import { readModel } from "../reference/onnx.ts";
import { expectClose, sample } from "../support/check.ts";

type Form = (q: Tensor, k: Tensor, v: Tensor) => Tensor;

const D = 4;
const POSITIONS: readonly PositionSpec[] = [
  { type: "none" },
  { type: "alibi" },
  { type: "rope", fraction: 0.5, layout: "interleaved" },
  { type: "pi", scale: 2 },
  { type: "ntk-mixed", scale: 2 },
  { type: "ntk-dynamic", scale: 1, trainingLength: 4 },
  { type: "yarn", scale: 2, trainingLength: 8 },
  { type: "yarn-index", scale: 2, trainingLength: 8 },
  { type: "llama3", scale: 2, trainingLength: 8 },
  { type: "rerope", window: 2, logScale: "after", trainingLength: 4 },
  { type: "leaky-rerope", window: 2, leak: 4 },
  { type: "rope", normalise: "cosine", trainingLength: 8, slidingWindow: 3, sinks: 1 },
];

async function expectSame(
  forms: readonly (readonly [string, Form])[],
  lengths: readonly number[],
  symbolic: boolean,
): Promise<void> {
  const inputs = (T: number): Tensor[] =>
    ["q", "k", "v"].map((name) => sample([1, 2, T, D], { seed: name, dtype: "float32" }).x);
  const first = inputs(lengths[0] ?? 1) as [Tensor, Tensor, Tensor];
  const all = (q: Tensor, k: Tensor, v: Tensor): Tensor[] => forms.map(([, f]) => f(q, k, v));
  const { bytes } = await exportOnnx(all, first, {
    portable: true,
    inputNames: ["q", "k", "v"],
    outputNames: forms.map(([name]) => name),
    ...(symbolic && { symbolic: () => [1, 2, "T", D] }),
  });
  expect(readModel(bytes).opsets).toEqual({ "": 21 });
  const session = await InferenceSession.create(bytes);
  for (const T of lengths) {
    const xs = inputs(T) as [Tensor, Tensor, Tensor];
    const feeds: Record<string, OrtTensor> = {};
    for (const [i, name] of ["q", "k", "v"].entries()) {
      feeds[name] = new OrtTensor("float32", (await xs[i]?.data()) as Float32Array, [1, 2, T, D]);
    }
    const got = await session.run(feeds);
    for (const [i, [name]] of forms.entries()) {
      const want = Array.from((await all(...xs)[i]?.data()) ?? [], Number);
      expectClose(got[name]?.data as Float32Array, want, 2e-5, `${name} at ${T}`);
    }
  }
  await session.release();
}

test("every position, one file for all lengths", async () => {
  const forms = POSITIONS.map((spec, n): [string, Form] => [
    `${n} ${spec.type}`,
    (q, k, v) => {
      const at = iota(q.shape[2] ?? 1);
      return a.attend(q, k, v, { position: createPosition(spec), queryPositions: at, keyPositions: at });
    },
  ]);
  await expectSame(forms, [5, 1], true);
});

test("every way of mixing, a file a length", async () => {
  const projection = a.performerProjection(random.key(1), D, { features: 5 });
  const codebook = sample([2, 3, D], { seed: "book", dtype: "float32" }).x;
  const sizes = { width: 8, heads: 2, contentWidth: 4, rotaryWidth: 2, valueWidth: 4, latentWidth: 3 };
  const params = a.initMla(sizes, random.key(2), { std: 0.3 });
  const forms: readonly [string, Form][] = [
    ["window", (q, k, v) => a.windowAttention(q, k, v, { position: rope(), window: 2 })],
    ["linear", (q, k, v) => a.causalLinearAttention(a.eluPlusOne(q), a.eluPlusOne(k), v, { block: 2 })],
    [
      "performer",
      (q, k, v) => {
        const f = a.performerPair(q, k, { projection });
        return a.causalLinearAttention(f.q, f.k, v);
      },
    ],
    [
      "transformer-vq",
      (q, k, v) => {
        const { keys, codes } = a.quantizeKeys(k, codebook);
        return a.vqAttention(q, keys, codes, v, { codebook, block: 2 });
      },
    ],
    [
      "recurrence",
      (q, k, v) => {
        const at = iota(q.shape[2] ?? 1);
        return a.recurrentAttention(q, k, v, { position: rope(), queryPositions: at, keyPositions: at });
      },
    ],
    [
      "mla",
      (q) => {
        const at = iota(q.shape[2] ?? 1);
        const x = reshape(permute(q, [0, 2, 1, 3]), [1, q.shape[2] ?? 1, 2 * D]);
        return a.mlaAbsorbed(sizes, params, x, { position: rope(), queryPositions: at, keyPositions: at }).y;
      },
    ],
  ];
  await expectSame(forms, [5], false);
});

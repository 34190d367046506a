// Image operations and their gradients against PyTorch's (test/golden/images.py).
import { describe, expect, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import * as t from "../../src/tensor/index.ts";
import golden from "../golden/images.json" with { type: "json" };
import { expectClose, list } from "../support/check.ts";

/** The numbers of that script. */
function wave(shape: readonly number[], seed: number): t.Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float64Array.from({ length: count }, (_, i) =>
    Math.sin(seed + 0.7310585 * i + 0.31 * (i % 13)),
  );
  return t.tensor(data, { shape });
}

interface Case {
  readonly shape: readonly number[];
  readonly y: readonly number[];
  readonly gradients: readonly (readonly number[])[];
}

/** Holds `f` and its gradients in `leaves` against a case. */
async function hold(
  { shape, y, gradients }: Case,
  f: (...x: t.Tensor[]) => t.Tensor,
  leaves: t.Tensor[],
): Promise<void> {
  const got = f(...leaves);
  expect(got.shape).toEqual(shape);
  expectClose(await list(got), y, 1e-10);
  const slopes = t.grad((p: t.Tensor[]) =>
    f(...p)
      .mul(wave(shape, 0.5))
      .sum(),
  )(leaves);
  for (const [i, slope] of slopes.entries()) expectClose(await list(slope), gradients[i] ?? [], 1e-9);
}

type Pair = [number, number];
interface Given {
  readonly x: readonly number[];
  readonly stride?: readonly number[];
  readonly padding?: readonly number[];
  readonly dilation?: readonly number[];
  readonly output_padding?: readonly number[];
  readonly groups?: number;
}
const pair = (name: string, value: readonly number[] | undefined): object =>
  value === undefined ? {} : { [name]: value as Pair };
const windows = ({ stride, padding, dilation, output_padding: more, groups }: Given): object => ({
  ...pair("stride", stride),
  ...pair("padding", padding),
  ...pair("dilation", dilation),
  ...pair("outputPadding", more),
  ...(groups !== undefined && { groups }),
});

const OPS = {
  conv2d: t.conv2d,
  convTranspose2d: t.convTranspose2d,
  maxPool2d: t.maxPool2d,
  averagePool2d: t.averagePool2d,
};

describe.each(["conv2d", "convTranspose2d"] as const)("%s", (kind) => {
  test.each(Object.entries<Case & Given & { w: readonly number[] }>(golden[kind]))("%s", async (_, given) => {
    const leaves = [wave(given.x, 1), wave(given.w, 2)];
    await hold(given, (x, w) => OPS[kind](x as t.Tensor, w as t.Tensor, windows(given)), leaves);
  });
});

describe.each(["maxPool2d", "averagePool2d"] as const)("%s", (kind) => {
  test.each(Object.entries<Case & Given & { kernel: readonly number[] }>(golden[kind]))(
    "%s",
    async (_, given) => {
      await hold(given, (x) => OPS[kind](x as t.Tensor, given.kernel as Pair, windows(given)), [
        wave(given.x, 3),
      ]);
    },
  );
});

const norms = (x: readonly number[]): t.Tensor[] => [wave(x, 4), wave([4], 5), wave([4], 6)];

test.each(Object.entries(golden.batchNorm))("batchNorm: %s", async (_, given) => {
  const state = { mean: wave([4], 7), variance: t.abs(wave([4], 8)).add(0.5) };
  const run = (x: t.Tensor, weight: t.Tensor, bias: t.Tensor) =>
    nn.batchNorm({ weight, bias }, state, x, { train: given.train, momentum: 0.2, epsilon: 1e-4 });
  await hold(given, (...p) => run(...(p as [t.Tensor, t.Tensor, t.Tensor])).y, norms(given.x));
  // The golden has twelve digits.
  const after = run(...(norms(given.x) as [t.Tensor, t.Tensor, t.Tensor])).state;
  expectClose(await list(after.mean), given.mean, 1e-11);
  expectClose(await list(after.variance), given.variance, 1e-11);
});

test.each(Object.entries(golden.groupNorm))("groupNorm: %s", async (_, given) => {
  const f = (...[x, weight, bias]: t.Tensor[]): t.Tensor =>
    nn.groupNorm({ weight: weight as t.Tensor, bias: bias as t.Tensor }, x as t.Tensor, {
      groups: given.groups,
      epsilon: 1e-4,
    });
  await hold(given, f, norms(given.x));
});

// Attention against numpy, one pair at a time: test/golden/methods.py.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as a from "../../src/attention/index.ts";
import { noPosition, rope } from "../../src/position/index.ts";
import { tensor, type Tensor } from "../../src/tensor/index.ts";
import { expectClose } from "../support/check.ts";

interface Golden {
  readonly tolerance: number;
  readonly window: number;
  readonly q: number[][];
  readonly k: number[][];
  readonly v: number[][];
  readonly methods: {
    readonly dense: number[][];
    readonly recurrence: number[][];
    readonly "recursive-stack": number[];
    readonly window: number[][];
    readonly linear: number[][];
    readonly performer: { omega: number[][]; features: number[][]; output: number[][] };
    readonly "soft-vq": { shares: number[][]; output: number[][] };
    readonly concentration: { rows: number[]; gamma: [gamma: number, sparsity: number][] };
  };
}
const golden = JSON.parse(readFileSync(new URL("../golden/methods.json", import.meta.url), "utf8")) as Golden;
const { methods, tolerance, window } = golden;
const heads = (rows: readonly number[][]): Tensor =>
  tensor(Float64Array.from(rows.flat()), { shape: [1, 1, rows.length, rows[0]?.length ?? 0] });
const [q, k, v] = [heads(golden.q), heads(golden.k), heads(golden.v)];
const T = golden.q.length;
const places = tensor(Int32Array.from({ length: T }, (_, i) => i));
const at = { position: noPosition(), queryPositions: places, keyPositions: places };
const directions = tensor(Float64Array.from(methods.performer.omega.flat()), {
  shape: [methods.performer.omega.length, methods.performer.omega[0]?.length ?? 0],
});
const largest = Math.max(...methods.performer.omega.map((row) => row.reduce((sum, x) => sum + x * x, 0)));
const soft = { codebook: directions.reshape([1, ...directions.shape]), temperature: 0.5 };
const softly = a.softVqPair(q, k, soft);
const features = a.performerPair(q, k, { projection: { directions, largest } });

test.each<[string, () => Tensor, number[][]]>([
  ["dense", () => a.attend(q, k, v, at), methods.dense],
  ["one key at a time", () => a.recurrentAttention(q, k, v, at), methods.recurrence],
  ["window", () => a.windowAttention(q, k, v, { position: rope({}), window }), methods.window],
  [
    "linear",
    () => a.causalLinearAttention(a.eluPlusOne(q), a.eluPlusOne(k), v, { block: 3 }),
    methods.linear,
  ],
  [
    "performer",
    () => a.causalLinearAttention(features.q, features.k, v, { block: 3 }),
    methods.performer.output,
  ],
  ["shares of codes", () => a.softAssignments(k, soft), methods["soft-vq"].shares],
  [
    "soft assignment",
    () => a.causalLinearAttention(softly.q, softly.k, v, { block: 3 }),
    methods["soft-vq"].output,
  ],
  ["performer's features", () => a.performerFeatures(q, { directions, largest }), methods.performer.features],
])("%s", async (name, output, expected) => {
  expectClose(await output().data(), expected.flat(), tolerance, name);
});

test("a stack in constant memory", () => {
  const row = (rows: readonly number[][], [i = 0]: readonly number[]): number[] => rows[i - 1] ?? [];
  const layer: a.RecursiveLayer = {
    query: (x) => row(golden.q, x),
    key: (x) => row(golden.k, x),
    value: (x) => row(golden.v, x),
    output: (_, mixed) => mixed,
  };
  const { vector } = a.recursiveStack([layer], (position) => [position], T);
  expectClose(vector, methods["recursive-stack"], tolerance, "vector");
});

test("concentration of rows, and in closed form", async () => {
  const weights = golden.q.map((row, i) =>
    golden.k.map((key, j) =>
      j > i ? 0 : Math.exp(row.reduce((sum, x, d) => sum + x * (key[d] ?? 0), 0) / Math.sqrt(row.length)),
    ),
  );
  const visible = tensor(Float64Array.from({ length: T }, (_, i) => i + 1));
  const rows = await a.concentration(heads(weights), visible).data();
  expectClose(rows, methods.concentration.rows, tolerance, "rows");
  // The golden values are means over a million draws.
  for (const [gamma, sparsity] of methods.concentration.gamma) {
    expect(a.expectedConcentration("exp", 0.7, gamma)).toBeCloseTo(sparsity, 2);
  }
});

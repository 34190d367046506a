// LoRA+: which factor learns faster, by how much, and that a training does so exactly as peft's optimizer.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type Adapter,
  balancedRatio,
  freshAdapter,
  isFactor,
  lora,
  loraPlusRate,
} from "../../src/adapt/index.ts";
import { type Task, initialState, trainSettings, trainStep } from "../../src/train/index.ts";
import { mean, random, square, type Tensor, tensor } from "../../src/tensor/index.ts";
import { signStep } from "../reference/lora-plus.ts";
import { expectClose, list } from "../support/check.ts";

interface Golden {
  readonly rank: number;
  readonly rate: number;
  readonly ratio: number;
  readonly steps: readonly { readonly loss: number; readonly lora_A: number[]; readonly lora_B: number[] }[];
}
const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../golden/lora-plus.json"), "utf8"),
) as Golden;
const wave = (seed: number, ...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + 0.7 * i)),
    { shape },
  );

test("three steps are those of peft", async () => {
  const weight = wave(1, 3, 4);
  const { rate, ratio, rank } = golden;
  const task: Task<Adapter, { x: Tensor; target: Tensor }> = {
    kind: "one matrix",
    unit: { name: "rows", perStep: 5 },
    init: () => ({
      "map.lora_A": wave(2, rank, 4),
      "map.lora_B": tensor(new Float32Array(3 * rank), { shape: [3, rank] }),
    }),
    batch: () => ({ x: wave(3, 5, 4), target: wave(4, 5, 3) }),
    losses: {
      loss(own, { x, target }) {
        const [a, b] = [own["map.lora_A"], own["map.lora_B"]];
        if (!a || !b) throw new Error("both factors must be there");
        return {
          loss: mean(
            square(lora.apply({ weight, lora_A: a, lora_B: b, lora_scale: tensor(1) }, x).sub(target)),
          ),
        };
      },
    },
    rate: loraPlusRate(ratio),
  };
  const settings = trainSettings({ optimizer: { type: "adamw", beta2: 0.999, decay: 0, clip: 0 } });
  const params = await task.init(random.key(0), async () => []);
  let state = await initialState(task, settings, params);
  const step = trainStep(task, settings, params);
  for (const expected of golden.steps) {
    const report = await step.run(state, (part) => task.batch(0, part, 1), rate);
    state = report.state;
    expect(report.losses["loss"]).toBeCloseTo(expected.loss, 5);
    for (const leaf of ["lora_A", "lora_B"] as const)
      expectClose(await list(state.params[`map.${leaf}`] ?? weight), expected[leaf], 2e-6, leaf);
  }
  await step.release();
});

describe("roles", () => {
  test("the factor that begins with zero is the fast one, of matrices and of tables", async () => {
    const base = { lm_head: { weight: wave(1, 6, 4) }, embed_tokens: { weight: wave(2, 6, 4) } };
    const adapter = freshAdapter(base, { rank: 2, targets: ["lm_head", "embed_tokens"] }, random.key(1));
    const factor = loraPlusRate(8);
    for (const [name, t] of Object.entries(adapter)) {
      const zero = (await list(t)).every((x) => x === 0);
      expect(factor(name), name).toBe(isFactor(name) && zero ? 8 : 1);
    }
  });

  test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY])("a ratio of %d is refused", (ratio) => {
    expect(() => loraPlusRate(ratio)).toThrow(`lora-plus: ratio must be a number ≥ 1, got ${ratio}.`);
  });

  test("at the article's λ a step of the sign changes the output as much through either factor", () => {
    // Both factors of their usual sizes, 1/√n and 1/√r: the change of the output by one step is the step's number of
    // terms, times the size of the other factor.
    for (const [n, m, r] of [
      [64, 16, 4],
      [512, 512, 8],
    ] as const) {
      const moved = (count: number, rate: number): number =>
        signStep(Array<number>(count).fill(0), Array<number>(count).fill(-1), rate).reduce(
          (a, b) => a + b,
          0,
        );
      const throughA = moved(n * r, 1) / Math.sqrt(r);
      const throughB = moved(m * r, balancedRatio(m, n, r)) / Math.sqrt(n);
      expect(throughB / throughA).toBeCloseTo(balancedRatio(m, n, r) * (m / n) * Math.sqrt(r / n), 12);
      expect(throughB / throughA).toBeCloseTo(1, 12);
    }
  });
});

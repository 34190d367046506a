import { expect, test } from "vitest";
import {
  codebookSize,
  type CodebookSizeRow,
  latentAttention,
  type LatentAttentionRow,
  textLength,
  type TextLengthRow,
} from "../../src/lab/index.ts";
import { babble } from "../train/helpers.ts";

const sources = [{ name: "babble", texts: [new TextEncoder().encode(babble(3000))] }];

test("latent attention trains four models of equal size; the verdict follows the rows", async () => {
  const { rows, figures } = await latentAttention.run({ sources, seeds: [1], steps: 2 });
  expect(rows.map((r) => [r.method, r.seed, r.cacheBytes])).toEqual([
    ["MHA", 1, 1024],
    ["GQA-2", 1, 256],
    ["MQA", 1, 128],
    ["MLA", 1, 256],
  ]);
  const counts = rows.map((r) => r.parameters);
  expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.005);
  for (const { loss } of rows) expect(Math.abs(loss - Math.log(259))).toBeLessThan(1);
  expect(figures["latent-attention.svg"]).toContain("MQA");
  const told = (losses: Record<string, number>): LatentAttentionRow[] =>
    rows.map((r) => ({ ...r, loss: losses[r.method] ?? 0 }));
  expect(latentAttention.verdict(told({ MHA: 2, "GQA-2": 2.02, MQA: 2.04, MLA: 2.01 })).holds).toBe(true);
  expect(latentAttention.verdict(told({ MHA: 2, "GQA-2": 2.02, MQA: 2.04, MLA: 2.03 })).holds).toBe(false);
});

test("codebook size trains one model for each size, a dense twin and a window", async () => {
  const { rows } = await codebookSize.run({ sources, seeds: [0], steps: 1 });
  expect(rows.map((r) => r.method)).toEqual(["vq-8", "vq-32", "vq-128", "vq-512", "dense", "window"]);
  for (const { codes, inUse } of rows) {
    if (codes === null) expect(inUse).toBe(null);
    else expect(inUse).toBeGreaterThanOrEqual(1);
  }
  const told = (losses: readonly number[]): CodebookSizeRow[] =>
    rows.map((r, i) => ({ ...r, loss: losses[i] ?? 0, inUse: r.codes }));
  expect(codebookSize.verdict(told([2.3, 2.2, 2.1, 2.04, 2, 2.2])).holds).toBe(true);
  expect(codebookSize.verdict(told([2.3, 2.2, 2.1, 2.14, 2, 2.2])).holds).toBe(false);
});

test("text length: the verdict follows the order at eight times the length", () => {
  const rows = (far: Record<string, number>): TextLengthRow[] => {
    const names = ["RoPE", "PI", "NTK-old", "NTK-aware", "NTK-aware, 2s", "NTK-fixed", "NTK-mixed"];
    names.push("dynamic NTK", "YaRN, τ = 8", "ReRoPE N/4, log n", "ReRoPE N/2, log n");
    names.push("Leaky N/4, k = 32, log n", "HWFA", "inverse Leaky ReRoPE");
    return names.flatMap((method) =>
      [128, 256, 512, 1024].map((context) => {
        const own = context === 128 ? 2 : (far[method] ?? 2.5);
        return { method, seed: 0, context, loss: own };
      }),
    );
  };
  const published = {
    RoPE: 5,
    PI: 3,
    "NTK-mixed": 2.4,
    "YaRN, τ = 8": 2.1,
    "ReRoPE N/4, log n": 1.95,
    "ReRoPE N/2, log n": 1.96,
    "Leaky N/4, k = 32, log n": 1.95,
    HWFA: 1.98,
    "inverse Leaky ReRoPE": 2.1,
  };
  expect(textLength.verdict(rows(published)).holds).toBe(true);
  const failing = (change: object): string[] =>
    textLength.verdict(rows({ ...published, ...change })).findings.flatMap((f) => (f.holds ? [] : [f.says]));
  expect(failing({ "ReRoPE N/4, log n": 2.2 })).toEqual([
    "The loss of ReRoPE (N/4, log n) does not rise with context.",
  ]);
  expect(failing({ "inverse Leaky ReRoPE": 4 })).toEqual([
    "Inverse Leaky ReRoPE, run as plain RoPE, stays far below its twin.",
  ]);
});

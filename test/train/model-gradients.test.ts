import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { causalLM, type CausalLMConfig, causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { crossEntropy } from "../../src/nn/index.ts";
import { evaluate, flattenTree, mapTree, random, tensor, valueAndGrad } from "../../src/tensor/index.ts";

type Sizes = Pick<
  CausalLMConfig,
  "vocabulary" | "context" | "width" | "layers" | "heads" | "keyValueHeads" | "headWidth" | "hidden"
>;

interface Case {
  readonly kind: "gpt2" | "llama";
  readonly sizes: Sizes;
  readonly ids: number[][];
  readonly targets: number[][];
  readonly loss: number;
  readonly gradients: Record<string, { norm: number; values: number[] }>;
}

const golden = JSON.parse(
  readFileSync(new URL("../golden/model-gradients.json", import.meta.url), "utf8"),
) as { cases: Case[] };

const STYLES = {
  gpt2: { norm: "layer", activation: "gelu", position: { type: "learned" }, bias: "all" },
  llama: { tieEmbeddings: false },
} as const;

/** Share of a gradient's norm that an element may be off in float32. */
const TOLERANCE = 2e-5;
/** Rounding of gradients that are zero: a bias of the keys adds the same to all scores of a query. */
const FLOOR = 1e-7;

/** Weights by the formula in make-model-gradients.py. */
function weight(name: string, size: number): Float32Array {
  const h = new TextEncoder().encode(name).reduce((sum, c) => sum + c, 0) % 97;
  const gain = name.includes("norm") && name.endsWith("weight");
  return Float32Array.from(
    { length: size },
    (_, i) => (gain ? 0.1 : 0.3) * Math.sin(h + 0.7 * i + 0.013 * i * i) + (gain ? 1 : 0),
  );
}

test.each(golden.cases)(
  "gradients of a whole $kind model are PyTorch's",
  async ({ kind, sizes, ids, targets, loss, gradients }) => {
    const config = causalLMConfig({ ...sizes, ...STYLES[kind] });
    const params = mapTree(initCausalLM(config, random.key(0)), (p, name) =>
      tensor(
        weight(
          name,
          (p.shape as number[]).reduce((a, b) => a * b, 1),
        ),
        { shape: p.shape as number[] },
      ),
    );
    const int = { dtype: "int32" } as const;
    const result = await evaluate(
      valueAndGrad((p: typeof params) =>
        crossEntropy(causalLM(config, p, tensor(ids, int)).logits, tensor(targets, int)),
      )(params),
    );
    expect(await result.value.item()).toBeCloseTo(loss, 5);
    const ours = flattenTree(result.grad);
    expect(ours.map(([name]) => name).sort()).toEqual(Object.keys(gradients).sort());
    for (const [name, g] of ours) {
      const data = (await g.data()) as Float32Array;
      const { norm = 0, values = [] } = gradients[name] ?? {};
      expect(Math.abs(Math.hypot(...data) - norm), `norm of ${name}`).toBeLessThan(TOLERANCE * norm + FLOOR);
      const off = Math.max(...values.map((v, i) => Math.abs(v - (data[i] ?? Number.NaN))));
      expect(off, name).toBeLessThan(TOLERANCE * norm + FLOOR);
    }
  },
);

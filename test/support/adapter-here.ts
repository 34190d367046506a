// A tiny Llama whose weights follow from names, and adapters of our own on it, for exchange with Hugging Face's peft.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Adapter, doraAdapter, freshAdapter, isFactor } from "../../src/adapt/index.ts";
import {
  type CausalLMConfig,
  type CausalLMParams,
  parameterTree,
  saveAdapter,
  saveMlxAdapter,
} from "../../src/model/index.ts";
import { random, type Tensor, tensor } from "../../src/tensor/index.ts";

/** Numbers that follow from a name, as `weight` in golden/adapters.py has them. */
export function weightOf(name: string, shape: readonly number[]): Tensor {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193) >>> 0;
  const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
    Math.sin((h % 977) + 0.7310585 * i + 0.31 * (i % 13)),
  ).map((wave) => (name.includes("norm") ? 1 + 0.2 * wave : 0.5 * wave));
  return tensor(data, { shape, dtype: "float32" });
}

/** The model's parameters. */
export function baseHere(config: CausalLMConfig): CausalLMParams {
  return parameterTree(config, (name, { shape }) => weightOf(name, shape)) as CausalLMParams;
}

const filled = (adapter: Adapter): Adapter =>
  Object.fromEntries(
    Object.entries(adapter).map(([name, t]) => [
      name,
      name.endsWith(".lora_magnitude")
        ? weightOf(name, t.shape.map(Number)).mul(0.3).add(1.5)
        : isFactor(name)
          ? weightOf(name, t.shape.map(Number)).mul(0.6)
          : t,
    ]),
  );

/** Adapters by name: plain, of two ranks and scales, with a start that is taken off, on tables, with a whole module. */
export function adaptersHere(base: CausalLMParams): Record<string, Adapter> {
  const fresh = (targets: readonly string[], rank: number, alpha: number, root = false): Adapter =>
    filled(freshAdapter(base, { targets, rank, alpha, root }, random.key(1)));
  const start = fresh(["self_attn.*"], 3, 6, true);
  return {
    plain: fresh(["self_attn.*", "mlp.*"], 4, 8),
    mixed: {
      ...fresh(["*.q_proj", "layers.0.mlp.down_proj"], 4, 8),
      ...fresh(["layers.1.mlp.up_proj"], 2, 5),
    },
    moved: {
      ...start,
      ...Object.fromEntries(
        Object.entries(start).flatMap(([name, t]) =>
          isFactor(name) ? [[`${name}0`, weightOf(`${name}0`, t.shape.map(Number)).mul(0.6)]] : [],
        ),
      ),
    },
    dora: filled(
      doraAdapter(base, { targets: ["self_attn.*", "mlp.up_proj"], rank: 3, alpha: 4 }, random.key(1)),
    ),
    tables: fresh(["embed_tokens", "lm_head"], 3, 4),
    whole: { ...fresh(["*.v_proj"], 2, 2), "lm_head.weight": weightOf("another head", [19, 16]) },
  };
}

/** Those of them that mlx-lm's layout can hold. */
export function mlxAdapters(base: CausalLMParams): Record<string, Adapter> {
  const { whole: _, ...others } = adaptersHere(base);
  return others;
}

/** Writes each into a folder of its name, as PEFT's below `peft` and as mlx-lm's below `mlx`. */
export async function writeAdapters(folder: string, base: CausalLMParams): Promise<void> {
  for (const [name, adapter] of Object.entries(adaptersHere(base))) {
    mkdirSync(join(folder, "peft", name), { recursive: true });
    await saveAdapter(join(folder, "peft", name), adapter, base);
  }
  for (const [name, adapter] of Object.entries(mlxAdapters(base))) {
    mkdirSync(join(folder, "mlx", name), { recursive: true });
    await saveMlxAdapter(join(folder, "mlx", name), adapter, base);
  }
}

// Models to Hugging Face folders, whole or not at all.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { type TensorToWrite, writeSafetensors } from "../../files/node/safetensors.ts";
import { evaluate, flattenTree } from "../../tensor/index.ts";
import type { CausalLMParams } from "../causal-lm.ts";
import type { CausalLMConfig } from "../config.ts";
import { type ModelTokens, toHuggingFace } from "../hugging-face.ts";

/** Writes `config.json`, `tokenizer_config.json` and `model.safetensors` (float32) into `folder`. */
export async function saveModel(
  folder: string,
  config: CausalLMConfig,
  params: CausalLMParams,
  tokens?: ModelTokens,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const ready = await evaluate(params);
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, t] of flattenTree(ready)) {
    tensors.set(name, { dtype: t.dtype, shape: t.shape.map(Number), data: () => t.data() });
  }
  await writeSafetensors(join(folder, "model.safetensors"), tensors, { format: "pt" });
  await writeFileAtomic(
    join(folder, "config.json"),
    `${JSON.stringify(toHuggingFace(config, tokens), null, 2)}\n`,
  );
  // Texts of this model begin with BOS exactly if it has one.
  const advice = { add_bos_token: tokens?.bos !== undefined };
  await writeFileAtomic(join(folder, "tokenizer_config.json"), `${JSON.stringify(advice)}\n`);
}

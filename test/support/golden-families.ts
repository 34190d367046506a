// Tiny folders of every family as their authors would leave them, and what transformers computes of them
// (test/golden/families.py).
import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WrittenDtype } from "../../src/files/safetensors.ts";
import { safetensorsChunks, type TensorToWrite } from "../../src/files/safetensors-file.ts";
import { hostArray } from "../../src/graph/dtype.ts";
import { weightOf } from "./named-weights.ts";

/** One configuration, and its logits after every id. */
export interface Golden {
  readonly config: Readonly<Record<string, unknown>>;
  readonly ids: readonly number[];
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly logits: readonly (readonly number[])[];
  readonly float16: readonly number[];
  readonly bfloat16: readonly number[];
}

const folder = new URL("../golden/families/", import.meta.url);

/** All of them by name. */
export const GOLDEN: readonly (readonly [name: string, golden: Golden])[] = await Promise.all(
  (await readdir(folder)).sort().map(async (file) => {
    const golden = JSON.parse(await readFile(new URL(file, folder), "utf8")) as Golden;
    return [file.replace(".json", ""), golden] as const;
  }),
);

/** Logits there are up to 40; float32 on both sides. */
export const NEAR = 2e-4;

/** All of a file's bytes. */
export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

/** Such a folder under `work`, with weights of `dtype`. */
export async function folderOf(
  work: string,
  name: string,
  golden: Golden,
  dtype: WrittenDtype,
): Promise<string> {
  const at = await mkdtemp(join(work, `${name}-`));
  const tensors = Object.entries(golden.tensors).map(([key, shape]): [string, TensorToWrite] => {
    const data = weightOf(key, shape);
    return [key, { dtype, shape, data: dtype === "float16" ? hostArray(data, dtype) : data }];
  });
  await writeFile(join(at, "model.safetensors"), await bytesOf(safetensorsChunks(new Map(tensors))));
  await writeFile(join(at, "config.json"), JSON.stringify(golden.config));
  return at;
}

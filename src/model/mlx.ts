// Adapters as folders of Apple's mlx-lm: `adapter_config.json` and `adapters.safetensors`. Factors are stored as the article
// writes them, `lora_a` `[I, r]` and `lora_b` `[r, O]`, under one rank and one scale for all.
import { filesAt } from "#files";
import { type Adapter, isAdapterLeaf } from "../adapt/index.ts";
import { FileError, OptionError } from "../errors.ts";
import { fileIn, type FilesAt, type Folder } from "../files/folder.ts";
import { readSafetensors, safetensorsChunks } from "../files/safetensors-file.ts";
import { hostArray } from "../graph/dtype.ts";
import {
  concat,
  evaluate,
  flattenTree,
  full,
  type Tensor,
  tensor,
  transpose,
  zeros,
} from "../tensor/index.ts";
import { checkLeaf } from "./adapter-check.ts";
import { storedTensors } from "./params.ts";

/** Names of leaves in such files, and here; those of tables are told by their shapes. */
const LEAVES: Readonly<Record<string, string>> = { lora_a: "lora_A", lora_b: "lora_B", m: "lora_magnitude" };

/** The adapter in `folder`. @param json Its adapter_config.json. @throws FileError as `loadAdapter`. */
export async function readMlx(
  folder: Folder,
  json: Readonly<Record<string, unknown>>,
  base: unknown,
): Promise<Adapter> {
  const path = `${folder.path}/adapter_config.json`;
  const type = json["fine_tune_type"] ?? "lora";
  if (type !== "lora" && type !== "dora") {
    throw new FileError(
      `adapter: fine_tune_type of ${path} must be lora or dora, got ${JSON.stringify(type)}.`,
    );
  }
  const scale = (json["lora_parameters"] as { readonly scale?: unknown } | null)?.scale;
  if (typeof scale !== "number" || !Number.isFinite(scale)) {
    throw new FileError(
      `adapter: lora_parameters of ${path} must have a scale, got ${JSON.stringify(scale) ?? "none"}.`,
    );
  }
  await using file = await readSafetensors(await fileIn({ folder, file: "adapters.safetensors" }, "adapter"));
  const there = new Map(flattenTree(base).filter(([name]) => !isAdapterLeaf(name)));
  const adapter: Record<string, Tensor> = {};
  for (const stored of file.entries.keys()) {
    const [, node = "", kind = ""] = /^(.*)\.(\w+)$/.exec(stored) ?? [];
    const leaf = LEAVES[kind];
    if (leaf === undefined) {
      throw new FileError(
        `adapter: ${file.path} must hold ${Object.keys(LEAVES).join(", ")} of matrices, got "${stored}".`,
      );
    }
    const { data, dtype, shape } = await file.read(stored);
    const numbers = dtype === "float32" ? data : hostArray(data as ArrayLike<number>, "float32");
    const t = tensor(numbers, { shape: [...shape] });
    const table = /(^|\.)embed_\w+$/.test(node);
    if (leaf === "lora_magnitude") {
      if (table)
        throw new FileError(`adapter: ${file.path} must adapt matrices by DoRA, got the table ${node}.`);
      adapter[`${node}.${leaf}`] = t;
    } else {
      if (t.rank !== 2)
        throw new FileError(
          `adapter: "${stored}" of ${file.path} must have two axes, got [${shape.join(", ")}].`,
        );
      adapter[`${node}.${table ? leaf.replace("lora_", "lora_embedding_") : leaf}`] = transpose(t);
    }
    adapter[`${node}.lora_scale`] = full([], scale);
  }
  if (Object.keys(adapter).length === 0) {
    throw new FileError(`adapter: ${file.path} must hold lora_a and lora_b of matrices, got nothing.`);
  }
  for (const [name, leaf] of Object.entries(adapter)) checkLeaf(name, leaf, adapter, there, file.path);
  return evaluate(adapter);
}

/**
 * Writes an adapter as mlx-lm does. A start that was taken off becomes part of the factors, of twice the rank; smaller
 * ranks are filled with zeros up to the largest, and differing scales go into `lora_b`.
 * @param model The base, which tells its layers.
 * @throws OptionError for what that layout has not: whole modules, tables of models whose head is the table, and
 * magnitudes of some matrices only.
 */
export async function saveMlxAdapter(at: FilesAt, adapter: Adapter, model: unknown): Promise<void> {
  const { folder } = await filesAt("saveMlxAdapter", at, "folder");
  const refuse = (what: string): never => {
    throw new OptionError(
      `saveMlxAdapter: the adapter must be of factors of matrices, got ${what}. Use PEFT.`,
    );
  };
  const tied = !flattenTree(model).some(([name]) => name.startsWith("lm_head."));
  const changes: { node: string; a: Tensor; b: Tensor; scale: number }[] = [];
  for (const [name, leaf] of Object.entries(adapter)) {
    if (!isAdapterLeaf(name)) refuse(`${name} trained whole`);
    const [, node = "", kind = ""] = /^(.*)\.(lora_(?:embedding_)?A)$/.exec(name) ?? [];
    if (kind === "") continue;
    const other = `${node}.${kind.slice(0, -1)}B`;
    const [B, scale] = [adapter[other], adapter[`${node}.lora_scale`]];
    if (!B || !scale) throw new OptionError(`saveMlxAdapter: ${node} must have both factors and a scale.`);
    if (kind.includes("embedding") && tied) refuse(`the table ${node} of a model whose head it is`);
    const [A0, B0] = [adapter[`${name}0`], adapter[`${other}0`]];
    changes.push({
      node,
      a: A0 ? concat([leaf, A0], 0) : leaf,
      b: B0 ? concat([B, B0.neg()], 1) : B,
      scale: await scale.item(),
    });
  }
  const lengths = Object.keys(adapter).filter((name) => name.endsWith(".lora_magnitude"));
  if (lengths.length > 0 && lengths.length < changes.length) refuse("magnitudes of some of them");
  const rank = Math.max(...changes.map(({ a }) => Number(a.shape[0])));
  const scale = changes[0]?.scale ?? 1;
  const out: Record<string, Tensor> = {};
  for (const { node, a, b, scale: own } of changes) {
    const missing = rank - Number(a.shape[0]);
    const [rows, columns] = [Number(a.shape[1]), Number(b.shape[0])];
    const filled = (t: Tensor, shape: number[], axis: number): Tensor =>
      missing === 0 ? t : concat([t, zeros(shape)], axis);
    out[`${node}.lora_a`] = filled(transpose(a), [rows, missing], 1);
    out[`${node}.lora_b`] = filled(transpose(b), [missing, columns], 0).mul(own / scale);
    const m = adapter[`${node}.lora_magnitude`];
    if (m) out[`${node}.m`] = m;
  }
  const layer = (node: string): string => node.replace(/^model\.layers\.\d+\./, "");
  const layers = new Set(
    flattenTree(model).flatMap(([name]) => /^model\.layers\.(\d+)\./.exec(name)?.[1] ?? []),
  );
  const config = {
    fine_tune_type: lengths.length > 0 ? "dora" : "lora",
    num_layers: layers.size,
    lora_parameters: {
      rank,
      scale,
      dropout: 0,
      keys: [...new Set(changes.map(({ node }) => layer(node)))].sort(),
    },
  };
  await folder.write(
    "adapters.safetensors",
    safetensorsChunks(await storedTensors(await evaluate(out)), { format: "mlx" }),
  );
  await folder.write("adapter_config.json", `${JSON.stringify(config, null, 2)}\n`);
}

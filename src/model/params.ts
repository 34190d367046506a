// Trees of tensors as safetensors files, under the names they have in the tree.
import { filesAt } from "#files";
import { FileError, nearest } from "../errors.ts";
import { fileIn, type FilesAt } from "../files/folder.ts";
import { readSafetensors, safetensorsChunks, type TensorToWrite } from "../files/safetensors-file.ts";
import { evaluate, flattenTree, type Tensor, tensor, unflattenTree } from "../tensor/index.ts";

/** The tensors of `params` as a file takes them. */
export async function storedTensors(params: unknown): Promise<Map<string, TensorToWrite>> {
  const named = flattenTree(params);
  const ready = await evaluate(named.map(([, t]) => t));
  return new Map(
    ready.map((t, i) => [
      named[i]?.[0] ?? "",
      { dtype: t.dtype, shape: t.shape.map(Number), data: () => t.data() },
    ]),
  );
}

/**
 * Writes a tree of tensors as one safetensors file, whole or not at all.
 * @param at A path (Node) or a file handle of the page's storage. @param metadata Text for the header.
 */
export async function saveParams(
  at: FilesAt,
  params: unknown,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { folder, file } = await filesAt("saveParams", at, "file");
  if (file === undefined) throw new FileError(`saveParams: ${folder.path} must be a file, got a folder.`);
  await folder.write(file, safetensorsChunks(await storedTensors(params), { format: "pt", ...metadata }));
}

/**
 * The tree of tensors that `saveParams` or another program wrote.
 * @param like A tree of the same names, dtypes and shapes, such as freshly made parameters.
 * @throws FileError for a missing name (nearest shown), an extra one, or another dtype or shape.
 * @example
 * const params = await loadParams("model.safetensors", initCausalLM(config, random.key(0)));
 */
export async function loadParams<T>(at: FilesAt, like: T): Promise<T> {
  await using stored = await readSafetensors(
    await fileIn(await filesAt("loadParams", at, "file"), "loadParams"),
  );
  const expected = new Map(flattenTree(like));
  for (const name of stored.entries.keys()) {
    if (expected.has(name)) continue;
    const near = nearest(name, expected.keys(), 1)[0];
    throw new FileError(
      `loadParams: ${stored.path} holds "${name}", which the tree has not.${near ? ` Nearest: "${near}".` : ""}`,
    );
  }
  const read: Tensor[] = [];
  for (const [name, { dtype, shape }] of expected) {
    const found = await stored.read(name);
    if (found.dtype !== dtype || found.shape.join() !== shape.join()) {
      throw new FileError(
        `loadParams: "${name}" in ${stored.path} must be ${dtype} [${shape.join(", ")}], got ${found.dtype} [${found.shape.join(", ")}].`,
      );
    }
    read.push(tensor(found.data, { dtype, shape: [...found.shape] }));
  }
  return unflattenTree(like, read) as T;
}

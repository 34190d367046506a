// Files that look like models and are none that can be loaded here: said by name, with the way out, before anything
// heavy is read.
import { FileError } from "../errors.ts";
import type { Folder, OpenFile } from "../files/folder.ts";

const TO_SAFETENSORS =
  "Save it again from Python: AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW, safe_serialization=True).";

/** Weights of other programs, by their usual names in folders. */
const OTHERS: Readonly<Record<string, string>> = {
  "pytorch_model.bin": `PyTorch's pickled weights. ${TO_SAFETENSORS}`,
  "pytorch_model.bin.index.json": `PyTorch's pickled weights. ${TO_SAFETENSORS}`,
  "consolidated.00.pth": `PyTorch's pickled weights in Meta's own names. ${TO_SAFETENSORS}`,
  "tf_model.h5": `weights of TensorFlow. ${TO_SAFETENSORS}`,
  "flax_model.msgpack": `weights of Flax. ${TO_SAFETENSORS}`,
  "adapter_model.safetensors": "an adapter alone. Load the model it belongs to, merged with it.",
};

/** Weights of ours, the first first. */
const OURS = ["model.safetensors", "model.safetensors.index.json"];

/**
 * Which weights of a folder count, where it has several: safetensors before all else, one file before shards, as
 * transformers has it.
 * @returns A sentence for who should know that there are others; nothing where there are none.
 * @throws FileError where a folder has weights of another program and none of ours.
 */
export async function weightsThatCount(folder: Folder): Promise<string | undefined> {
  const there = new Set((await folder.list?.().catch(() => [])) ?? []);
  const has = async (name: string): Promise<boolean> =>
    there.size > 0 ? there.has(name) : (await folder.find(name)) !== undefined;
  const ours: string[] = [];
  for (const name of OURS) if (await has(name)) ours.push(name);
  const gguf = [...there].filter((name) => name.endsWith(".gguf"));
  const [first] = ours;
  if (first === undefined) {
    for (const [name, what] of Object.entries(OTHERS)) {
      if (!(await has(name))) continue;
      throw new FileError(`model: ${folder.path} must hold model.safetensors, got ${name}: ${what}`);
    }
    if (gguf[0] === undefined) return undefined;
    throw new FileError(
      `model: ${folder.path} must hold model.safetensors, got ${gguf.join(", ")}. Give that file itself.`,
    );
  }
  const others = [...ours.slice(1), ...gguf];
  // Whoever lists no names is not asked for each of them.
  for (const name of there) if (Object.hasOwn(OTHERS, name) && !name.startsWith("adapter")) others.push(name);
  return others.length === 0
    ? undefined
    : `${folder.path} holds ${others.join(", ")} beside ${first}, which is what is read.`;
}

/** How files of other kinds begin. */
const BEGINNINGS: readonly (readonly [start: readonly number[], what: string])[] = [
  [
    Array.from("version https://git-lfs", (c) => c.charCodeAt(0)),
    "a Git-LFS pointer, which stands for a file that was not fetched. Run git lfs pull in its folder.",
  ],
  [[0x50, 0x4b, 0x03, 0x04], `a zip archive, as PyTorch's pickled weights are. ${TO_SAFETENSORS}`],
  [[0x80, 0x02], `a pickle, as PyTorch's old weights are. ${TO_SAFETENSORS}`],
  [[0x89, 0x48, 0x44, 0x46], `an HDF5 file, as weights of TensorFlow are. ${TO_SAFETENSORS}`],
  [Array.from("<!DOCTYPE html", (c) => c.charCodeAt(0)), "a web page. Fetch the file itself."],
];

/** @throws FileError for a file of another kind. @returns How the file begins. */
export async function refuseForeignFile(file: OpenFile): Promise<Uint8Array> {
  const start = await file.read(0, Math.min(32, file.byteLength));
  for (const [bytes, what] of BEGINNINGS) {
    if (!bytes.every((b, i) => start[i] === b)) continue;
    await file.close();
    throw new FileError(`model: ${file.path} must hold a model's weights, got ${what}`);
  }
  return start;
}

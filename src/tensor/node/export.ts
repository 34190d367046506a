// Models as files.
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { exportOnnx, type ExportOptions } from "../export.ts";

/** Weights above this many bytes stand in a file of their own. */
const DATA_FROM_BYTES = 64 << 20;

/** What `saveOnnx` wrote. */
export interface SavedOnnx {
  readonly path: string;
  readonly bytes: number;
  /** The file of weights beside the model, when it has one. */
  readonly dataPath?: string;
  readonly dataBytes?: number;
}

/**
 * Writes `fn` as the ONNX file `path`; with more than `dataFromBytes` of weights (default 64 MB), those go to
 * `path` + `.data` beside it, and both files are needed from then on.
 * @throws OptionError as `exportOnnx` does.
 * @example
 * await saveOnnx("model.onnx", (ids: Tensor) => causalLM(config, params, ids).logits, [ids]);
 */
export async function saveOnnx<A extends readonly unknown[]>(
  path: string,
  fn: (...args: A) => unknown,
  args: A,
  {
    dataFromBytes = DATA_FROM_BYTES,
    ...options
  }: Omit<ExportOptions, "dataFile"> & { dataFromBytes?: number } = {},
): Promise<SavedOnnx> {
  const dataFile = `${basename(path)}.data`;
  const dataPath = join(dirname(path), dataFile);
  const { bytes, external } = await exportOnnx(fn, args, { ...options, dataFile });
  if (external === undefined || external.byteLength <= dataFromBytes) {
    const whole = await exportOnnx(fn, args, options);
    await writeFileAtomic(path, whole.bytes);
    // An older model of this name may have had its weights there.
    await rm(dataPath, { force: true });
    return { path, bytes: whole.bytes.length };
  }
  // Weights first: a model never stands there before its weights.
  await writeFileAtomic(dataPath, external.chunks());
  await writeFileAtomic(path, bytes);
  return { path, bytes: bytes.length, dataPath, dataBytes: external.byteLength };
}

// What a checkpoint holds, wherever it lies: the parameters under their own names, the optimizer's state under
// `optimizer.`, and in the metadata where the training stands, with a checksum of every tensor and of what is said here.
import { FileError } from "../errors.ts";
import { crc32 } from "../files/crc32.ts";
import type { StoredTensor } from "../files/safetensors.ts";
import type { HostArray } from "../graph/dtype.ts";
import { flattenTree, mapTree, random, type Tensor, tensor } from "../tensor/index.ts";
import type { TrainState } from "./step.ts";
import type { Progress } from "./task.ts";

/** What a checkpoint says of itself. */
export interface CheckpointInfo extends Progress {
  /** Sequences read so far: the next step starts here in the data order. */
  readonly sequences: number;
  /** State of the generator: the key that all random numbers of the run derive from, with `step` as counter. */
  readonly key: random.Key;
}

/** A state as it was saved. */
export interface SavedState<P> {
  readonly state: TrainState<P>;
  readonly info: CheckpointInfo;
}

const PREFIX = "optimizer.";
const FILE = /^step-(\d+)\.safetensors$/;

/** Name of the checkpoint after `step` updates. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, "0")}.safetensors`;
}

/** The names among `names` that are checkpoints', oldest first. */
export function checkpointNames(names: Iterable<string>): string[] {
  return [...names].filter((name) => FILE.test(name)).sort((a, b) => stepOf(a) - stepOf(b));
}

/** Updates made before the checkpoint of this name. */
export function stepOf(name: string): number {
  return Number(FILE.exec(name)?.[1] ?? 0);
}

/** All tensors of a state under the names that they have in files. */
export function stateTensors(state: TrainState): [name: string, tensor: Tensor][] {
  return [
    ...flattenTree(state.params),
    ...flattenTree(state.optimizer).map(([name, t]): [string, Tensor] => [PREFIX + name, t]),
  ];
}

/** The metadata of a checkpoint: `athanor` says where it stands, `checksums` and `seal` guard it. */
export async function checkpointMetadata(
  state: TrainState,
  info: CheckpointInfo,
): Promise<Record<string, string>> {
  const sums: Record<string, string> = {};
  for (const [name, t] of stateTensors(state)) sums[name] = checksum(await t.data());
  const athanor = JSON.stringify(info);
  const checksums = JSON.stringify(sums);
  return { format: "pt", athanor, checksums, seal: sealOf(athanor, checksums) };
}

function checksum(data: HostArray): string {
  return hex(crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
}

function sealOf(athanor: string, checksums: string): string {
  return hex(crc32(new TextEncoder().encode(`${athanor}\n${checksums}`)));
}

function hex(sum: number): string {
  return sum.toString(16).padStart(8, "0");
}

/** A file to read a checkpoint from. */
export interface CheckpointSource {
  readonly metadata: Readonly<Record<string, string>>;
  read(name: string): StoredTensor | Promise<StoredTensor>;
}

/**
 * Reads a checkpoint into the structure of `template`, of which only names, types and shapes matter.
 * @param path Its name, for errors.
 * @throws FileError for a file that is damaged, lacks a tensor or holds one of another type or shape; both are named.
 */
export async function readCheckpoint<P>(
  source: CheckpointSource,
  template: TrainState<P>,
  path: string,
): Promise<SavedState<P>> {
  const sums = checksumsOf(source.metadata, path);
  const read = new Map<string, Tensor>();
  for (const [name, like] of stateTensors(template)) {
    const { dtype, shape, data } = await source.read(name);
    if (dtype !== like.dtype || shape.join() !== like.shape.join()) {
      throw new FileError(
        `checkpoint: tensor "${name}" in ${path} must be ${like.dtype} [${like.shape.join(", ")}], got ${dtype} [${shape.join(", ")}].`,
      );
    }
    const found = sums && checksum(data);
    if (sums && found !== sums[name]) {
      throw new FileError(
        `checkpoint: tensor "${name}" in ${path} must have the checksum ${sums[name] ?? "that is missing"}, got ${found}: the file is damaged.`,
      );
    }
    read.set(name, tensor(data, { dtype, shape, lend: true }));
  }
  const pick = (prefix: string) => (t: Tensor, name: string) => read.get(prefix + name) ?? t;
  return {
    state: {
      params: mapTree(template.params, pick("")) as P,
      optimizer: mapTree(template.optimizer, pick(PREFIX)),
    },
    info: parseInfo(source.metadata["athanor"], path),
  };
}

/** Checksums by tensor; none in files that were written before there were any. */
function checksumsOf(
  { athanor = "", checksums, seal }: Readonly<Record<string, string>>,
  path: string,
): Readonly<Record<string, string>> | undefined {
  if (checksums === undefined && seal === undefined) return undefined;
  const found = sealOf(athanor, checksums ?? "");
  if (found !== seal) {
    throw new FileError(
      `checkpoint: the metadata of ${path} must have the checksum ${seal ?? "that is missing"}, got ${found}: the file is damaged.`,
    );
  }
  return JSON.parse(checksums ?? "") as Record<string, string>;
}

function parseInfo(json: string | undefined, path: string): CheckpointInfo {
  try {
    const info = JSON.parse(json ?? "") as CheckpointInfo;
    if (Number.isSafeInteger(info.step) && info.step >= 0 && Number.isFinite(info.seconds)) return info;
  } catch {
    // told below
  }
  throw new FileError(
    `checkpoint: ${path} must say its step in the metadata "athanor", got ${json ?? "none"}.`,
  );
}

/** The newest of `names` that can be read, and why newer ones could not. */
export interface Newest<P> extends SavedState<P> {
  readonly name: string;
  readonly damaged: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Tries checkpoints from the newest back.
 * @returns The first that can be read; nothing if there are none. @throws FileError when all are damaged.
 */
export async function newestGood<P>(
  names: readonly string[],
  load: (name: string) => Promise<SavedState<P>>,
): Promise<Newest<P> | undefined> {
  const damaged: { name: string; reason: string }[] = [];
  for (const name of names.toReversed()) {
    try {
      return { ...(await load(name)), name, damaged };
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      damaged.push({ name, reason: error.message });
    }
  }
  const [first] = damaged;
  if (first === undefined) return undefined;
  const others = damaged.length > 1 ? ` So are the ${damaged.length - 1} before it.` : "";
  throw new FileError(`${first.reason}${others} Restore one, or begin a new run.`);
}

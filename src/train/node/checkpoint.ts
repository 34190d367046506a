// Checkpoints: safetensors files with the parameters under their own names, the optimizer's state under `optimizer.`,
// and in the header's metadata where the training stands.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "../../errors.ts";
import { openSafetensors, type TensorToWrite, writeSafetensors } from "../../files/node/safetensors.ts";
import { flattenTree, mapTree, random, type Tensor, tensor } from "../../tensor/index.ts";
import type { Position } from "../loop.ts";
import type { TrainState } from "../step.ts";

/** What a checkpoint says of itself. */
export interface CheckpointInfo extends Position {
  /** Sequences read so far: the next step starts here in the data order. */
  readonly sequences: number;
  /** State of the generator: the key that all random numbers of the run derive from, with `step` as counter. */
  readonly key: random.Key;
}

const PREFIX = "optimizer.";
const FILE = /^step-(\d+)\.safetensors$/;

/** Name of the checkpoint after `step` updates. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, "0")}.safetensors`;
}

/** Checkpoints in a folder, oldest first; none if there is no folder. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => FILE.test(name))
    .sort((a, b) => stepOf(a) - stepOf(b))
    .map((name) => join(folder, name));
}

/** Removes what a killed process left half written. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (/^step-\d+\.safetensors\..*\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
  }
}

function stepOf(name: string): number {
  return Number(FILE.exec(name)?.[1] ?? 0);
}

/**
 * Writes a checkpoint, whole or not at all, then removes all but the newest `keep`.
 * @returns Its path. @throws FileError when it cannot be written: those before it are untouched.
 */
export async function saveCheckpoint(
  folder: string,
  state: TrainState,
  info: CheckpointInfo,
  keep: number,
): Promise<string> {
  const path = join(folder, checkpointName(info.step));
  const tensors = new Map<string, TensorToWrite>();
  const add = (name: string, t: Tensor): void => {
    tensors.set(name, { dtype: t.dtype, shape: t.shape as readonly number[], data: () => t.data() });
  };
  for (const [name, t] of flattenTree(state.params)) add(name, t);
  for (const [name, t] of flattenTree(state.optimizer)) add(PREFIX + name, t);
  try {
    await writeSafetensors(path, tensors, { format: "pt", athanor: JSON.stringify(info) });
  } catch (error) {
    const last = (await listCheckpoints(folder)).at(-1);
    const kept = last === undefined ? "There is none before it." : `The last good one is ${last}.`;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new FileError(
      `checkpoint: ${path} must be writable, got ${code ?? message}. ${kept} Make room there, then go on with --resume.`,
      { cause: error },
    );
  }
  for (const old of (await listCheckpoints(folder)).slice(0, -keep)) await rm(old, { force: true });
  return path;
}

/**
 * Reads a checkpoint into the structure of `template`, of which only names, types and shapes matter.
 * @throws FileError for a file that is corrupt, lacks a tensor or holds one of another type or shape; both are named.
 */
export async function loadCheckpoint(
  path: string,
  template: TrainState,
): Promise<{ state: TrainState; info: CheckpointInfo }> {
  await using file = await openSafetensors(path);
  const wanted = [
    ...flattenTree(template.params),
    ...flattenTree(template.optimizer).map(([name, t]) => [PREFIX + name, t] as const),
  ];
  const read = new Map<string, Tensor>();
  for (const [name, like] of wanted) {
    const { dtype, shape, data } = await file.read(name);
    if (dtype !== like.dtype || shape.join() !== like.shape.join()) {
      throw new FileError(
        `checkpoint: tensor "${name}" in ${path} must be ${like.dtype} [${like.shape.join(", ")}], got ${dtype} [${shape.join(", ")}].`,
      );
    }
    read.set(name, tensor(data, { dtype, shape, lend: true }));
  }
  const pick = (prefix: string) => (t: Tensor, name: string) => read.get(prefix + name) ?? t;
  return {
    state: {
      params: mapTree(template.params, pick("")),
      optimizer: mapTree(template.optimizer, pick(PREFIX)),
    },
    info: parseInfo(file.metadata["athanor"], path),
  };
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

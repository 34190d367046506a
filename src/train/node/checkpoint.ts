// Checkpoints as safetensors files in a folder.
import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileError } from "../../errors.ts";
import { openSafetensors, type TensorToWrite, writeSafetensors } from "../../files/node/safetensors.ts";
import {
  type CheckpointInfo,
  checkpointMetadata,
  checkpointName,
  checkpointNames,
  type Newest,
  newestGood,
  readCheckpoint,
  type SavedState,
  stateTensors,
} from "../checkpoint.ts";
import type { TrainState } from "../step.ts";

/** Paths of the checkpoints in a folder, oldest first; none if there is no folder. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  return checkpointNames(await readdir(folder).catch(() => [])).map((name) => join(folder, name));
}

/** Removes what a killed process left half written. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (/^step-\d+\.safetensors\..*\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
  }
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
  try {
    const tensors = new Map<string, TensorToWrite>(
      stateTensors(state).map(([name, t]) => [
        name,
        { dtype: t.dtype, shape: t.shape as readonly number[], data: () => t.data() },
      ]),
    );
    await writeSafetensors(path, tensors, await checkpointMetadata(state, info));
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
 * @throws FileError for a file that is damaged, lacks a tensor or holds one of another type or shape; both are named.
 */
export async function loadCheckpoint<P>(path: string, template: TrainState<P>): Promise<SavedState<P>> {
  await using file = await openSafetensors(path);
  return await readCheckpoint(file, template, path);
}

/**
 * The newest checkpoint of a folder that can be read.
 * @throws FileError when there are some and all are damaged.
 */
export async function loadNewest<P>(folder: string, template: TrainState<P>): Promise<Newest<P> | undefined> {
  return newestGood(await listCheckpoints(folder), (path) => loadCheckpoint(path, template));
}

/** Renames damaged checkpoints to `damaged-…`, so that they neither count nor are written over. */
export async function putAside(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rename(path, join(dirname(path), `damaged-${basename(path)}`));
}

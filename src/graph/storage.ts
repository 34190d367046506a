// Where elements live: host memory, or a tensor of the runtime.
import { GraphError } from "../errors.ts";
import type { Dtype, HostArray } from "./dtype.ts";
import type { Storage } from "./value.ts";

/** A value whose elements can be attached once they are known. */
export interface Settable {
  storage: Storage | undefined;
}

/** Elements on the host. */
export function hostStorage(data: HostArray, dtype: Dtype, shape: readonly number[]): Storage {
  return { dtype, shape, host: data, native: undefined, read: () => Promise.resolve(data) };
}

/** Frees the memory of an array that nobody reads again, if it is all of its buffer: sooner than it would be collected. */
export function freeArray({ buffer, byteLength }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Storages whose memory has been given away. */
const given = new WeakSet<Storage>();

/** Marks `storage` as given away: whoever asks for its elements from now on is told so. */
export function giveAway(storage: Storage): void {
  given.add(storage);
}

/** Takes `giveAway` back, for a call that failed. */
export function takeBack(storage: Storage): void {
  given.delete(storage);
}

/** Whether the memory of `storage` is still its own. */
export function isKept(storage: Storage): boolean {
  return !given.has(storage);
}

/** @throws GraphError when the memory of `storage` has been given away. */
export function requireKept(storage: Storage): void {
  if (isKept(storage)) return;
  throw new GraphError(
    `compile: a tensor [${storage.shape.join(", ")}] was donated to an earlier call. Use that call's result.`,
  );
}

// Where elements live: host memory, or a tensor of the runtime.
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

// Storage in and out of sessions.
import type { OrtTensor } from "../runtime/platform.ts";
import type { Session } from "../runtime/session.ts";
import { toHost } from "./device-memory.ts";
import { DTYPES, type Dtype, type HostArray } from "./dtype.ts";
import { explain } from "./explain.ts";
import { requireKept } from "./storage.ts";
import type { Storage } from "./value.ts";

/** Frees device memory of storage that nothing holds any more. */
const unreachable = new FinalizationRegistry<() => void>((free) => free());

/** How to free storage in the memory of a device. */
const freeing = new WeakMap<Storage, () => void>();

/**
 * Frees the buffers of storage that was given away, where a device holds them.
 * @returns The runtime's tensor, if it is on the host and can be written into.
 */
export function freeBuffers(storage: Storage): OrtTensor | undefined {
  const free = freeing.get(storage);
  if (free === undefined) return storage.native as OrtTensor | undefined;
  free();
  return undefined;
}

/** The runtime's tensor over `storage`, without a copy where it lives there already. */
function toNative(storage: Storage, session: Session): OrtTensor | Promise<OrtTensor> {
  if (storage.native !== undefined) {
    const native = storage.native as OrtTensor;
    if (native.location === "cpu" || session.device === "webgpu") return native;
  }
  const { dtype, shape, host } = storage;
  return host
    ? session.wrap(dtype, host, shape)
    : storage.read().then((data) => session.wrap(dtype, data, shape));
}

/** Storage over a tensor that `session` returned. */
export function fromNative(tensor: OrtTensor, session: Session): Storage {
  const dtype = tensor.type as Dtype;
  const shape = [...tensor.dims];
  const onHost = tensor.location === "cpu";
  const storage: Storage = {
    dtype,
    shape,
    host: onHost ? view(tensor.data as HostArray, dtype) : undefined,
    native: tensor,
    async read() {
      requireKept(storage);
      return view((await toHost(tensor, session.device)).data as HostArray, dtype);
    },
  };
  if (!onHost) {
    const free = (): void => session.free(tensor);
    freeing.set(storage, free);
    unreachable.register(storage, free);
  }
  return storage;
}

/** Some builds hand float16 over as Uint16Array. */
function view(data: HostArray, dtype: Dtype): HostArray {
  const info = DTYPES[dtype];
  if (data instanceof info.array) return data;
  return new info.array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer);
}

/** Runs `session` on named storages. @throws OptionError for a value that an op refuses, BackendError for the rest. */
export async function runSession(
  session: Session,
  feeds: readonly (readonly [string, Storage])[],
  into?: Readonly<Record<string, OrtTensor | null>>,
): Promise<Record<string, OrtTensor>> {
  const native: Record<string, OrtTensor> = {};
  for (const [name, storage] of feeds) {
    const tensor = toNative(storage, session);
    native[name] = tensor instanceof Promise ? await tensor : tensor;
  }
  try {
    return await session.run(native, into);
  } catch (error) {
    throw explain(error, session.device);
  }
}

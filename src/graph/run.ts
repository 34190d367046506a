// Storage in and out of sessions.
import { GraphError } from "../errors.ts";
import type { Device, OrtTensor } from "../runtime/platform.ts";
import { hostTensor, type Session } from "../runtime/session.ts";
import { toHost } from "./device-memory.ts";
import { DTYPES, type Dtype, type HostArray } from "./dtype.ts";
import type { Storage } from "./value.ts";

/** Frees device memory of storage that nothing holds any more. */
const unreachable = new FinalizationRegistry<() => void>((free) => free());

/** How to free storage in the memory of a device. */
const freeing = new WeakMap<Storage, () => void>();

/** Storage whose buffers now belong to later results. */
const donated = new WeakSet<Storage>();

function checkOwned(storage: Storage): void {
  if (!donated.has(storage)) return;
  throw new GraphError(
    `compile: a tensor [${storage.shape.join(", ")}] was donated to an earlier call. Use that call's result.`,
  );
}

/**
 * Takes the buffers of `storage`, which nothing can read from now on: those on a device are freed.
 * @returns The runtime's tensor, if it is on the host and can be written into.
 */
export function takeBuffers(storage: Storage): OrtTensor | undefined {
  if (donated.has(storage)) return undefined;
  donated.add(storage);
  const free = freeing.get(storage);
  if (free === undefined) return storage.native as OrtTensor | undefined;
  free();
  return undefined;
}

/** The runtime's tensor over `storage`, without a copy where it lives there already. */
export async function toNative(storage: Storage, device: Device): Promise<OrtTensor> {
  checkOwned(storage);
  if (storage.native !== undefined) {
    const native = storage.native as OrtTensor;
    if (native.location === "cpu" || device === "webgpu") return native;
  }
  const data = storage.host ?? (await storage.read());
  return hostTensor(device, storage.dtype, data, storage.shape);
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
      checkOwned(storage);
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

/** Runs `session` on named storages. */
export async function runSession(
  session: Session,
  feeds: readonly (readonly [string, Storage])[],
  into?: Readonly<Record<string, OrtTensor | null>>,
): Promise<Record<string, OrtTensor>> {
  const native: Record<string, OrtTensor> = {};
  for (const [name, storage] of feeds) native[name] = await toNative(storage, session.device);
  return session.run(native, into);
}

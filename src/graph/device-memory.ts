// Tensors in the memory of a device: which may stay there, and how their elements come to the host.
import type { Device } from "../runtime/device.ts";
import type { OrtTensor } from "../runtime/platform.ts";
import { memoryOf, type Session } from "../runtime/session.ts";
import type { Dim } from "./dim.ts";
import type { Dtype } from "./dtype.ts";
import type { OnnxPort } from "./onnx.ts";
import { openGraph } from "./open.ts";

/** One copying session per device, dtype and rank; never released. */
const copiers = new Map<string, Promise<Session>>();

function copier(device: Device, dtype: Dtype, rank: number): Promise<Session> {
  const key = `${device} ${dtype} ${rank}`;
  let session = copiers.get(key);
  if (session === undefined) {
    const shape = Array.from({ length: rank }, (_, i): Dim => `D${i}`);
    const port = (name: string): OnnxPort => ({ name, type: { dtype, shape } });
    const copy = { opType: "Identity", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} };
    session = openGraph(
      { name: "copy", nodes: [copy], initializers: [], inputs: [port("x")], outputs: [port("y")] },
      { device },
    );
    copiers.set(key, session);
    session.catch(() => copiers.delete(key));
  }
  return session;
}

/** A tensor with the elements of `tensor` on the host. */
export async function toHost(tensor: OrtTensor, device: Device): Promise<OrtTensor> {
  if (tensor.location === "cpu") return tensor;
  // onnxruntime-node cannot download a tensor, but a session whose result is wanted on the host does.
  const session = await copier(device, tensor.type as Dtype, tensor.dims.length);
  const { y } = await session.run({ x: tensor });
  if (y === undefined) throw new Error("copy returned nothing");
  return y;
}

/** Dtypes that a result may have when it is to stay in the memory of a device. */
const KEPT: ReadonlySet<string> = new Set<Dtype>(["float32", "float16", "int32", "int64", "uint8", "bool"]);

/** Whether a result of `dtype` can stay on `device`. */
export function staysOn(device: Device, dtype: Dtype): boolean {
  return memoryOf(device) === "device" && KEPT.has(dtype);
}

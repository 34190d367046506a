// From a graph to a session on a device; the one place where a runtime can be missing or refuse.
import { BackendError, OptionError } from "../errors.ts";
import type { Device, ModelFile } from "../runtime/device.ts";
import {
  deviceAdvice,
  openSession,
  reasonOf,
  type Session,
  type SessionOptions,
  wayOutOfBroken,
} from "../runtime/session.ts";
import { explain } from "./explain.ts";
import { encodeModel, externalChunks, type OnnxGraph, planExternalData } from "./onnx.ts";

/** Models with weights above this many bytes keep them in a file of their own. */
const EXTERNAL_BYTES = 8 << 20;

function modelFile(graph: OnnxGraph, handOver: boolean): ModelFile {
  const bytes = graph.initializers.reduce((sum, t) => sum + t.data.byteLength, 0);
  if (bytes < EXTERNAL_BYTES) return { bytes: encodeModel(graph) };
  const external = planExternalData(graph, "weights.bin");
  return {
    bytes: encodeModel(graph, external),
    external: {
      location: external.location,
      byteLength: external.byteLength,
      chunks: () => externalChunks(external, handOver),
    },
  };
}

/**
 * What ONNX Runtime may not do: share constants, which the emitter has done and which takes it time that grows with
 * the square of their number; and, in float64, move a constant factor beside a product into the product, where it is
 * held in float32.
 */
function unwanted(graph: OnnxGraph): readonly string[] {
  const double = graph.initializers.some((t) => t.dtype === "float64");
  return double ? ["ConstantSharing", "MatMulScaleFusion"] : ["ConstantSharing"];
}

/** The least a device can be asked: `y = x` for one number. */
const NOTHING: OnnxGraph = {
  name: "nothing",
  nodes: [{ opType: "Identity", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} }],
  initializers: [],
  inputs: [{ name: "x", type: { dtype: "float32", shape: [1] } }],
  outputs: [{ name: "y", type: { dtype: "float32", shape: [1] } }],
};

/**
 * Opens `graph` on a device, with large weights beside the model.
 * @param handOver Frees the memory of large weights as the runtime takes them.
 * @throws BackendError saying what to install when the device is missing, or what the runtime refused.
 */
export async function openGraph(
  graph: OnnxGraph,
  options: SessionOptions,
  handOver = false,
): Promise<Session> {
  const { device } = options;
  try {
    return await openSession(modelFile(graph, handOver), { ...options, without: unwanted(graph) });
  } catch (error) {
    if (error instanceof BackendError) throw error;
    // Constants are computed while the model is opened.
    const mistake = explain(error, device);
    if (mistake instanceof OptionError) throw mistake;
    if (await isMissing(device)) {
      const broken = await wayOutOfBroken(device);
      if (broken !== undefined) {
        throw new BackendError(
          `device ${device}: its runtime must work, got "${reasonOf(error)}". ${broken}`,
          {
            cause: error,
          },
        );
      }
      throw new BackendError(
        `device ${device}: must be available, got "${reasonOf(error)}". ${deviceAdvice(device)}`,
        { cause: error },
      );
    }
    throw new BackendError(
      `device ${device}: ONNX Runtime must accept the model, got "${reasonOf(error)}". Cast to another dtype, or run it on another device.`,
      { cause: error },
    );
  }
}

/** Whether `device` cannot even do nothing. */
async function isMissing(device: Device): Promise<boolean> {
  try {
    await (await openSession({ bytes: encodeModel(NOTHING) }, { device })).release();
    return false;
  } catch {
    return true;
  }
}

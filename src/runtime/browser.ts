// ONNX Runtime in a browser page.
import type { Device, Platform } from "./platform.ts";

/** The page's choice of device, made once. */
let automatic: Promise<Device> | undefined;

/** The part of `navigator` that asks for a GPU. */
interface Gpu {
  readonly gpu?: { requestAdapter(): Promise<object | null> };
}

/** Whether the page has a GPU to give: `navigator.gpu` may be there without one. */
async function hasAdapter(): Promise<boolean> {
  try {
    return ((await (navigator as Gpu).gpu?.requestAdapter()) ?? null) !== null;
  } catch {
    return false;
  }
}

async function chosen(): Promise<Device> {
  if (!("gpu" in navigator)) return "wasm";
  if (await hasAdapter()) return "webgpu";
  console.warn(
    "athanor: this page finds no WebGPU adapter, so programs run in WebAssembly, on the processor.",
  );
  return "wasm";
}

/** ONNX Runtime in a page: WebAssembly with threads where the page is cross-origin isolated, and WebGPU. */
export const platform: Platform = {
  devices: { wasm: "fresh", webgpu: "device" },
  preferred: () => (automatic ??= chosen()),
  requested: () => undefined,
  debugging: () => "ATHANOR_DEBUG" in globalThis,
  // Each runtime is one WebAssembly program that waits for the GPU in the middle of a call.
  oneAtATime: new Set(["wasm", "webgpu"]),
  async runtime(device) {
    const runtime = await (device === "webgpu"
      ? import("onnxruntime-web/webgpu")
      : import("onnxruntime-web/wasm"));
    // Zero means half of the cores to ONNX Runtime. The number is read once, when the runtime starts.
    if (crossOriginIsolated) runtime.env.wasm.numThreads ||= navigator.hardwareConcurrency;
    return runtime;
  },
  create(sessions, model, options) {
    const { external } = model;
    if (external === undefined) return sessions.create(model.bytes, options);
    const data = new Uint8Array(external.byteLength);
    let at = 0;
    for (const chunk of external.chunks()) {
      data.set(chunk, at);
      at += chunk.length;
    }
    return sessions.create(model.bytes, { ...options, externalData: [{ path: external.location, data }] });
  },
  feed: (tensor) => tensor,
  runtimePackage: "onnxruntime-web",
  async broken(device) {
    if (device === "webgpu" && !(await hasAdapter())) return undefined;
    return "Reload the page: its runtime has broken down.";
  },
  advice(device) {
    if (device === "webgpu") return "This page finds no WebGPU adapter; use device wasm.";
    return "Serve the .wasm files of onnxruntime-web/dist beside the scripts of the page.";
  },
};

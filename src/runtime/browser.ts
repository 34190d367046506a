// ONNX Runtime in a browser page.
import type { Device } from "./device.ts";
import type { Platform } from "./platform.ts";

/** The part of WebGPU that is needed to ask whether there is any. */
interface Gpu {
  requestAdapter(): Promise<object | null>;
}

/** Whether the page has a GPU to give. */
async function hasAdapter(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: Gpu };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter);
}

/** What this page has, once it is known, and the question while it is asked. */
let found: Device | undefined;
let asked: Promise<Device> | undefined;

/** WebGPU where the browser has it and finds an adapter, else WebAssembly, with one warning where that is a surprise. */
async function ask(): Promise<Device> {
  const adapter = await hasAdapter();
  if ("gpu" in navigator && !adapter) {
    console.warn(
      "athanor: this browser has WebGPU but finds no adapter for it; WebAssembly computes instead.",
    );
  }
  found = adapter ? "webgpu" : "wasm";
  return found;
}

/** ONNX Runtime in a page: WebAssembly with threads where the page is cross-origin isolated, and WebGPU. */
export const platform: Platform = {
  devices: { wasm: "fresh", webgpu: "device" },
  preferred: () => found ?? (asked ??= ask()),
  requested: () => undefined,
  loud: "ATHANOR_DEBUG" in globalThis,
  // Each runtime is one WebAssembly program that waits for the GPU, or for its threads, in the middle of a call.
  oneAtATime: new Set(["wasm", "webgpu"]),
  async runtime(device) {
    const runtime = await (device === "webgpu"
      ? import("onnxruntime-web/webgpu")
      : import("onnxruntime-web/wasm"));
    // Zero means half of the cores to ONNX Runtime. Both are read once, when the runtime starts.
    if (crossOriginIsolated) runtime.env.wasm.numThreads ||= navigator.hardwareConcurrency;
    runtime.env.logLevel = this.loud ? "warning" : "fatal";
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

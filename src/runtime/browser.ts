// ONNX Runtime in a browser page.
import type { Device } from "./device.ts";
import type { Platform } from "./platform.ts";

/** The part of WebGPU that is needed to ask whether there is any. */
interface Gpu {
  requestAdapter(): Promise<object | null>;
}

/** What this page has, once it is known, and the question while it is asked. */
let found: Device | undefined;
let asked: Promise<Device> | undefined;

/** WebGPU where the browser has it and finds an adapter, else WebAssembly, with one warning where that is a surprise. */
async function ask(): Promise<Device> {
  const { gpu } = navigator as { gpu?: Gpu };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (gpu !== undefined && !adapter) {
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
  loud: false,
  runtime: (device) =>
    device === "webgpu" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm"),
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
  advice(device) {
    if (device === "webgpu") return "This page finds no WebGPU adapter; use device wasm.";
    return "Serve the .wasm files of onnxruntime-web/dist beside the scripts of the page.";
  },
};

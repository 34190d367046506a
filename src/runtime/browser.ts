// ONNX Runtime in a browser page.
import type { Platform } from "./platform.ts";

/** ONNX Runtime in a page: WebAssembly with threads where the page is cross-origin isolated, and WebGPU. */
export const platform: Platform = {
  devices: { wasm: "fresh", webgpu: "device" },
  preferred: () => ("gpu" in navigator ? "webgpu" : "wasm"),
  requested: () => undefined,
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

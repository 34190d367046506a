// ONNX Runtime in Node.
import { mkdtempSync, openSync, writeSync, closeSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OrtTensor, Platform } from "./platform.ts";

/** ONNX Runtime in Node: native CPU, WebGPU through Dawn, CUDA where its provider is installed. */
export const platform: Platform = {
  devices: { cpu: "reusable", webgpu: "device", cuda: "reusable" },
  preferred: () => "cpu",
  requested: () => process.env["ATHANOR_DEVICE"],
  loud: Boolean(process.env["ATHANOR_DEBUG"]),
  // The binding works inside one turn of the event loop: calls cannot overlap.
  oneAtATime: new Set(),
  async runtime() {
    const ort = await import("onnxruntime-node");
    // Read once, when the first session opens.
    ort.env.logLevel = this.loud ? "warning" : "fatal";
    return ort;
  },
  async create(sessions, model, options) {
    const { external } = model;
    if (external === undefined) return sessions.create(model.bytes, options);
    // ONNX Runtime maps a file of weights into memory instead of holding copies; once the session is open the
    // mapping keeps the data alive and the folder can go.
    const folder = mkdtempSync(join(tmpdir(), "athanor-"));
    try {
      writeAll(join(folder, external.location), external.chunks());
      const path = join(folder, "model.onnx");
      writeAll(path, [model.bytes]);
      return await sessions.create(path, options);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  feed(tensor) {
    // The binding returns Float16Array but takes only Uint16Array.
    if (tensor.type !== "float16" || tensor.location !== "cpu") return tensor;
    const { buffer, byteOffset, length } = tensor.data as unknown as Uint16Array;
    const data = new Uint16Array(buffer, byteOffset, length);
    return Object.create(tensor, { data: { value: data } }) as OrtTensor;
  },
  runtimePackage: "onnxruntime-node",
  broken: () => Promise.resolve(undefined),
  advice(device) {
    if (device === "cuda") {
      return "Install its libraries with node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12.";
    }
    if (device === "webgpu") {
      return "Install a Vulkan driver; for a software one, set LD_LIBRARY_PATH to Chromium's folder and VK_ICD_FILENAMES to vk_swiftshader_icd.json in it.";
    }
    return "Reinstall onnxruntime-node, or use another device.";
  },
};

function writeAll(path: string, chunks: Iterable<Uint8Array>): void {
  const file = openSync(path, "w");
  try {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; )
        at += writeSync(file, chunk, at, Math.min(chunk.length - at, 1 << 30));
    }
  } finally {
    closeSync(file);
  }
}

// ONNX Runtime in Node.
import { mkdtempSync, openSync, writeSync, closeSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OrtTensor, Platform } from "./platform.ts";

/** ONNX Runtime in Node: native CPU, WebGPU through Dawn, CUDA where its provider is installed. */
export const platform: Platform = {
  devices: ["cpu", "webgpu", "cuda"],
  preferred: () => "cpu",
  requested: () => process.env["ATHANOR_DEVICE"],
  runtime: () => import("onnxruntime-node"),
  async create(create, model, options) {
    const { external } = model;
    if (external === undefined) return create(model.bytes, options);
    // ONNX Runtime maps a file of weights into memory instead of holding copies; once the session is open the
    // mapping keeps the data alive and the folder can go.
    const folder = mkdtempSync(join(tmpdir(), "athanor-"));
    try {
      writeAll(join(folder, external.location), external.chunks());
      const path = join(folder, "model.onnx");
      writeAll(path, [model.bytes]);
      return await create(path, options);
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
  advice(device) {
    if (device === "cuda")
      return "Install onnxruntime-node with its CUDA libraries (unset onnxruntime-node-install=skip).";
    if (device === "webgpu") {
      return "It needs a Vulkan driver; for a software one, set VK_ICD_FILENAMES to Chromium's vk_swiftshader_icd.json.";
    }
    return `Use one of cpu, webgpu, cuda.`;
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

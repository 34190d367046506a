// What a person reads when a device is missing, unknown, or refuses.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { BackendError, OptionError } from "../../src/errors.ts";
import type { OnnxPort } from "../../src/graph/onnx.ts";
import { openGraph } from "../../src/graph/open.ts";
import * as t from "../../src/tensor/index.ts";
import { missingDevice, unless } from "../support/devices.ts";

const one = (): t.Tensor => t.tensor([1]).add(1);

afterEach(() => {
  vi.unstubAllEnvs();
  vi.doUnmock("onnxruntime-node");
  vi.resetModules();
});

test("an unknown device suggests the nearest, from options and from the environment", async () => {
  const message = 'device: must be one of cpu, webgpu, cuda here, got "web-gpu". Did you mean webgpu?';
  const wrong = "web-gpu" as t.Device;
  await expect(t.evaluate(one(), { device: wrong })).rejects.toThrow(new OptionError(message));
  await expect(t.compile(one, { device: wrong })()).rejects.toThrow(new OptionError(message));
  vi.stubEnv("ATHANOR_DEVICE", "web-gpu");
  await expect(one().data()).rejects.toThrow(new OptionError(message));
  // A device of the other platform is unknown here.
  await expect(t.evaluate(one(), { device: "wasm" })).rejects.toThrow(
    new OptionError('device: must be one of cpu, webgpu, cuda here, got "wasm".'),
  );
});

const here = (await missingDevice("cuda")) === false;
test.skipIf(here)(
  `a missing provider says what to install${unless(here && "no provider is missing here")}`,
  async () => {
    await expect(t.evaluate(one(), { device: "cuda" })).rejects.toThrow(
      new BackendError(
        'device cuda: must be available, got "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library". Install its libraries with node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12.',
      ),
    );
  },
);

test("webgpu without a driver says so, in one line on a person's terminal", async () => {
  const program =
    'import { evaluate, tensor } from "./src/tensor/index.ts"; await evaluate(tensor([1]).add(1), { device: "webgpu" }).catch((e) => console.log(`${e.name}: ${e.message}`));';
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=source", "--input-type=module-typescript", "--eval", program],
    { env: { ...process.env, VK_ICD_FILENAMES: "/dev/null", VK_DRIVER_FILES: "/dev/null" } },
  );
  expect(stdout).toBe(
    'BackendError: device webgpu: must be available, got "Failed to get a WebGPU adapter: No supported adapters". Install a Vulkan driver; for a software one, set LD_LIBRARY_PATH to Chromium\'s folder and VK_ICD_FILENAMES to vk_swiftshader_icd.json in it.\n',
  );
});

test.each([
  ["nothing", ""],
  ["what the runtime says, when asked", "1"],
])("a runtime that fails prints %s", async (_, debug) => {
  const program =
    'import { evaluate, tensor } from "./src/tensor/index.ts"; await evaluate(tensor([1]).add(1), { device: "cuda" }).catch(() => {});';
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ["--conditions=source", "--input-type=module-typescript", "--eval", program],
    { env: { ...process.env, ATHANOR_DEBUG: debug } },
  );
  if (debug === "") expect(stdout + stderr).toBe("");
  else expect(here || stderr.includes("onnxruntime")).toBe(true);
});

test("an operator that the device does not know says what the runtime said", async () => {
  const port = (name: string): OnnxPort => ({ name, type: { dtype: "float32", shape: [1] } });
  const node = { opType: "Nonsense", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} };
  const graph = { name: "g", nodes: [node], initializers: [], inputs: [port("x")], outputs: [port("y")] };
  const failing = openGraph(graph, { device: "cpu" });
  await expect(failing).rejects.toThrow(BackendError);
  await expect(failing).rejects.toThrow(
    /^device cpu: ONNX Runtime must accept the model, got ".*No Op registered for Nonsense.*"\. Cast to another dtype, or run it on another device\.$/,
  );
  await expect(failing).rejects.toHaveProperty("cause.message", expect.stringContaining("Nonsense"));
});

test("a runtime that does not load names its package", async () => {
  vi.resetModules();
  vi.doMock("onnxruntime-node", () => {
    throw new Error("no binding for this machine");
  });
  const fresh = await import("../../src/tensor/index.ts");
  const failing = fresh.evaluate(fresh.tensor([1]).add(1));
  await expect(failing).rejects.toThrow(
    /^device cpu: onnxruntime-node must load, got ".*"\. Install it with npm install onnxruntime-node@1\.30\.0\.$/,
  );
});

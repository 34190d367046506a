// A GPU that goes away under a page.
import { expect, test } from "vitest";
import { BackendError } from "../../src/errors.ts";
import { evaluate, tensor } from "../../src/tensor/index.ts";
import { missingDevice } from "../support/devices.ts";

const missing = await missingDevice("webgpu");

test.skipIf(missing)("a lost device is told in one sentence, and WebAssembly goes on", async () => {
  const { env } = await import("onnxruntime-web/webgpu");
  const device = (await env.webgpu.device) as unknown as { destroy(): void };
  device.destroy();
  const call = (): Promise<unknown> => evaluate(tensor([1, 2]).mul(3), { device: "webgpu" });
  const sentence =
    /^device webgpu: must stay while a program runs, got ".*[Dd]evice was lost.*"\. Reload the page: its runtime has broken down\.$/;
  const said = call();
  await expect(said).rejects.toThrow(BackendError);
  await expect(said).rejects.toThrow(sentence);
  await expect(call()).rejects.toThrow(sentence);
  const y = await evaluate(tensor([1, 2]).mul(3), { device: "wasm" });
  expect(Array.from((await y.data()) as Float32Array)).toEqual([3, 6]);
});

// What a person reads in a page when a device is unknown there.
import { expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import { type Device, evaluate, tensor } from "../../src/tensor/index.ts";

test("a device of the other platform is unknown here", async () => {
  const there = (device: string): Promise<unknown> =>
    evaluate(tensor([1]).add(1), { device: device as Device });
  await expect(there("cpu")).rejects.toThrow(
    new OptionError('device: must be one of wasm, webgpu here, got "cpu".'),
  );
  await expect(there("wasn")).rejects.toThrow(
    new OptionError('device: must be one of wasm, webgpu here, got "wasn". Did you mean wasm?'),
  );
});

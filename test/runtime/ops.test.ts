// Every op on Node's WebGPU against the processor, and where its kernels run.
import { expect, test } from "vitest";
import { missingDevice, unless } from "../support/devices.ts";
import { disagreeing, elsewhere, probeOps } from "../support/op-probe.ts";

const missing = await missingDevice("webgpu");

test.skipIf(missing)(
  `webgpu computes every op, and all but two without the processor${unless(missing)}`,
  async () => {
    const webgpu = await probeOps("webgpu");
    // WebGPU allows trigonometric functions an error of 2⁻¹¹ of one.
    expect(disagreeing(webgpu, await probeOps("cpu"), 2 ** -11)).toEqual([]);
    expect(elsewhere(webgpu)).toEqual(["topK", "scan"]);
  },
);

// Every op on the page's WebGPU against its WebAssembly, and where its kernels run.
import { expect, test } from "vitest";
import { missingDevice, unless } from "../support/devices.ts";
import { disagreeing, elsewhere, probeOps } from "../support/op-probe.ts";

const missing = await missingDevice("webgpu");

test.skipIf(missing)(
  `webgpu computes every op, and all but two without the processor${unless(missing)}`,
  async () => {
    const wasm = await probeOps("wasm");
    const webgpu = await probeOps("webgpu");
    expect(elsewhere(wasm)).toEqual([]);
    expect(disagreeing(webgpu, wasm, 2 ** -11)).toEqual([]);
    expect(elsewhere(webgpu)).toEqual(["topK", "scan"]);
  },
);

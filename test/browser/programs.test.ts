// Random programs in a page, one after another and several at once.
import { expect, test } from "vitest";
import { missingDevice } from "../support/devices.ts";
import { findMany } from "../fuzz/programs/find.ts";

const missing = await missingDevice("webgpu");

test("some programs in WebAssembly", async () => {
  expect((await findMany(3000, 6, { device: "wasm", longest: 8 })).failures).toEqual([]);
  expect((await findMany(3100, 6, { device: "wasm", longest: 8, together: 6 })).failures).toEqual([]);
});

test.skipIf(missing)("some programs on WebGPU", async () => {
  const options = { device: "webgpu", longest: 5, dtypes: ["float32", "int32", "bool"] } as const;
  expect((await findMany(3200, 3, options)).failures).toEqual([]);
  expect((await findMany(3300, 3, { ...options, together: 3 })).failures).toEqual([]);
});

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { compressorBits } from "../../src/cli/demo/compressors.ts";

test("compressors: repetition costs next to nothing, noise eight bits and a little", async () => {
  const repeated = await compressorBits(Buffer.from("all that glitters ".repeat(5000)));
  expect(repeated.gzip).toBeLessThan(0.05);
  expect(repeated.xz).toBeLessThan(0.05);
  const noise = await compressorBits(randomBytes(50_000));
  expect(Math.min(noise.gzip, noise.xz)).toBeGreaterThan(8);
  expect(noise.gzip).toBeLessThan(8.1);
  // xz's container stores noise as it is; LZMA alone pays up to 1.5 % for it.
  expect(noise.xz).toBeLessThan(8.12);
});

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { compressorBits } from "../../src/cli/compressors.ts";

test("compressors: repetition costs next to nothing, noise eight bits and a little", async () => {
  const repeated = await compressorBits(Buffer.from("all that glitters ".repeat(5000)));
  expect(repeated.gzip).toBeLessThan(0.05);
  expect(repeated.xz).toBeLessThan(0.05);
  const noise = await compressorBits(randomBytes(50_000));
  for (const bits of [noise.gzip, noise.xz]) {
    expect(bits).toBeGreaterThan(8);
    expect(bits).toBeLessThan(8.1);
  }
});

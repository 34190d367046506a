// Codes of 4 bits against llama.cpp's own quantiser, of 8 against numpy, both against the nearest code by trial.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nbit, toNbit } from "../../src/quantize/index.ts";
import { nbitRow } from "../reference/nbit.ts";
import { expectClose } from "../support/check.ts";

interface Coded {
  readonly codes: readonly (readonly number[])[];
  readonly scales: readonly (readonly number[])[];
}
const golden = JSON.parse(readFileSync(new URL("../golden/nbit.json", import.meta.url), "utf8")) as {
  readonly w: readonly number[][];
  readonly "4": Coded;
  readonly "8": Coded;
};

const [ROWS, WIDTH] = [golden.w.length, golden.w[0]?.length ?? 0];

/** Codes, one number each: of 4 bits two stand in a byte, the lower half first. */
function unpacked(bytes: ArrayLike<number | bigint>, bits: 4 | 8): number[] {
  const all = Array.from(bytes, Number);
  return bits === 8 ? all : all.flatMap((byte) => [byte & 15, byte >> 4]);
}

test.each([4, 8] as const)("%i bits", async (bits) => {
  const { codes, scales } = toNbit(Float32Array.from(golden.w.flat()), ROWS, WIDTH, bits);
  const wanted = golden[bits];
  const rows = golden.w.map((row) => nbitRow(row, bits));
  expect(unpacked(await codes.data(), bits)).toEqual(wanted.codes.flat());
  expect(rows.map((row) => row.codes)).toEqual(wanted.codes);
  // llama.cpp keeps its scales in float16.
  const got = Array.from(await scales.data(), Number);
  wanted.scales.flat().forEach((scale, i) => {
    const error = Math.abs((got[i] ?? Number.NaN) - scale);
    expect(error).toBeLessThanOrEqual((bits === 4 ? 2 ** -11 : 0) * Math.abs(scale));
  });
  expect(got).toEqual(rows.flatMap((row) => row.scales));
  expectClose(
    await nbit.toDense({ codes, scales }).data(),
    rows.flatMap((row) => row.back),
    1e-7,
  );
});

// The state of a training that was killed comes back from a file of any size, wherever Node puts its bytes.
import { expect, test } from "vitest";
import { FileError } from "../../src/errors.ts";
import { decodeState, encodeState } from "../../src/tokenizer/train/em-state.ts";

const pieces = ["the", " furnace", "s"].map((piece) => new TextEncoder().encode(piece));
const state = {
  pieces,
  counts: Float64Array.of(3, 1.5, 0.25),
  p: Float64Array.of(0.5, 0.25, 0.125),
  tilt: -1.25,
  passes: 7,
  grown: 2,
};
const about = { report: { bytes: 90, texts: 2, invalidTexts: 1, invalidBytes: 3 }, candidates: 12 };
const bytes = encodeState(state, about);

// Node reads files below half of its pool into the pool; `slice` of such a Buffer is a view of it.
test.each([0, 1, 8, 16, 31])("from %i bytes into a pool", (start) => {
  const pool = Buffer.alloc(bytes.length + 64, 0x7b);
  pool.set(bytes, start);
  const back = decodeState(pool.subarray(start, start + bytes.length));
  expect({ ...back, pieces: back.pieces.map((piece) => [...piece]) }).toEqual({
    ...state,
    ...about,
    pieces: pieces.map((piece) => [...piece]),
  });
  pool.fill(0);
  expect([...(back.pieces[1] ?? [])]).toEqual([...(pieces[1] ?? [])]);
});

test("what is cut is refused", () => {
  for (const length of [0, 8, 71, bytes.length - 1])
    expect(() => decodeState(bytes.subarray(0, length))).toThrow(FileError);
});

// Damaged files of every format are read or refused with a sentence. `npm run fuzz -- files` reads many more.
import { describe, expect, test } from "vitest";
import { FileError } from "../../src/errors.ts";
import { findFile } from "./files/find.ts";
import { FORMATS, isRefusal } from "./files/formats.ts";

describe.each(Object.entries(FORMATS))("%s", (name, format) => {
  test("the good file is read", async () => {
    expect(await format.read(format.good())).toBeDefined();
  });

  test("as a Buffer in the middle of a pool, too", async () => {
    const { length } = format.good();
    const pool = Buffer.alloc(length + 9, 0x7b);
    pool.set(format.good(), 3);
    expect(await format.read(pool.subarray(3, 3 + length))).toEqual(await format.read(format.good()));
  });

  test("120 damaged ones", async () => {
    const failures: string[] = [];
    for (let seed = 0; seed < 120; seed++) {
      const failure = await findFile(name, seed);
      if (failure !== undefined) failures.push(failure);
    }
    expect(failures).toEqual([]);
  });

  test("an error of the program itself is no refusal", () => {
    expect(isRefusal(format, new TypeError("x is undefined"))).toBe(false);
  });
});

test("no bit of a checkpoint changes unseen", async () => {
  const { good, read } = FORMATS["checkpoint"] ?? {};
  if (good === undefined || read === undefined) throw new Error("checkpoints must be a format.");
  const [file, wanted] = [good(), await read(good())];
  let refused = 0;
  for (let bit = 0; bit < 8 * file.length; bit++) {
    const bytes = file.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      expect(await read(bytes), `bit ${bit}`).toEqual(wanted);
    } catch (error) {
      expect(error, `bit ${bit}`).toBeInstanceOf(FileError);
      refused++;
    }
  }
  // Harmless are the name of the format, and keys that nobody reads.
  expect(refused).toBeGreaterThan(8 * file.length - 400);
});

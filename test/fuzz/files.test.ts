// Damaged files of every format are read or refused with a sentence. `npm run fuzz -- files` reads many more.
import { describe, expect, test } from "vitest";
import { findFile } from "./files/find.ts";
import { FORMATS, isRefusal } from "./files/formats.ts";

describe.each(Object.entries(FORMATS))("%s", (name, format) => {
  test("the good file is read", async () => {
    expect(await format.read(format.good())).toBeDefined();
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

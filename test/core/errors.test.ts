import { expect, test } from "vitest";
import { checkOptions, nearest, OptionError } from "../../src/errors.ts";

test("nearest finds a mistyped name and leaves strangers out", () => {
  expect(nearest("larning-rate", ["learning-rate", "batch", "steps"])).toEqual(["learning-rate"]);
  expect(nearest("zzz", ["learning-rate"])).toEqual([]);
});

test("an unknown option names the nearest one", () => {
  expect(() => checkOptions("train", { stepz: 1 }, ["steps", "batch"])).toThrow(
    new OptionError('train: option "stepz" is unknown. Did you mean steps?'),
  );
});

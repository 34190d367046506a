// Random programs of the whole op set against loops over plain arrays: values, gradients, tangents, curvature, in every
// mode. `npm run fuzz -- programs` runs many more.
import { expect, test } from "vitest";
import { missingDevice } from "../support/devices.ts";
import type { Program } from "../reference/program.ts";
import { findIn, MODES } from "./programs/check.ts";
import { findMany, modeOf } from "./programs/find.ts";
import { generate } from "./programs/generate.ts";
import { print } from "./programs/print.ts";
import { shrink } from "./programs/shrink.ts";

const missing = await missingDevice("webgpu");

test("200 programs on cpu, each in one mode", async () => {
  const { failures, runs } = await findMany(1, 200, { device: "cpu", longest: 10 });
  expect(failures).toEqual([]);
  expect(runs).toBeGreaterThan(150);
});

test("several at once", async () => {
  const { failures } = await findMany(1000, 12, { device: "cpu", longest: 8, together: 6 });
  expect(failures).toEqual([]);
});

test.skipIf(missing)("some on webgpu, alone and several at once", async () => {
  const options = { device: "webgpu", longest: 6, dtypes: ["float32", "int32", "bool"] } as const;
  expect((await findMany(2000, 4, options)).failures).toEqual([]);
  expect((await findMany(2004, 4, { ...options, together: 4 })).failures).toEqual([]);
});

test("seeds reach every function and every mode, the same program each time", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 400; seed++) {
    JSON.stringify(generate(seed, { longest: 12 }).program.steps, (key, value: unknown) => {
      if (key === "fn") seen.add(value as string);
      return value;
    });
  }
  expect(seen.size).toBeGreaterThan(95);
  expect(new Set(Array.from({ length: 6 }, (_, i) => modeOf(i)))).toEqual(new Set(MODES));
  expect(generate(7).program).toEqual(generate(7).program);
});

test("a wrong number is found, shrunk and printed as a program", async () => {
  // `x · x` with an element of the data changed behind the reference's back stands for a wrong op.
  const input = (id: number): Program["inputs"][number] => ({
    id,
    dtype: "float64",
    shape: [2],
    values: [1, 2],
    direction: [1, -0.5],
  });
  const ref = (id: number): { ref: number } => ({ ref: id });
  const step = (
    id: number,
    fn: string,
    ...args: Program["steps"][number]["args"]
  ): Program["steps"][number] => ({
    fn,
    args,
    outs: [{ id, at: "" }],
  });
  const program: Program = {
    inputs: [input(0), input(1)],
    steps: [
      step(2, "exp", ref(0)),
      step(3, "mul", ref(2), ref(1)),
      step(4, "sinh", ref(3)),
      step(5, "add", ref(4), 1),
    ],
    results: [5, 2],
  };
  expect(await findIn(program, "evaluate", "cpu")).toBeUndefined();
  const fails = (p: Program): Promise<boolean> => Promise.resolve(JSON.stringify(p.steps).includes("sinh"));
  const least = await shrink(program, fails);
  expect(least.steps.map((s) => s.fn)).toContain("sinh");
  expect(least.steps.length).toBeLessThanOrEqual(2);
  expect(print(least, "wrong")).toContain("t.sinh(v3)");
});

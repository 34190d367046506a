import { describe, expect, test } from "vitest";
import {
  hwfa2Plan,
  hwfaPlan,
  inferencePlan,
  PLANS,
  readPlan,
  trainingPlan,
} from "../../src/position/index.ts";
import type { PositionSpec } from "../../src/position/index.ts";

const MODEL = { layers: 6, trainingLength: 64 };
const read = (text: string) => readPlan(text) ?? { name: "none", options: {} };
const train = (text: string): PositionSpec[] => trainingPlan(read(text), MODEL);
const run = (text: string, own: readonly PositionSpec[]): PositionSpec[] =>
  inferencePlan(read(text), own, MODEL);

describe("plans by name", () => {
  test("are what their functions say", () => {
    expect(train("hwfa")).toEqual(hwfaPlan(MODEL));
    expect(train("hwfa2:window=8,full=1")).toEqual(
      hwfa2Plan({ ...MODEL, window: 8, full: 1, stage: "training" }),
    );
    expect(new Set(train("inverse-leaky-rerope:scale=4").map((s) => JSON.stringify(s)))).toEqual(
      new Set([
        JSON.stringify({
          type: "leaky-rerope",
          base: 10_000,
          window: 16, // N/4
          leak: 1 / 8, // 1/k = 2s
          logScale: "trained",
          trainingLength: 64,
        }),
      ]),
    );
    for (const name of Object.keys(PLANS)) expect(train(name), name).toHaveLength(6);
    expect(readPlan("rope:base=500")).toBeUndefined();
  });

  test("run as their articles say, from what the layers have", () => {
    const two = train("hwfa2:window=8");
    expect(run("hwfa2", two)).toEqual(hwfa2Plan({ ...MODEL, window: 8, stage: "inference" }));
    expect(run("hwfa2:window=16", two).find((s) => s.type === "rerope")?.window).toBe(16);
    expect(run("hwfa", train("hwfa"))).toEqual(train("hwfa"));
    const own = train("inverse-leaky-rerope");
    expect(run("inverse-leaky-rerope", own)[0]).toEqual({
      type: "rope",
      base: 10_000,
      logScale: "trained",
      trainingLength: 64,
    });
  });

  test("refuse models that were not trained with them, and what they cannot read", () => {
    const plain: PositionSpec[] = Array.from({ length: 6 }, () => ({ type: "rope" }));
    expect(() => run("hwfa2", plain)).toThrow(
      "position: hwfa2 is for a model trained with it, got layers of rope. Train one with athanor train --position hwfa2.",
    );
    expect(() => run("inverse-leaky-rerope", train("hwfa"))).toThrow("got layers of rope in a window, none.");
    expect(() => run("hwfa2:full=1", train("hwfa2"))).toThrow('position hwfa2: option "full" is unknown.');
    expect(() => train("hwfa2:windw=8")).toThrow('position hwfa2: option "windw" is unknown.');
    expect(() => train("hwfa2:full=0.5")).toThrow("hwfa2Plan: full must be a whole number ≥ 1, got 0.5.");
    expect(() => readPlan("hwfa2:window=wide")).toThrow(
      'position hwfa2: window must be a number, got "wide".',
    );
    expect(() => train("inverse-leaky-rerope:scale=0")).toThrow("scale must be a number ≥ 1, got 0.");
  });
});

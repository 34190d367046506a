// Settings of before there were several rules, and what a preset's numbers mean beside another rule.
import { describe, expect, test } from "vitest";
import { mergeSettings, trainSettings } from "../../src/train/index.ts";
import { leastTrainingBytes } from "../../src/train/memory.ts";
import { presetNamed, withRecipe } from "../../src/train/presets.ts";
import { causalLMConfig } from "../../src/model/index.ts";
import { checkModel } from "../../src/train/text-task.ts";

describe("the optimizer of settings", () => {
  test("is AdamW with the numbers that stood beside the others", () => {
    const usual = { type: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decay: 0.1, clip: 1 };
    expect(trainSettings().optimizer).toEqual(usual);
    const lifted = trainSettings({ beta1: 0.8, beta2: 0.95, decay: 0, clip: 2 }).optimizer;
    expect(lifted).toEqual({ ...usual, beta1: 0.8, beta2: 0.95, decay: 0, clip: 2 });
    expect(trainSettings({ beta2: 0.95, optimizer: { type: "adamw", decay: 0.2 } }).optimizer).toEqual({
      ...usual,
      beta2: 0.95,
      decay: 0.2,
    });
    expect(() => trainSettings({ clip: 2, optimizer: { type: "lion" } })).toThrow(
      'train: clip must stand in optimizer beside type "lion", got it beside optimizer. Move it there.',
    );
    expect(() => trainSettings({ beta2: 1 })).toThrow(
      "optimizer: adamw: beta2 must be a number between 0 and",
    );
  });

  test("brings its own rate, unless one is said", () => {
    expect(trainSettings({ optimizer: { type: "lion" } }).rate).toBe(2e-4);
    expect(trainSettings({ optimizer: { type: "lion" }, rate: 1e-3 })).toMatchObject({
      rate: 1e-3,
      floor: 1e-4,
    });
    const tiny = withRecipe(presetNamed("tiny"), {}, { training: { optimizer: { type: "tiger" } } });
    expect(trainSettings(tiny.training)).toMatchObject({ rate: 2e-3, floor: 2e-4, steps: 500 });
    const adamw = withRecipe(presetNamed("shakespeare-char"), { training: { beta2: 0.9 } });
    expect(trainSettings(adamw.training)).toMatchObject({
      rate: 1e-3,
      optimizer: { beta2: 0.9, decay: 0.1 },
    });
  });

  test("settings merge field by field for one rule, not across rules", () => {
    expect(mergeSettings({ beta1: 0.8, rate: 1 }, { optimizer: { type: "adamw", beta2: 0.5 } })).toEqual({
      rate: 1,
      optimizer: { type: "adamw", beta1: 0.8, beta2: 0.5 },
    });
    expect(mergeSettings({ beta1: 0.8, rate: 1, steps: 3 }, { optimizer: { type: "sgd" } })).toEqual({
      steps: 3,
      optimizer: { type: "sgd" },
    });
  });
});

describe("before anything heavy", () => {
  test("heads that a preset's key-value heads do not divide drop these", () => {
    expect(withRecipe(presetNamed("small"), { model: { heads: 7, width: 14 } }).model).not.toHaveProperty(
      "keyValueHeads",
    );
    expect(withRecipe(presetNamed("small"), { model: { heads: 8 } }).model).toHaveProperty(
      "keyValueHeads",
      2,
    );
  });

  test("heads of odd width are refused where positions turn", () => {
    const sizes = { vocabulary: 256, context: 8, width: 7, layers: 1, heads: 7 };
    expect(() => checkModel(causalLMConfig(sizes))).toThrow(
      "causalLM: the part of a head that turns must have an even width, got 1 of 1 (7 heads).",
    );
    expect(() => checkModel(causalLMConfig({ ...sizes, width: 21 }))).toThrow("got 3 of 3 (7 heads)");
    checkModel(causalLMConfig({ ...sizes, position: { type: "learned" } }));
    checkModel(causalLMConfig({ ...sizes, width: 14 }));
  });

  test("the least memory of a step grows with its tokens, and is never more than a step takes", () => {
    const config = causalLMConfig({ vocabulary: 4096, context: 256, width: 256, layers: 4, heads: 8 });
    const one = leastTrainingBytes(config, 256);
    expect(leastTrainingBytes(config, 8 * 256) - leastTrainingBytes(config, 7 * 256)).toBe(
      leastTrainingBytes(config, 2 * 256) - one,
    );
    // bench/train-step.ts at 8 × 256 peaks at about 700 MB, this process included.
    expect(leastTrainingBytes(config, 8 * 256)).toBeLessThan(700e6);
  });
});

describe("a rule for embeddings", () => {
  test("brings its own rate and fields, and is checked like the other", () => {
    const embedding = { optimizer: { type: "adamw" as const } };
    const settings = trainSettings({ optimizer: { type: "tiger" }, embedding });
    expect(settings.embedding).toMatchObject({ rate: 1e-3, optimizer: { type: "adamw", beta2: 0.99 } });
    expect(trainSettings({ embedding: { ...embedding, rate: 0.5 } }).embedding?.rate).toBe(0.5);
    expect(() => trainSettings({ embedding: { optimizer: { type: "adam" as never } } })).toThrow(
      "optimizer: type must be one of",
    );
    expect(() => trainSettings({ embedding: { ...embedding, rate: -1 } })).toThrow(
      "train: embedding.rate must be a number ≥ 0, got -1.",
    );
    expect(() => trainSettings({ lazyRows: 1 as never })).toThrow(
      "train: lazyRows must be true or false, got 1.",
    );
  });
});

// Sequences to classes: what fills a batch up counts for nothing, for every kind of mixer, pooling and direction.
import { describe, expect, test } from "vitest";
import { type AttentionConfig, parseAttention } from "../../src/model/index.ts";
import { ATTENTION_TYPES } from "../../src/model/attention-config.ts";
import { classifier, classifierParametersOf, initClassifier } from "../../src/model/classifier.ts";
import { classifierConfig, type ClassifierConfig } from "../../src/model/classifier-config.ts";
import { crossEntropy } from "../../src/nn/index.ts";
import { evaluate, flattenTree, grad, mapTree, random, sum, tensor } from "../../src/tensor/index.ts";
import { expectClose } from "../support/check.ts";

const T = 11;
const FULL: Readonly<Record<string, string>> = {
  rtf: "rtf:state=4",
  rnn: "rnn:cell=gru",
  window: "window:window=3",
  "transformer-vq": "transformer-vq:codes=5,block=4",
  mla: "mla:latentWidth=6,rotaryWidth=4",
};
const mixers: AttentionConfig[] = ATTENTION_TYPES.map((type) => parseAttention(FULL[type] ?? type));

function configOf(attention: AttentionConfig, more: Partial<ClassifierConfig> = {}): ClassifierConfig {
  return classifierConfig({
    input: { type: "series", channels: 2, stride: 1, window: 1 },
    outputs: 3,
    context: T,
    width: 16,
    layers: 2,
    heads: 2,
    attention,
    ...more,
  });
}

/** Parameters large enough to matter. */
const paramsOf = (config: ClassifierConfig) =>
  mapTree(initClassifier(config, random.key(3)), (p, name) => (/proj|head/.test(name) ? p.mul(8) : p));

const series = (B: number, length: number, seed: number) =>
  random.normal(random.key(seed), [B, length, 2], { std: 1 });

/** The first of three sequences, whose other places hold `rest`. */
async function firstOf(config: ClassifierConfig, rest: number): Promise<Float64Array> {
  const own = Float64Array.from(await series(1, 7, 5).data(), Number);
  const x = new Float32Array(3 * T * 2).fill(rest);
  x.set(own);
  x.set(
    Float32Array.from({ length: 2 * T * 2 }, (_, i) => Math.sin(i + rest)),
    T * 2,
  );
  const lengths = tensor([7, T, 1], { dtype: "int32" });
  const { y } = classifier(config, paramsOf(config), { x: tensor(x, { shape: [3, T, 2] }), lengths });
  return Float64Array.from(await y.data(), Number).subarray(0, 3);
}

describe.each(mixers.map((m) => [m.type, m] as const))("classifier of %s", (_, attention) => {
  test("alone, and beside others with anything behind its end, a sequence gives the same", async () => {
    const config = configOf(attention);
    const lengths = tensor([7], { dtype: "int32" });
    const alone = classifier(config, paramsOf(config), { x: series(1, 7, 5), lengths });
    const expected = Float64Array.from(await alone.y.data(), Number);
    expect(Math.hypot(...expected)).toBeGreaterThan(0.01);
    for (const rest of [0, 3]) expectClose(await firstOf(config, rest), expected, 2e-5);
  });

  test("every parameter that gradients train gets one", async () => {
    const config = configOf(attention);
    const x = series(4, T, 6);
    const lengths = tensor([T, 9, 5, 3], { dtype: "int32" });
    const targets = tensor([0, 2, 1, 1], { dtype: "int32" });
    const loss = (p: ReturnType<typeof paramsOf>) =>
      crossEntropy(classifier(config, p, { x, lengths }).y, targets);
    const sizes = await evaluate(mapTree(grad(loss)(paramsOf(config)), (g) => sum(g.mul(g))));
    const averaged = [...classifierParametersOf(config)].filter(([, { by }]) => by === "average");
    for (const [name, size] of flattenTree(sizes)) {
      const value = await size.item();
      expect(Number.isFinite(value), name).toBe(true);
      if (!averaged.some(([own]) => own === name)) expect(value, name).toBeGreaterThan(0);
    }
  });
});

describe("pooling and directions", () => {
  const rtf = { type: "rtf", state: 4 } as const;
  /** How far two configurations of the same parameters are apart. */
  const apart = async (a: Partial<ClassifierConfig>, b: Partial<ClassifierConfig>): Promise<number> => {
    const [x, y] = [await firstOf(configOf(rtf, a), 0), await firstOf(configOf(rtf, b), 0)];
    return Math.hypot(...x.map((v, i) => v - (y[i] ?? 0)));
  };

  test.each(["mean", "max", "last"] as const)("%s looks at the places that count alone", async (pooling) => {
    const config = configOf(rtf, { pooling });
    expectClose(await firstOf(config, 0), await firstOf(config, 3), 2e-5);
    expect(await apart({ pooling }, { pooling: pooling === "mean" ? "last" : "mean" })).toBeGreaterThan(1e-4);
  });

  test("the second block reads backwards, the first one never", async () => {
    expect(await apart({ alternate: true }, { alternate: false })).toBeGreaterThan(1e-4);
    expect(await apart({ alternate: true, layers: 1 }, { alternate: false, layers: 1 })).toBe(0);
  });
});

test("more places than learned positions are refused", () => {
  const config = configOf({ type: "linear" });
  const sequences = { x: series(1, T + 2, 1), lengths: tensor([4], { dtype: "int32" }) };
  expect(() => classifier(config, paramsOf(config), sequences)).toThrow(
    `classifier: x must have at most the ${T} places of the learned positions, got ${T + 2}.`,
  );
});

describe("what makes no classifier", () => {
  const rtf = { type: "rtf", state: 4 } as const;
  test.each<[string, () => unknown, string]>([
    [
      "an order above the length",
      () => configOf({ type: "rtf", state: 64 }),
      "classifier: layer 0: rtf attention needs a length above its state of 64, got 11. Lower state, or give a length.",
    ],
    [
      "no classes",
      () => configOf(rtf, { outputs: 0 }),
      "classifier: outputs must be a whole number ≥ 1, got 0.",
    ],
    [
      "a pooling that is none",
      () => configOf(rtf, { pooling: "median" as "mean" }),
      'classifier: pooling must be one of mean, max, last, got "median".',
    ],
    [
      "an input of no kind",
      () => configOf(rtf, { input: { type: "image" } as never }),
      'classifier: input must be of type series or tokens, got {"type":"image"}.',
    ],
    [
      "no channels",
      () => configOf(rtf, { input: { type: "series", channels: 0, stride: 1, window: 1 } }),
      "classifier: input channels must be a whole number ≥ 1, got 0.",
    ],
    [
      "sizes that no block count divides",
      () => configOf(rtf, { maps: [{ type: "monarch", blocks: 5, match: "mlp.*" }] }),
      "blocks=5 must divide the 16 numbers of the input",
    ],
  ])("%s", (_, make, sentence) => {
    expect(make).toThrow(sentence);
  });
});

// Every way to fine-tune, as a training: it starts as the base, learns, and goes on as if it had never been stopped; and
// what is kept of it, and when it ends by itself.
import { describe, expect, test } from "vitest";
import type { Adapter } from "../../src/adapt/index.ts";
import { causalLMConfig, frozenInBits, initCausalLM, thawed } from "../../src/model/index.ts";
import { ADAPT_METHODS, adaptMethod } from "../../src/train/adapt-methods.ts";
import { adaptTask, type AdaptTask, zerosLike } from "../../src/train/adapt-task.ts";
import { keepingBest, type Validated, withoutGain } from "../../src/train/best.ts";
import { memoryStore, trainRun, trainSettings } from "../../src/train/index.ts";
import type { Row } from "../../src/train/packing.ts";
import { evaluate, mapTree, random } from "../../src/tensor/index.ts";
import { list } from "../support/check.ts";

const config = causalLMConfig({ vocabulary: 17, context: 16, width: 32, layers: 1, heads: 2, hidden: 32 });
/** Its own for every training: `full` trains the very tensors that it is given. */
const made = () =>
  evaluate(mapTree(initCausalLM(config, random.key(3)), (p, name) => (/norm/.test(name) ? p : p.mul(8))));
const example = (from: number, length: number) => ({
  ids: Int32Array.from({ length }, (_, i) => (from + i) % 17),
  learned: Uint8Array.from({ length }, (_, i) => Number(i >= length / 2)),
});
const rows: Row[] = Array.from({ length: 12 }, (_, i) => [example(i, 5 + (i % 4)), example(3 * i, 6)]);
const size = { rank: 2, alpha: 4 };

async function taskOf(
  text: string,
  steps: number,
  bits?: 4 | 8,
): Promise<{ task: AdaptTask; settings: ReturnType<typeof trainSettings>; like: Adapter }> {
  const method = adaptMethod(text);
  const base = bits === undefined ? await made() : await frozenInBits(await made(), bits);
  const plain = bits === undefined ? base : thawed(base);
  const like = method.like(plain, size, random.key(0));
  const { start, rule } = method;
  const settings = trainSettings({
    steps,
    batch: 4,
    rate: 20 * method.rate,
    optimizer: { type: "adamw", beta2: 0.999, decay: 0 },
    checkpointEvery: 3,
    validateEvery: 100,
  });
  const task = adaptTask({
    config,
    base,
    start: (key, gradients) => start?.(plain, size, key, gradients) ?? method.like(plain, size, key),
    like: () => zerosLike(like),
    ...(method.factor && { rate: method.factor }),
    ...(rule && { rule: (usual, rate, optimizer) => rule(usual, rate, optimizer, size) }),
    settings,
    context: 13,
    train: rows,
    validation: rows.slice(0, 3),
  });
  return { task, settings, like };
}

const numbersOf = async (tree: Adapter) =>
  Object.fromEntries(
    await Promise.all(Object.entries(tree).map(async ([name, t]) => [name, await list(t)] as const)),
  );

// lora and lora-plus are those of adapt-task.test.ts and lora-plus.test.ts.
describe.each([
  ...Object.keys(ADAPT_METHODS).filter((name) => !name.startsWith("lora") || /ga|pro/.test(name)),
  "lora-pro:moments=full,choice=symmetric",
])("%s", (method) => {
  test("starts as the base, learns, and is gone on with bitwise", async () => {
    const { task, settings, like } = await taskOf(method, 6);
    const first = (await task.validate?.(like, { step: 0, last: false }))?.["validationLoss"] ?? 0;
    const plain = (await (await taskOf("lora", 1)).task.validate?.({}, { step: 0, last: false }))?.[
      "validationLoss"
    ];
    expect(first).toBe(plain);
    const start = memoryStore();
    const whole = await trainRun(task, settings, start);
    expect(whole.numbers?.["validationLoss"]).toBeLessThan(first);
    expect(Object.keys(whole.params).sort()).toEqual(Object.keys(like).sort());

    const store = memoryStore();
    const stop = new AbortController();
    const stopped = await taskOf(method, 6);
    await trainRun(stopped.task, settings, store, {
      signal: stop.signal,
      onStep: ({ step }) => step === 4 && stop.abort(),
    });
    const rest = await trainRun((await taskOf(method, 6)).task, settings, store);
    expect(await numbersOf(rest.params)).toEqual(await numbersOf(whole.params));
  });
});

describe("a base in bits", () => {
  test.each([
    ["lora", 8],
    ["lora", 4],
    ["dora", 8],
    ["lora-ga", 4],
  ] as const)("%s beside %d bits starts as that base and learns", async (method, bits) => {
    const { task, settings, like } = await taskOf(method, 6, bits);
    const first = (await task.validate?.(like, { step: 0, last: false }))?.["validationLoss"] ?? 0;
    const bare = (await task.validate?.({}, { step: 0, last: false }))?.["validationLoss"] ?? 0;
    // A magnitude is a norm of numbers in another order of sums.
    expect(Math.abs(first - bare)).toBeLessThan(method === "dora" ? 1e-6 : 1e-12);
    const { numbers } = await trainRun(task, settings, memoryStore());
    expect(numbers?.["validationLoss"]).toBeLessThan(first);
  });
});

describe("the best of a training", () => {
  const losses = [5, 4, 4.5, 3, 3.5, 3.6, 3.7, 2, 9];
  const watch = async (patience?: number, before?: readonly Validated[], kept?: Validated) => {
    const saved: Validated[] = [];
    const { task } = await taskOf("lora", 1);
    const watched = keepingBest(
      { ...task, validate: async (_, { step }) => ({ validationLoss: losses[step] ?? Number.NaN }) },
      {
        loss: "validationLoss",
        ...(before && { before }),
        ...(kept && { kept }),
        ...(patience !== undefined && { patience }),
        keep: async (_, at) => void saved.push(at),
      },
    );
    return { ...watched, saved };
  };
  const through = async (w: Awaited<ReturnType<typeof watch>>, from = 0): Promise<number> => {
    for (let step = from; step < losses.length; step++) {
      await w.task.validate?.({}, { step, last: false });
      if (w.task.ended?.()) return step;
    }
    return losses.length;
  };

  test("is kept whenever it is better, and ends when patience is over", async () => {
    const forever = await watch();
    expect(await through(forever)).toBe(9);
    expect(forever.saved.map(({ step }) => step)).toEqual([0, 1, 3, 7]);
    const short = await watch(3);
    expect(await through(short)).toBe(6);
    expect(short.saved.at(-1)).toEqual({ step: 3, loss: 3 });
  });

  test("of a run that is gone on with is that of one that was not", async () => {
    const before = losses.slice(0, 7).map((loss, step) => ({ step, loss }));
    const w = await watch(3, before, { step: 3, loss: 3 });
    expect(w.task.ended?.()).toBe(true);
    w.from(4); // the checkpoint is older than the last validations
    expect(w.task.ended?.()).toBe(false);
    expect(await through(w, 5)).toBe(6);
    expect(w.saved).toEqual([]);
    const older = await watch(undefined, before, { step: 3, loss: 3 });
    older.from(2);
    await through(older, 3);
    expect(older.saved.map(({ step }) => step)).toEqual([3, 7]);
  });

  test("a loss that is NaN is no gain", () => {
    expect(withoutGain([1, Number.NaN, Number.NaN].map((loss, step) => ({ step, loss })))).toBe(2);
    expect(withoutGain([])).toBe(0);
  });

  test("a training ends by it", async () => {
    const { task, settings } = await taskOf("lora", 30);
    const never = { ...task, validate: async () => ({ validationLoss: 1 }) };
    const w = keepingBest(never, { loss: "validationLoss", patience: 2, keep: async () => undefined });
    const { steps, interrupted } = await trainRun(w.task, { ...settings, validateEvery: 2 }, memoryStore());
    expect([steps, interrupted]).toEqual([6, false]);
  });
});

describe("options of methods", () => {
  test.each([
    ["lora:rank=2", 'lora: options are none, got "rank=2".'],
    ["lora-ga:gamma=-1", 'lora-ga: gamma must be a number above 0, got "-1".'],
    ["lora-pro:choice=none", 'lora-pro: choice must be one of sylvester, symmetric, zero, got "none".'],
    ["pisa", 'got "pisa". Did you mean pissa?'],
  ])("%s is refused", (text, message) => {
    expect(() => adaptMethod(text)).toThrow(message);
  });

  test("full moments learn at the rate of full fine-tuning, and with AdamW alone", () => {
    expect(adaptMethod("lora-pro:moments=full").rate).toBe(adaptMethod("full").rate);
    expect(adaptMethod("lora-ga").rate).toBe(adaptMethod("full").rate);
    const rule = adaptMethod("lora-pro:moments=full").rule;
    const none = { init: () => ({}), update: () => ({ updates: {}, state: {} }) };
    expect(() =>
      rule?.(none, (t) => t, { type: "sgd", momentum: 0, nesterov: 0, decay: 0, clip: 0 }, size),
    ).toThrow("lora-pro: moments=full must go with adamw, got sgd.");
  });
});

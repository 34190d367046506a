// Fine-tuning as a task: examples of one row do not see one another, parts add up to the whole batch, the base stays.
import { describe, expect, test } from "vitest";
import { type Adapter, freshAdapter, isFactor } from "../../src/adapt/index.ts";
import { causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { memoryStore, type TrainChanges, trainRun, trainSettings } from "../../src/train/index.ts";
import { adaptTask, sharesRows, zerosLike } from "../../src/train/adapt-task.ts";
import { packedBatch, type Row } from "../../src/train/packing.ts";
import { evaluate, flattenTree, mapTree, random } from "../../src/tensor/index.ts";
import { expectClose, list } from "../support/check.ts";

const config = causalLMConfig({ vocabulary: 17, context: 16, width: 16, layers: 2, heads: 2, hidden: 32 });
const base = await evaluate(
  mapTree(initCausalLM(config, random.key(3)), (p, name) => (/norm/.test(name) ? p : p.mul(8))),
);
const start = (): Adapter => freshAdapter(base, { rank: 2, alpha: 4 }, random.key(4));
/** Counting up by one, modulo seventeen, of which the second half is learnt. */
const example = (from: number, length: number) => ({
  ids: Int32Array.from({ length }, (_, i) => (from + i) % 17),
  learned: Uint8Array.from({ length }, (_, i) => Number(i >= length / 2)),
});
const rows: Row[] = Array.from({ length: 12 }, (_, i) => [example(i, 5 + (i % 4)), example(3 * i, 6)]);
const taskOf = (changes: TrainChanges = {}, given: readonly Row[] = rows) => {
  const settings = trainSettings({
    steps: 12,
    batch: 4,
    rate: 0.02,
    optimizer: { type: "adamw", decay: 0 },
    ...changes,
  });
  return {
    settings,
    task: adaptTask({
      config,
      base,
      start,
      like: () => zerosLike(start()),
      settings,
      context: 13,
      train: given,
      validation: given.slice(0, 3),
    }),
  };
};

describe("a fine-tuning", () => {
  test("learns, and moves the factors alone", async () => {
    const before = await Promise.all(flattenTree(base).map(([, t]) => list(t)));
    const { task, settings } = taskOf({ steps: 40 });
    const first = await task.validate?.(start(), { step: 0, last: false });
    const { params, numbers } = await trainRun(task, settings, memoryStore());
    expect(numbers?.["validationLoss"]).toBeLessThan(0.7 * (first?.["validationLoss"] ?? 0));
    expect(await Promise.all(flattenTree(base).map(([, t]) => list(t)))).toEqual(before);
    const began = start();
    for (const [name, t] of Object.entries(params)) {
      const same = JSON.stringify(await list(t)) === JSON.stringify(await list(began[name] ?? t));
      expect(same, name).toBe(!isFactor(name));
    }
  });

  test("in parts of uneven learnt tokens is that of the whole batch", async () => {
    const one = taskOf({ steps: 3 });
    const four = taskOf({ steps: 3, accumulate: 4 });
    const [a, b] = [
      await trainRun(one.task, one.settings, memoryStore()),
      await trainRun(four.task, four.settings, memoryStore()),
    ];
    expect(b.trainLoss).toBeCloseTo(a.trainLoss ?? 0, 5);
    for (const [name, t] of Object.entries(a.params))
      expectClose(await list(b.params[name] ?? t), await list(t), 2e-4, name);
  });

  test("stopped and gone on with, it ends bitwise as one that was not", async () => {
    const { task, settings } = taskOf({ checkpointEvery: 5 });
    const whole = await trainRun(task, settings, memoryStore());
    const store = memoryStore();
    const stop = new AbortController();
    const stopped = taskOf({ checkpointEvery: 5 });
    const part = await trainRun(stopped.task, settings, store, {
      signal: stop.signal,
      onStep: ({ step }) => step === 7 && stop.abort(),
    });
    expect([part.interrupted, part.steps]).toEqual([true, 7]);
    const again = taskOf({ checkpointEvery: 5 });
    const rest = await trainRun(again.task, settings, store);
    for (const [name, t] of Object.entries(whole.params))
      expect(await list(rest.params[name] ?? t), name).toEqual(await list(t));
  });

  test("examples that share a row lose what they lose alone", async () => {
    const { task } = taskOf();
    const adapter = Object.fromEntries(
      Object.entries(start()).map(([name, t]) => [
        name,
        isFactor(name)
          ? random.normal(random.fold(random.key(1), name), t.shape as number[], { std: 0.3 })
          : t,
      ]),
    );
    const loss = async (given: readonly Row[]) =>
      task.losses["loss"]?.(adapter, packedBatch(given, 13)).loss.item() ?? Number.NaN;
    for (const row of rows.slice(0, 3)) {
      const [together, apart] = [await loss([row]), await loss(row.map((e) => [e]))];
      expect(Math.abs(together - apart)).toBeLessThan(1e-5);
    }
  });

  test("models whose layers take no mask, or know places, get one example a row", () => {
    expect(sharesRows(config)).toBe(true);
    expect(sharesRows({ ...config, position: { type: "learned" } })).toBe(false);
    expect(sharesRows({ ...config, attention: { type: "window", window: 4 } })).toBe(false);
  });
});

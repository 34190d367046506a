// One table over tasks and stores: each trains, stops, goes on bitwise, and writes what the contract says.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { causalLMConfig } from "../../src/model/index.ts";
import { flattenTree, random, tensor } from "../../src/tensor/index.ts";
import {
  initialState,
  memoryStore,
  type RunStore,
  type Task,
  textTask,
  trainRun,
  type TrainSettings,
  trainSettings,
  trainStep,
} from "../../src/train/index.ts";
import { folderStore } from "../../src/train/node/index.ts";
import {
  averaged,
  classes,
  encoder,
  gan,
  kMeans,
  maskedBatch,
  maskedLoss,
  regression,
  type Toy,
} from "./toys.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-tasks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A toy whose types nobody looks at. */
type AnyTask = Task<unknown, unknown>;

function text(): Toy<unknown, unknown> {
  const config = causalLMConfig({ vocabulary: 11, context: 8, width: 16, layers: 1, heads: 2 });
  const ids = Uint16Array.from({ length: 400 }, (_, i) => (i * i + (i >> 3)) % 11);
  const settings = trainSettings({ batch: 12, seed: 3 });
  const bytesOf = Int32Array.from({ length: 11 }, () => 1);
  const task = textTask({ config, settings, ids: { train: ids, validation: ids }, bytesOf });
  return { task: task as unknown as AnyTask, steps: 30, rate: 1e-2, ends: { validationLoss: 2.3 } };
}

const TOYS: Readonly<Record<string, () => Toy<unknown, unknown>>> = {
  gan: gan as never,
  "masked-encoder": encoder as never,
  "k-means": kMeans as never,
  late: (() => regression(true)) as never,
  classes: classes as never,
  averaged: averaged as never,
  text,
};

function settingsOf(
  toy: Toy<unknown, unknown>,
  changes: { steps?: number; accumulate?: number } = {},
): TrainSettings {
  return trainSettings({
    steps: toy.steps,
    batch: 12,
    rate: toy.rate,
    floor: toy.rate / 10,
    warmup: Math.min(3, changes.steps ?? toy.steps),
    seed: 3,
    validateEvery: 5,
    sampleEvery: 10,
    checkpointEvery: 4,
    optimizer: { type: toy.optimizer ?? "adamw", ...(toy.optimizer !== "tiger" && { decay: 0 }) } as never,
    ...changes,
  });
}

async function numbers(tree: unknown): Promise<Record<string, number[]>> {
  const out: Record<string, number[]> = {};
  for (const [name, t] of flattenTree(tree)) out[name] = Array.from(await t.data(), Number);
  return out;
}

const places: Readonly<Record<string, (name: string) => RunStore>> = {
  memory: () => memoryStore(),
  folder: (name) => folderStore(join(folder, name)),
};

/** Trains until `stop` steps are made. */
async function until(task: AnyTask, settings: TrainSettings, store: RunStore, stop: number) {
  const controller = new AbortController();
  return trainRun(task, settings, store, {
    signal: controller.signal,
    onStep: ({ step }) => {
      if (step === stop) controller.abort();
    },
  });
}

describe.each(Object.keys(TOYS))("task %s", (name) => {
  const toy = (): Toy<unknown, unknown> => (TOYS[name] as () => Toy<unknown, unknown>)();

  test("learns", async () => {
    const { task, ends } = toy();
    const store = memoryStore();
    const { numbers: found, checkpoint } = await trainRun(task, settingsOf(toy()), store);
    for (const [key, most] of Object.entries(ends)) expect(found?.[key], key).toBeLessThan(most);
    expect(store.names().at(-1)).toBe(checkpoint);
    expect(JSON.parse(store.files.get("config.json") ?? "")).toMatchObject({ athanor: 2, task: task.kind });
    const [line] = store.metrics;
    expect(Object.keys(line ?? {})).toEqual([
      "step",
      "seconds",
      ...Object.keys(task.losses),
      "rate",
      "gradientNorm",
    ]);
    expect(store.files.get("loss.svg")).not.toMatch(/NaN|Infinity|undefined/);
    expect(store.samples.length > 0).toBe(task.sample !== undefined);
  });

  test.each(Object.keys(places))(
    "stopped twice and gone on with, ends bitwise the same (%s)",
    async (place) => {
      const settings = settingsOf(toy(), { steps: 12 });
      const store = (run: string): RunStore =>
        (places[place] as (name: string) => RunStore)(`${name}-${run}`);
      const whole = store("whole");
      const parts = store("parts");
      const expected = await trainRun(toy().task, settings, whole);
      await until(toy().task, settings, parts, 3);
      await until(toy().task, settings, parts, 7);
      const got = await trainRun(toy().task, settings, parts);
      expect(got.steps).toBe(12);
      expect(await numbers(got.params)).toEqual(await numbers(expected.params));
      expect(got.numbers).toEqual(expected.numbers);
      const lines = async (s: RunStore) => (await s.rewind(1e9)).map((line) => ({ ...line, seconds: 0 }));
      expect(await lines(parts)).toEqual(await lines(whole));
      // Gone on with after its end, as when it was killed between its last checkpoint and its end: no line stands twice.
      await trainRun(toy().task, settings, parts);
      expect(await lines(parts)).toEqual(await lines(whole));
    },
  );

  test("in parts, takes the steps of the whole batch", async () => {
    const { task } = toy();
    // Batches of one part differ from those of two; the gradient is compared on one and the same.
    const whole = await task.batch(0, 0, 1);
    const results: Record<string, number[]>[] = [];
    for (const accumulate of [1, 3]) {
      const settings = settingsOf(toy(), { accumulate });
      const params = await task.init(random.key(3), async () => [whole]);
      const step = trainStep(task, settings, params);
      let state = await initialState(task, settings, params);
      for (let i = 0; i < 3; i++) ({ state } = await step.run(state, () => whole, 0.01));
      // Sums that are learnt from count every part.
      results.push(await numbers(state.params));
      await step.release();
    }
    for (const [key, values] of Object.entries(results[0] ?? {})) {
      values.forEach((v, i) => expect(results[1]?.[key]?.[i], key).toBeCloseTo(v, 4));
    }
  });
});

describe("details", () => {
  test("padding of a masked encoder changes nothing", async () => {
    const { task } = encoder();
    const params = await task.init(random.key(3), async () => []);
    const [a, b] = [0, 5].map((padding) => maskedLoss(params, maskedBatch(4, 0, 12, padding)));
    expect(await a?.item()).toBe(await b?.item());
  });

  test("a batch that arrives later gives the same training bitwise", async () => {
    const settings = settingsOf(regression(true) as never, { steps: 8 });
    const [late, early] = [
      await trainRun(regression(true).task, settings, memoryStore()),
      await trainRun(regression(false).task, settings, memoryStore()),
    ];
    expect(await numbers(late.params)).toEqual(await numbers(early.params));
  });

  test("the start of K-means is data", async () => {
    const { task } = kMeans();
    const store = memoryStore();
    const settings = settingsOf(kMeans() as never, { steps: 1 });
    const first = (await (await task.batch(0, 0, 1)).x.data()).slice(0, 3);
    const { params } = await trainRun({ ...task, learn: (p) => p }, settings, store);
    expect(await params.centres.data()).toEqual(first);
  });

  test("every parameter is moved by one loss", async () => {
    const { task } = gan();
    const params = await task.init(random.key(3), async () => []);
    const settings = settingsOf(gan() as never);
    const of = (groups: Record<string, (name: string) => boolean>) => () =>
      trainStep({ ...task, groups }, settings, params);
    expect(of({ critic: () => true, generator: () => true })).toThrow(
      'train: parameter "generator.shift" must be moved by one of the losses critic, generator, got critic and generator.',
    );
    expect(of({ critic: (n) => n.startsWith("critic") })).toThrow("got none. Say which in the task's groups");
  });

  test("a store is of one task, and has one user", async () => {
    const store = memoryStore();
    const settings = settingsOf(gan() as never, { steps: 1 });
    await trainRun(gan().task, settings, store);
    await expect(trainRun(encoder().task, settings, store)).rejects.toThrow(
      'train: memory must hold a run of task "masked-encoder", got one of "gan". Use another place.',
    );
    await store.open();
    await expect(trainRun(gan().task, settings, store)).rejects.toThrow("must be free");
  });

  test("Tiger goes on over bad batches, other rules stop with the step", async () => {
    const { task } = regression(false);
    const sick: typeof task = {
      ...task,
      batch: async (step, part, parts) => {
        const { x, y } = await task.batch(step, part, parts);
        return { x, y: step === 4 ? y.mul(tensor(Number.NaN)) : y };
      },
    };
    const settings = (type: "adamw" | "tiger") =>
      trainSettings({ steps: 10, batch: 12, rate: 0.01, optimizer: { type } });
    const store = memoryStore();
    const { steps } = await trainRun(sick, settings("tiger"), store);
    expect(steps).toBe(10);
    expect(store.metrics.filter((m) => "gradientNorm" in m && !Number.isFinite(m["loss"]))).toHaveLength(1);
    expect(store.files.get("loss.svg")).not.toMatch(/NaN/);
    await expect(trainRun(sick, settings("adamw"), memoryStore())).rejects.toThrow("at step 4:");
    // What never becomes finite again ends in the same words.
    const ill: typeof task = { ...sick, batch: (_, part, parts) => sick.batch(4, part, parts) };
    await expect(
      trainRun(ill, trainSettings({ steps: 40, batch: 12, optimizer: { type: "tiger" } }), memoryStore()),
    ).rejects.toThrow("loss and gradients must be finite");
  });

  test("pictures of a run in a folder stand under samples, and later ones go when it is rewound", async () => {
    const run = join(folder, "pictures");
    const settings = trainSettings({ steps: 6, batch: 12, sampleEvery: 2, checkpointEvery: 3 });
    await trainRun(kMeans().task, settings, folderStore(run));
    expect(readdirSync(join(run, "samples"))).toEqual([
      "step-00000002.png",
      "step-00000004.png",
      "step-00000006.png",
    ]);
    const store = folderStore(run);
    await store.rewind(3);
    expect(readdirSync(join(run, "samples"))).toEqual(["step-00000002.png"]);
    const words = join(folder, "words");
    await trainRun(regression(false).task, settings, folderStore(words));
    await folderStore(words).rewind(3);
    expect(readFileSync(join(words, "samples.txt"), "utf8").match(/=== step \d+/g)).toEqual(["=== step 2"]);
  });
});

// Rules, schedules and diagnostics in a training: resumed bitwise in a folder, measured truly, and nothing changed by it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { causalLMConfig } from "../../src/model/index.ts";
import { parseOptimizer } from "../../src/optim/index.ts";
import { flattenTree } from "../../src/tensor/index.ts";
import {
  memoryStore,
  type RunStore,
  type TrainChanges,
  trainRun,
  trainSettings,
} from "../../src/train/index.ts";
import { isStep } from "../../src/train/metrics.ts";
import { folderStore } from "../../src/train/node/folder-store.ts";
import { textTask, type TextTask } from "../../src/train/text-task.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-diagnostics-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = causalLMConfig({ vocabulary: 11, context: 8, width: 8, layers: 1, heads: 2 });
const ids = Uint16Array.from({ length: 300 }, (_, i) => (i * i + (i >> 3)) % 9);
const settingsOf = (changes: TrainChanges) =>
  trainSettings({
    steps: 6,
    batch: 4,
    warmup: 2,
    seed: 3,
    rate: 1e-2,
    checkpointEvery: 3,
    validationWindows: 4,
    ...changes,
  });
const taskOf = (changes: TrainChanges): TextTask =>
  textTask({
    config,
    settings: settingsOf(changes),
    ids: { train: ids, validation: ids },
    bytesOf: Int32Array.from({ length: 11 }, () => 1),
  });

async function numbers(tree: unknown): Promise<Record<string, number[]>> {
  const out: Record<string, number[]> = {};
  for (const [name, t] of flattenTree(tree)) out[name] = Array.from(await t.data(), Number);
  return out;
}

async function train(changes: TrainChanges, store: RunStore = memoryStore(), stop = Infinity) {
  const controller = new AbortController();
  const { params } = await trainRun(taskOf(changes), settingsOf(changes), store, {
    signal: controller.signal,
    onStep: ({ step }) => {
      if (step === stop) controller.abort();
    },
  });
  return { params: await numbers(params), lines: (await store.rewind(1e9)).filter(isStep) };
}

describe("stopped and gone on with, ends bitwise the same", () => {
  test.each<[string, TrainChanges]>([
    ...(["muon", "funnelled-gain"] as const).map((type): [string, TrainChanges] => [
      type,
      { optimizer: { type } },
    ]),
    [
      "Tiger, AdamW for embeddings, lazy rows",
      {
        optimizer: { type: "tiger" },
        embedding: { optimizer: { type: "adamw" }, rate: 3e-3 },
        lazyRows: true,
        accumulate: 2,
      },
    ],
    ["lazy Tiger in parts", { optimizer: { type: "tiger" }, lazyRows: true, accumulate: 2 }],
    [
      "a schedule by gradients",
      { optimizer: parseOptimizer("sgd:clip=0.5"), schedule: { type: "gradient" } },
    ],
    ["wsd with diagnostics", { schedule: { type: "wsd" }, diagnostics: true }],
  ])("%s", async (name, changes) => {
    const whole = await train(changes, folderStore(join(folder, `${name} whole`)));
    const store = (): RunStore => folderStore(join(folder, `${name} parts`));
    await train(changes, store(), 3);
    const { params, lines } = await train(changes, store());
    expect(params).toEqual(whole.params);
    const timeless = (list: typeof lines): object[] => list.map((line) => ({ ...line, seconds: 0 }));
    expect(timeless(lines)).toEqual(timeless(whole.lines));
  });
});

describe("diagnostics", () => {
  const sgd = { optimizer: parseOptimizer("sgd:momentum=0,decay=0,clip=0"), rate: 1e-3, warmup: 0 };

  test.each([1, 2])(
    "plain descent goes along the gradient, and the loss falls as foreseen (in %i parts)",
    async (accumulate) => {
      const { lines } = await train({ ...sgd, accumulate, diagnostics: true });
      expect(lines).toHaveLength(6);
      for (const line of lines) {
        for (const [name, value] of Object.entries(line))
          if (name.startsWith("cosine")) expect(value, name).toBeCloseTo(1, 4);
        expect(line["kappa"]).toBeCloseTo(1, 4);
        const foreseen = line["predictedChange"] ?? 0;
        expect(foreseen / (-line.rate * line.gradientNorm ** 2)).toBeCloseTo(1, 3);
        expect(Math.abs((line["actualChange"] ?? 0) / foreseen - 1)).toBeLessThan(0.1);
      }
      expect(Object.keys(lines[0] ?? {})).toContain("cosine.model.layers.0");
    },
  );

  test("the identity holds in a run, and a run without it is bitwise the same", async () => {
    const measured = await train({ diagnostics: true });
    const plain = await train({});
    expect(measured.params).toEqual(plain.params);
    expect(Object.keys(plain.lines[0] ?? {})).not.toContain("cosine");
    for (const line of measured.lines) {
      const { cosine = 0, cosineMean = 0, kappa = 0 } = line as Record<string, number>;
      expect(kappa * cosineMean).toBeCloseTo(cosine, 12);
      expect(line["largestEmbedding"]).toBeGreaterThan(0);
    }
  });

  test("Tiger in parts knows no whole gradient: the changes and the embedding are still told", async () => {
    const { lines } = await train({ optimizer: { type: "tiger" }, accumulate: 2, diagnostics: true });
    for (const line of lines) {
      expect(line).not.toHaveProperty("cosine");
      expect(Number.isFinite(line["actualChange"])).toBe(true);
    }
  });

  test("they are drawn below the losses", async () => {
    const store = memoryStore();
    await train({ diagnostics: true }, store);
    const picture = store.files.get("loss.svg") ?? "";
    for (const word of ["cosine", "change of the loss", "largest embedding"]) expect(picture).toContain(word);
    expect(picture).not.toMatch(/NaN|Infinity|undefined/);
  });
});

test("what is asked of embeddings needs some", async () => {
  const task = { ...taskOf({}), role: () => "matrix" as const };
  await expect(trainRun(task, settingsOf({ lazyRows: true }), memoryStore())).rejects.toThrow(
    'train: lazyRows must find trained parameters of role "table", got none in a task "text". Leave it out.',
  );
});

test("a schedule by gradients needs their norms", async () => {
  const changes: TrainChanges = { schedule: { type: "gradient" } };
  const store = memoryStore();
  await train(changes, store, 4);
  store.metrics.length = 0;
  await expect(train(changes, store)).rejects.toThrow(
    "train: metrics of the run must hold the gradient norms of 4 steps, which its schedule follows, got 0.",
  );
});

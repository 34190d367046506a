// A run in the storage of a page: trained, stopped, gone on with, damaged, held.
import { afterEach, expect, test } from "vitest";
import { flattenTree, mean, random, square, type Tensor, tensor } from "../../src/tensor/index.ts";
import { pageStore, type Task, trainRun, trainSettings } from "../../src/train/index.ts";
import { removePageRun } from "../../src/train/browser/page-store.ts";

const NAMES = ["whole", "parts"];
afterEach(async () => {
  for (const name of NAMES) await removePageRun(name);
});

const task = (): Task<{ readonly w: Tensor }, { x: Tensor }> => ({
  kind: "page",
  unit: { name: "points", perStep: 8 },
  init: (key) => ({ w: random.normal(key, [8]) }),
  batch: (step) => ({ x: random.normal(random.fold(random.key(2), step), [8]) }),
  losses: { loss: ({ w }, { x }) => ({ loss: mean(square(w.sub(x.add(1)))) }) },
  validate: async ({ w }) => ({ validationLoss: await mean(square(w.sub(1))).item() }),
  sample: async ({ w }) => ({ text: Array.from(await w.data(), Number).join(" ") }),
});
const settings = trainSettings({
  steps: 8,
  batch: 8,
  rate: 0.1,
  checkpointEvery: 3,
  sampleEvery: 3,
  keep: 2,
});

async function numbers(tree: unknown): Promise<number[][]> {
  return Promise.all(flattenTree(tree).map(async ([, t]) => Array.from(await t.data(), Number)));
}

test("a stopped run goes on bitwise, also from the checkpoint before a damaged one", async () => {
  const device = "wasm";
  const whole = await trainRun(task(), settings, pageStore("whole"), { device });
  const controller = new AbortController();
  await trainRun(task(), settings, pageStore("parts"), {
    device,
    signal: controller.signal,
    onStep: ({ step }) => {
      if (step === 4) controller.abort();
    },
  });
  // One bit of the newest checkpoint.
  const root = await navigator.storage.getDirectory();
  let at = root;
  for (const name of ["athanor-runs", "parts", "checkpoints"]) at = await at.getDirectoryHandle(name);
  const handle = await at.getFileHandle("step-00000004.safetensors");
  const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
  const last = bytes.length - 3;
  bytes[last] = (bytes[last] ?? 0) ^ 8;
  const file = await handle.createWritable();
  await file.write(bytes);
  await file.close();

  const notices: string[] = [];
  const parts = await trainRun(task(), settings, pageStore("parts"), {
    device,
    onNotice: (s) => notices.push(s),
  });
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatch(
    /step-00000004\.safetensors must have the checksum .* Going on from step-00000003/,
  );
  expect(await numbers(parts.params)).toEqual(await numbers(whole.params));
  const store = pageStore("parts");
  expect((await store.rewind(8)).map((m) => [m.step, m["loss"]])).toEqual(
    (await pageStore("whole").rewind(8)).map((m) => [m.step, m["loss"]]),
  );
  expect((await store.read("samples.txt"))?.match(/=== step \d+/g)).toEqual([
    "=== step 3",
    "=== step 6",
    "=== step 8",
  ]);
  expect(await store.read("loss.svg")).toContain("<svg");
});

test("one page at a time", async () => {
  const first = pageStore("whole");
  await first.open();
  await expect(pageStore("whole").open()).rejects.toThrow('the run "whole" of this page must be free');
  await first.close();
  const again = pageStore("whole");
  await again.open();
  await again.close();
  expect(await again.newest({ params: { w: tensor([0]) }, optimizer: {} })).toBeUndefined();
});

// `loadModel` of the package opens the folder of a run: its newest good checkpoint, its tokenizer.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generate, loadModel } from "../../src/index.ts";
import { flattenTree } from "../../src/tensor/index.ts";
import { openRun } from "../../src/train/node/index.ts";
import { athanor, babble, temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();
const run = join(folder, "run");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  writeFileSync(join(folder, "text.txt"), babble(2000));
  const sizes =
    "--preset tiny --batch 4 --steps 7 --checkpoint-every 3 --context 16 --width 16 --layers 1 --heads 2";
  const { code, stderr } = await athanor([
    "train",
    join(folder, "text.txt"),
    ...sizes.split(" "),
    "--run",
    run,
  ]);
  expect(code, stderr).toBe(0);
});

const checkpoints = (): string[] => readdirSync(join(run, "checkpoints")).sort();

async function values(params: unknown): Promise<[string, unknown][]> {
  return Promise.all(
    flattenTree(params).map(async ([name, t]): Promise<[string, unknown]> => [name, await t.data()]),
  );
}

test("its model is that of the newest checkpoint, and writes", async () => {
  const { params, config } = await openRun(run);
  for (const at of [run, pathToFileURL(run)]) {
    const model = await loadModel(at);
    expect(model.config).toEqual(config.model);
    expect(await values(model.params)).toEqual(await values(params));
  }
  let tokens = 0;
  for await (const piece of generate(await loadModel(run), "the ", { maxTokens: 5, temperature: 0 }))
    ({ tokens } = piece);
  expect(tokens).toBe(5);
});

test("a damaged checkpoint gives way to the one before it; of none it says so", async () => {
  expect(checkpoints()).toEqual([
    "step-00000003.safetensors",
    "step-00000006.safetensors",
    "step-00000007.safetensors",
  ]);
  const newest = join(run, "checkpoints", "step-00000007.safetensors");
  const bytes = readFileSync(newest);
  bytes[bytes.length - 5] = (bytes.at(-5) ?? 0) ^ 4;
  writeFileSync(newest, bytes);
  const model = await loadModel(run);
  // The bit may lie in the optimizer's state, which a model does not read: then the newest is good.
  expect(await values(model.params)).toEqual(await values((await openRun(run)).params));
  writeFileSync(newest, bytes.subarray(0, bytes.length / 2));
  const before = await values((await loadModel(run)).params);
  expect(before).toEqual(await values((await openRun(run)).params));
  expect(before).not.toEqual(await values(model.params));
  for (const name of checkpoints()) rmSync(join(run, "checkpoints", name));
  await expect(loadModel(run)).rejects.toThrow(
    "is a run and must hold a checkpoint, got none. Train on with --resume.",
  );
});

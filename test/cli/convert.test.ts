// Monarch matrices from the command line: trained, made of a trained model, and made plain again.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ended as athanor } from "../support/command.ts";
import { babble, temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Said {
  readonly matrices: readonly { readonly name: string; readonly lost: number }[];
}

test("train --linear, convert to plain, convert back, go on", async () => {
  const text = join(folder, "text.txt");
  const recipe = join(folder, "recipe.json");
  writeFileSync(text, babble(3000));
  const model = { context: 16, width: 16, layers: 1, heads: 2 };
  const training = { steps: 20, batch: 4, validateEvery: 20, validationWindows: 4 };
  writeFileSync(recipe, JSON.stringify({ model, training, tokenizer: "bytes" }));
  const run = join(folder, "run");
  const trained = await athanor([
    "train",
    text,
    "--config",
    recipe,
    "--run",
    run,
    "--linear",
    "monarch:blocks=2",
  ]);
  expect(trained.code, trained.stderr).toBe(0);
  const convert = (from: string, linear: string, to: string) =>
    athanor(["convert", from, "--linear", linear, "--out", join(folder, to), "--json"]);
  const plain = await convert(run, "dense", "plain");
  expect(plain.code, plain.stderr).toBe(0);
  const back = await convert(join(folder, "plain"), "monarch:blocks=2", "back");
  expect(back.code, back.stderr).toBe(0);
  const { matrices } = JSON.parse(back.stdout) as Said;
  expect(matrices.length).toBeGreaterThan(4);
  for (const { name, lost } of matrices) expect(lost, name).toBeLessThan(1e-3);
  expect(back.stderr).toContain("% of its norm lost");
  const write = async (from: string): Promise<string> =>
    (await athanor(["generate", from, "-p", "the", "-n", "8", "-t", "0", "--json", "--no-boundary"])).stdout;
  expect(JSON.parse(await write(join(folder, "back")))).toMatchObject({
    text: (JSON.parse(await write(run)) as { text: string }).text,
  });
  // A projection that loses something is trained on, and comes nearer to the model again.
  const lossy = await convert(run, "dense", "lossy-dense");
  expect(lossy.code).toBe(0);
  const four = await convert(join(folder, "lossy-dense"), "monarch:blocks=4", "lossy");
  expect(four.code, four.stderr).toBe(0);
  const onward = ["--steps", "30", "--batch", "4", "--context", "16", "--lr", "0.003", "--json"];
  const again = await athanor([
    "train",
    text,
    "--from",
    join(folder, "lossy"),
    "--run",
    join(folder, "again"),
    ...onward,
  ]);
  expect(again.code, again.stderr).toBe(0);
  const config = JSON.parse(readFileSync(join(folder, "again", "config.json"), "utf8")) as {
    model: { maps: unknown };
  };
  expect(config.model.maps).toEqual([{ type: "monarch", blocks: 4, match: "layers.*.*.*" }]);
  const losses = readFileSync(join(folder, "again", "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .flatMap((line) => (JSON.parse(line) as { loss?: number }).loss ?? []);
  expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
  const refused = await convert(run, "monarch:blocks=5", "none");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("blocks=5 must divide");
});

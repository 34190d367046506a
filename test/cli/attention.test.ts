// Attention kinds by one option: trained, resumed, written with, looked at, exported.
import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withPosition } from "../../src/cli/model/position.ts";
import { openSafetensors } from "../../src/files/node/safetensors.ts";
import { causalLMConfig } from "../../src/model/index.ts";
import { hwfaPlan } from "../../src/position/index.ts";
import { ended as athanor } from "../support/command.ts";
import { babble, temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
const text = join(folder, "text.txt");
const recipe = join(folder, "recipe.json");
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  writeFileSync(text, babble(3000));
  const training = {
    steps: 300,
    rate: 1e-2,
    batch: 4,
    checkpointEvery: 100,
    keep: 3,
    validateEvery: 300,
    validationWindows: 4,
  };
  const model = { context: 16, width: 16, layers: 2, heads: 2 };
  writeFileSync(recipe, JSON.stringify({ model, training, tokenizer: "bytes" }));
});

/** Tokens before those of the 256 bytes. */
const SPECIALS = 3;

const checkpoints = (run: string): string[] =>
  readdirSync(join(run, "checkpoints"))
    .sort()
    .map((name) => join(run, "checkpoints", name));

async function tensorsOf(path: string): Promise<Record<string, unknown>> {
  await using file = await openSafetensors(path);
  const tensors: Record<string, unknown> = {};
  for (const name of file.entries.keys()) tensors[name] = (await file.read(name)).data;
  return tensors;
}

describe.each([
  "transformer-vq:codes=6,block=4",
  "window:window=5",
  "linear",
  "mla:latentWidth=8,rotaryWidth=4",
  "rtf:state=6",
  "rnn:cell=mgu",
])("--attention %s", (attention) => {
  const run = join(folder, attention.replace(/[:,=]/g, "-"));

  test("trains, and resumes from an earlier checkpoint to bitwise the same tensors", async () => {
    const trained = await athanor([
      "train",
      text,
      "--config",
      recipe,
      "--run",
      run,
      "--attention",
      attention,
    ]);
    expect(trained.stderr).toContain("Validation loss");
    expect(trained.code).toBe(0);
    const [, middle = "", last = ""] = checkpoints(run);
    const copy = `${run}-copy`;
    cpSync(run, copy, { recursive: true });
    rmSync(last.replace(run, copy));
    expect((await athanor(["train", "--resume", copy])).code).toBe(0);
    const [before, whole, resumed] = [
      await tensorsOf(middle),
      await tensorsOf(last),
      await tensorsOf(checkpoints(copy).at(-1) ?? ""),
    ];
    expect(resumed).toEqual(whole);
    const books = Object.keys(whole).filter((name) => name.endsWith("codebook.sum"));
    expect(books).toHaveLength(attention.startsWith("transformer-vq") ? 2 : 0);
    // Codebooks move, and only by their averages: the optimizer knows nothing of them.
    for (const name of books) expect(whole[name]).not.toEqual(before[name]);
    expect(Object.keys(whole).filter((name) => /^optimizer\..*codebook/.test(name))).toEqual([]);
  });

  test("writes, from the run and from its Hugging Face folder the same", async () => {
    const onnx = join(run, "model.onnx");
    const folderOf = join(run, "hf");
    const exported = await athanor(["export", run, "--onnx", onnx, "--hf", folderOf]);
    expect(exported.code, exported.stderr).toBe(0);
    const write = (model: string): Promise<{ code: number | null; stdout: string; stderr: string }> =>
      athanor(["generate", model, "-p", "the furnace", "-n", "40", "-t", "0", "--json", "--no-boundary"]);
    // Learned positions hold 16 tokens only, and the text goes on with the last of them.
    const most = attention === "linear" ? 16 : Infinity;
    const [own, other] = [await write(run), await write(folderOf)];
    expect(own.code, own.stderr).toBe(0);
    const { text: written } = JSON.parse(own.stdout) as { text: string };
    expect((JSON.parse(other.stdout) as { text: string }).text).toBe(written);
    // The exported program, without any cache of ours, chooses the same tokens.
    const session = await InferenceSession.create(onnx);
    const bytes = [...new TextEncoder().encode("the furnace")];
    const ids = bytes.map((byte) => byte + SPECIALS);
    const first = ids.length;
    while (ids.length < first + 40) {
      const seen = ids.slice(-most);
      const input = new OrtTensor("int32", Int32Array.from(seen), [1, seen.length]);
      const { logits } = await session.run({ ids: input });
      const data = logits?.data as Float32Array;
      const row = data.subarray((seen.length - 1) * 259);
      ids.push(row.indexOf(Math.max(...row)));
    }
    await session.release();
    const chosen = ids.slice(first).map((id) => id - SPECIALS);
    expect(new TextDecoder().decode(Uint8Array.from(chosen))).toBe(written);
    if (most === Infinity) expect(new Set(written).size).toBeGreaterThan(2);
  });

  test("eval scores it, and inspect draws it or says why not", async () => {
    const scored = await athanor(["eval", run, "--data", text, "--context", "8,16", "--json"]);
    expect(scored.code, scored.stderr).toBe(0);
    const svg = join(run, "attention.svg");
    const drawn = await athanor(["inspect", run, "-p", "the fire", "--svg", svg, "--json"]);
    if (/^(linear|mla|rnn|rtf)/.test(attention)) {
      expect(drawn.stderr).toContain("must have layers whose attention is one of dense, window");
      expect(drawn.code).toBe(2);
      return;
    }
    expect(drawn.code, drawn.stderr).toBe(0);
    const { heads } = JSON.parse(drawn.stdout) as { heads: { concentration: number; ifNormal: number }[] };
    expect(heads).toHaveLength(4);
    for (const head of heads) {
      for (const s of [head.concentration, head.ifNormal]) {
        expect(s).toBeGreaterThan(0);
        expect(s).toBeLessThanOrEqual(1 + 1e-6);
      }
    }
  });
});

test.each([
  [["--attention", "windows:window=4"], 'got "windows". Did you mean window?'],
  [
    ["--attention", "transformer-vq"],
    "transformer-vq attention: codes must be a whole number ≥ 1, got nothing.",
  ],
  [["--attention", "transformer-vq:codes=4", "--position", "rope"], "has no scores for rope to act on"],
  [["--position", "yern:scale=2"], "Did you mean yarn"],
])("train %j is refused in one sentence", async (args, message) => {
  const { code, stderr } = await athanor([
    "train",
    text,
    "--config",
    recipe,
    "--run",
    join(folder, "refused"),
    ...args,
  ]);
  expect(stderr).toContain(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(code).toBe(2);
});

test("another position for a model whose layers have their own is refused", () => {
  const perLayer = hwfaPlan({ layers: 2, trainingLength: 16 }).map((position) => ({ position }));
  const config = causalLMConfig({ vocabulary: 9, context: 16, width: 8, layers: 2, heads: 2, perLayer });
  expect(() => withPosition(config, "rerope:window=4")).toThrow(
    'position: a model whose layers have positions of their own keeps them, got "rerope:window=4".',
  );
});

test("another position for a model without scores is refused", async () => {
  const vq = join(folder, "transformer-vq-codes-6-block-4");
  const { code, stderr } = await athanor(["generate", vq, "-p", "a", "--position", "rerope:window=4"]);
  expect(stderr).toContain("is for a model trained without model.layers.0.self_attn.distances.weight");
  expect(code).toBe(2);
});

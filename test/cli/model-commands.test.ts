// generate, eval, inspect, export on a tiny model of our own making.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { saveModel } from "../../src/model/save.ts";
import { random } from "../../src/tensor/index.ts";
import { byteTokenizer } from "../../src/tokenizer/index.ts";
import { saveTokenizer } from "../../src/tokenizer/load-save.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-cli-"));
const model = join(folder, "model");
const main = join(import.meta.dirname, "../../src/cli/main.ts");
const text = join(folder, "text.txt");

function athanor(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const out = spawnSync(process.execPath, ["--conditions=source", main, ...args], { encoding: "utf8" });
  return { status: out.status, stdout: out.stdout, stderr: out.stderr };
}

beforeAll(async () => {
  const tokenizer = byteTokenizer();
  const config = causalLMConfig({
    vocabulary: tokenizer.vocabularySize,
    context: 32,
    width: 16,
    layers: 2,
    heads: 2,
  });
  await saveModel(model, config, initCausalLM(config, random.key(3)), { bos: 1, eos: [2] });
  await saveTokenizer(tokenizer, join(model, "tokenizer.json"));
  writeFileSync(text, "床前明月光，疑是地上霜。Once upon a time there was a furnace. ".repeat(6));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("athanor generate", () => {
  test("the same seed writes the same text; JSON holds text, tokens and rate", () => {
    const args = ["generate", model, "--prompt", "Once", "-n", "12", "--seed", "5", "--json"];
    const [a, b] = [athanor(...args), athanor(...args)];
    expect(a.status, a.stderr).toBe(0);
    const result = JSON.parse(a.stdout) as { text: string; tokens: number; tokensPerSecond: number };
    expect(result).toMatchObject({ tokens: expect.any(Number), tokensPerSecond: expect.any(Number) });
    expect(result.tokens).toBeLessThanOrEqual(12);
    expect((JSON.parse(b.stdout) as { text: string }).text).toBe(result.text);
  });

  test("a question to a model without a chat template is told once that no answer will come", () => {
    const told = "has no chat template: it goes on with the text";
    const asked = athanor("generate", model, "-p", "Why is it hot?", "为什么？", "-n", "2");
    expect(asked.status, asked.stderr).toBe(0);
    expect(asked.stderr.split(told)).toHaveLength(2);
    expect(athanor("generate", model, "-p", "It is hot.", "-n", "2").stderr).not.toContain(told);
  });

  test("an empty prompt starts from BOS", () => {
    expect(athanor("generate", model, "-n", "3", "--json").status).toBe(0);
  });

  test.each([
    [["generate", "nowhere"], "athanor: model: nowhere must exist, got nothing there."],
    [
      ["generate", model, "--temperature", "-1"],
      'athanor: generate: --temperature must be a number ≥ 0, got "-1".',
    ],
    [["generate", model, "--bits", "3"], 'athanor: generate: --bits must be 4 or 8, got "3".'],
    [
      ["generate", model, "--position", "yern:scale=2"],
      'athanor: position: type must be a known method, got "yern". Did you mean yarn',
    ],
    [
      ["generate", model, "--position", "rerope:window=0"],
      "athanor: rerope: window must be a whole number ≥ 1, got 0.",
    ],
    [["generate", model, "--device", "tpu"], "athanor: device: must be one of cpu, webgpu, cuda here"],
    [["chat", model], "carries no chat template"],
  ])("%j is one sentence and exit code 2", (args, message) => {
    const { status, stderr } = athanor(...args);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n").length).toBe(1);
    expect(status).toBe(2);
  });
});

describe("broken models", () => {
  const copy = async (name: string): Promise<string> => {
    const { cpSync } = await import("node:fs");
    const to = join(folder, name);
    cpSync(model, to, { recursive: true });
    return to;
  };

  test("truncated weights are told with both sizes", async () => {
    const at = await copy("short");
    truncateSync(join(at, "model.safetensors"), 4000);
    const { status, stderr } = athanor("generate", at);
    expect(stderr).toMatch(/^athanor: safetensors: .*model\.safetensors .*4000/);
    expect(status).toBe(2);
  });

  test("a config.json of another size names the first tensor that does not fit", async () => {
    const at = await copy("other");
    const path = join(at, "config.json");
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace('"intermediate_size": 64', '"intermediate_size": 96'),
    );
    const { status, stderr } = athanor("generate", at);
    expect(stderr).toContain(
      '"model.layers.0.mlp.gate_proj.weight" must be [96, 16] by config.json, got [64, 16]',
    );
    expect(status).toBe(2);
  });

  test("an unknown family lists those that are known", async () => {
    const at = await copy("family");
    const path = join(at, "config.json");
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace('"model_type": "llama"', '"model_type": "mistrel"'),
    );
    const { status, stderr } = athanor("generate", at);
    expect(stderr).toMatch(
      /model_type must be one of llama, mistral, .* got "mistrel"\. Did you mean mistral\?/,
    );
    expect(status).toBe(2);
  });
});

test("athanor eval scores the same tokens under each context and draws the lines", () => {
  const svg = join(folder, "eval.svg");
  const out = athanor(
    "eval",
    model,
    "--data",
    text,
    "--context",
    "16,48",
    "--position",
    "rope",
    "--position",
    "rerope:window=8",
    "--svg",
    svg,
    "--json",
  );
  expect(out.status, out.stderr).toBe(0);
  const { results } = JSON.parse(out.stdout) as {
    results: { position: string; losses: { context: number; loss: number; tokens: number }[] }[];
  };
  expect(results.map((r) => r.position)).toEqual(["rope", "rerope:window=8"]);
  for (const r of results) {
    expect(r.losses.map((l) => [l.context, l.tokens])).toEqual([
      [16, 64],
      [48, 64],
    ]);
    // An untrained model is near the uniform distribution.
    for (const l of r.losses) expect(Math.abs(l.loss - Math.log(259))).toBeLessThan(0.5);
  }
  expect(readFileSync(svg, "utf8")).toContain("rerope:window=8");
  const short = athanor("eval", model, "--data", text, "--context", "5000");
  expect(short.stderr).toContain("eval: the text must hold more than 5000 tokens");
  expect(short.status).toBe(2);
});

test("athanor inspect draws a map for every head", () => {
  const svg = join(folder, "attention.svg");
  const out = athanor("inspect", model, "-p", "a <b> & 明", "--svg", svg, "--json");
  expect(out.status, out.stderr).toBe(0);
  const { heads } = JSON.parse(out.stdout) as { heads: { concentration: number }[] };
  expect(heads.length).toBe(4);
  for (const h of heads) expect(h.concentration).toBeGreaterThan(0);
  expect(readFileSync(svg, "utf8")).toContain("&lt;");
});

test("athanor export writes ONNX with free axes that plain ONNX Runtime runs", async () => {
  const onnx = join(folder, "model.onnx");
  const out = athanor("export", model, "--onnx", onnx, "--portable", "--hf", join(folder, "hf"));
  expect(out.status, out.stderr).toBe(0);
  expect(existsSync(join(folder, "hf/tokenizer.json"))).toBe(true);
  const session = await InferenceSession.create(onnx);
  for (const [B, T] of [
    [1, 1],
    [2, 7],
    [3, 40],
  ] as const) {
    const ids = new OrtTensor("int32", new Int32Array(B * T).fill(70), [B, T]);
    const { logits } = await session.run({ ids });
    expect(logits?.dims).toEqual([B, T, 259]);
  }
  expect(athanor("export", model).status).toBe(2);
});

/** Domains of operators that a model file says it uses, as they stand in its bytes; the standard one has no name. */
const domains = (file: string): string[] =>
  ["com.microsoft", "ai.onnx.ml"].filter((domain) => readFileSync(file).includes(domain));

test("athanor export --fused asks for the runtime's own operators, and the two say the same", async () => {
  const [plain, fused] = [join(folder, "standard.onnx"), join(folder, "fused.onnx")];
  expect(athanor("export", model, "--onnx", plain).status).toBe(0);
  const out = athanor("export", model, "--onnx", fused, "--fused");
  expect(out.status, out.stderr).toBe(0);
  expect([domains(plain), domains(fused)]).toEqual([[], ["com.microsoft"]]);
  const both = athanor("export", model, "--onnx", fused, "--fused", "--portable");
  expect([both.status, both.stderr]).toEqual([
    2,
    expect.stringMatching(/--portable.*--fused|--fused.*--portable/),
  ]);
  const ids = new OrtTensor("int32", Int32Array.of(70, 71, 72, 1, 2, 3), [2, 3]);
  const logits: number[][] = [];
  for (const file of [plain, fused]) {
    const session = await InferenceSession.create(file);
    logits.push(Array.from(((await session.run({ ids }))["logits"]?.data ?? []) as Float32Array));
  }
  const [a = [], b = []] = logits;
  expect(a).toHaveLength(2 * 3 * 259);
  a.forEach((x, i) => expect(x).toBeCloseTo(b[i] ?? Number.NaN, 4));
});

// A folder as MiniMind's authors leave it: template, BOS, special tokens, generation settings, F16 and llama3 scaling
// stay through `export --hf`, a run that begins with it, and `chat` on each.
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseSafetensors } from "../../src/files/safetensors.ts";
import { causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { saveModel } from "../../src/model/save.ts";
import { random } from "../../src/tensor/index.ts";
import { byteTokenizer } from "../../src/tokenizer/index.ts";
import { saveTokenizer } from "../../src/tokenizer/load-save.ts";
import { babble } from "../train/helpers.ts";

const work = mkdtempSync(join(tmpdir(), "athanor-chat-"));
const [model, again, run] = ["model", "again", "run"].map((name) => join(work, name)) as [
  string,
  string,
  string,
];
afterAll(() => rmSync(work, { recursive: true, force: true }));

const main = join(import.meta.dirname, "../../src/cli/main.ts");
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
/** Runs the command line; `from` is a file that is piped in. */
function athanor(args: readonly string[], from?: string): Promise<Ended> {
  const input = from === undefined ? undefined : openSync(from, "r");
  const child = spawn(process.execPath, ["--conditions=source", main, ...args], {
    stdio: [input ?? "ignore", "pipe", "pipe"],
  });
  const out = { stdout: "", stderr: "" };
  child.stdout?.on("data", (text) => (out.stdout += String(text)));
  child.stderr?.on("data", (text) => (out.stderr += String(text)));
  return new Promise((resolve) =>
    child.on("close", (code) => {
      if (input !== undefined) closeSync(input);
      resolve({ code, ...out });
    }),
  );
}

const TEMPLATE =
  "{% if tools %}T{{ tools | length }}{% endif %}{% for m in messages %}{{ bos_token }}{{ m.role[0] }}{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}{{ bos_token }}a{% if enable_thinking is false %}!{% endif %}{% endif %}";
const BESIDE: Readonly<Record<string, object>> = {
  "tokenizer_config.json": {
    chat_template: TEMPLATE,
    bos_token: "<bos>",
    eos_token: "<eos>",
    add_bos_token: false,
    tokenizer_class: "PreTrainedTokenizerFast",
  },
  "special_tokens_map.json": { bos_token: "<bos>", eos_token: { content: "<eos>", lstrip: false } },
  "generation_config.json": { do_sample: false, eos_token_id: [2, 7], max_length: 64 },
};

beforeAll(async () => {
  const tokenizer = byteTokenizer();
  const position = { type: "llama3", base: 500, scale: 8, trainingLength: 16, fast: 4, slow: 1 } as const;
  const sizes = { vocabulary: tokenizer.vocabularySize, context: 64, width: 16, layers: 2, heads: 2 };
  const config = causalLMConfig({ ...sizes, position });
  await saveModel(
    model,
    config,
    initCausalLM(config, random.key(4)),
    { bos: 1, eos: [2], pad: 0 },
    {
      dtype: "float16",
      beside: new Map(Object.entries(BESIDE).map(([name, value]) => [name, JSON.stringify(value)])),
    },
  );
  await saveTokenizer(tokenizer, join(model, "tokenizer.json"));
  const json = JSON.parse(readFileSync(join(model, "config.json"), "utf8")) as object;
  writeFileSync(join(model, "config.json"), JSON.stringify({ ...json, model_type: "minimind" }));
});

const jsonIn = (folder: string, name: string): unknown =>
  JSON.parse(readFileSync(join(folder, name), "utf8"));

test("export --hf keeps all that a folder came with", async () => {
  const { code, stderr } = await athanor(["export", model, "--hf", again]);
  expect(stderr).toContain("written");
  expect(code).toBe(0);
  for (const [name, value] of Object.entries(BESIDE)) expect(jsonIn(again, name)).toEqual(value);
  expect(jsonIn(again, "config.json")).toEqual({
    ...(jsonIn(model, "config.json") as object),
    model_type: "llama",
    eos_token_id: [2, 7],
  });
  const weights = (folder: string): Uint8Array => readFileSync(join(folder, "model.safetensors"));
  expect(parseSafetensors(weights(again)).entries.get("model.norm.weight")?.stored).toBe("F16");
  expect(weights(again)).toEqual(weights(model));
  expect(readdirSync(again).sort()).toEqual(readdirSync(model).sort());
});

describe("chat", () => {
  const messages = ({ code, stdout, stderr }: Ended): unknown => {
    expect(code, stderr).toBe(0);
    return (JSON.parse(stdout) as { messages: unknown }).messages;
  };

  test("answers alike before and after, always the most probable token, as the files say", async () => {
    const ask = ["-p", "why?", "-n", "6", "--json"];
    const before = messages(await athanor(["chat", model, ...ask]));
    expect(before).toEqual([
      { role: "user", content: "why?" },
      { role: "assistant", content: expect.any(String) },
    ]);
    expect(messages(await athanor(["chat", again, ...ask, "--seed", "9"]))).toEqual(before);
  });

  test("reads a piped text as one message, and says how fast it wrote", async () => {
    const file = join(work, "question.txt");
    writeFileSync(file, "two\nlines\n");
    const piped = await athanor(["chat", model, "-n", "4"], file);
    expect(piped.code, piped.stderr).toBe(0);
    expect(piped.stderr).toContain("> two\nlines\n");
    expect(piped.stderr).toMatch(/\d+ tokens, [\d.]+ a second/);
    const named = messages(await athanor(["chat", model, "-n", "4", "--json", "--prompt-file", file]));
    expect(named).toMatchObject([{ content: "two\nlines" }, {}]);
  });

  test("thinking and tools reach the template; files that hold none are refused", async () => {
    const tools = join(work, "tools.json");
    writeFileSync(tools, '[{"type": "function", "function": {"name": "clock"}}]');
    const ask = ["chat", model, "-p", "?", "-n", "1", "--json"];
    expect((await athanor([...ask, "--no-think", "--tools", tools])).code).toBe(0);
    writeFileSync(tools, "{");
    const broken = await athanor([...ask, "--tools", tools]);
    expect(broken.code).toBe(2);
    expect(broken.stderr).toContain(`chat: --tools ${tools} must be JSON, got "{".`);
    const absent = await athanor([...ask, "--prompt-file", join(work, "nowhere")]);
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain("nowhere must be readable, got ENOENT.");
  });

  test("a run that began with the model keeps its template and settings", async () => {
    const text = join(work, "text.txt");
    writeFileSync(text, babble(400));
    const how = ["--from", model, "--context", "16", "--batch", "2", "--steps", "1"];
    const trained = await athanor(["train", text, ...how, "--run", run]);
    expect(trained.code, trained.stderr).toBe(0);
    expect(jsonIn(run, "generation_config.json")).toEqual(BESIDE["generation_config.json"]);
    const answered = messages(await athanor(["chat", run, "-p", "why?", "-n", "4", "--json"]));
    expect(answered).toHaveLength(2);
  });
});

// athanor adapt: a run from one command, gone on with, its adapter worn by generate; and what it refuses.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ended as here } from "../support/command.ts";
import { athanor, temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const stories = join(import.meta.dirname, "../../../shared/data/models/stories260K/stories260K.bin");
const data = join(folder, "data.csv");
const few = ["--steps", "6", "--batch", "2", "--context", "32", "--rank", "2", "--learning-rate", "0.01"];

describe.skipIf(!existsSync(stories))("on a llama2.c file", () => {
  const run = join(folder, "run");
  const [merged, exported] = [join(folder, "merged"), join(folder, "peft")];
  const story = ["--prompt", "The stone", "--max-tokens", "8", "--temperature", "0"];
  beforeAll(() => {
    const rows = Array.from({ length: 12 }, (_, i) => `The stone was number ${i},"and it was ""gold""."`);
    writeFileSync(data, `prompt,completion\n${rows.join("\n")}\nlost,\n`);
  });

  test("a run is made, validated before and after, exported and merged", async () => {
    const also = ["--merge", merged, "--export", "peft", exported, "--json"];
    const ended = await here(["adapt", stories, "--data", data, ...few, "--run", run, ...also]);
    expect(ended.stderr).toContain("line 14 (an empty completion) cannot be used; the other 12 are.");
    expect(ended.code).toBe(0);
    const result = JSON.parse(ended.stdout) as Record<string, number>;
    expect(result).toMatchObject({
      runDir: run,
      steps: 6,
      interrupted: false,
      adapter: join(run, "adapter"),
    });
    expect(result["validationLoss"]).toBeLessThan(result["firstValidationLoss"] ?? 0);
    expect(result["trainableParameters"]).toBe(5 * 2 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 172)));
    expect(result["peakRssBytes"]).toBeGreaterThan(1e7);
    for (const file of ["config.json", "metrics.jsonl", "loss.svg", "checkpoints/step-00000000.safetensors"])
      expect(existsSync(join(run, file)), file).toBe(true);
    expect(readFileSync(join(exported, "adapter_model.safetensors"))).toEqual(
      readFileSync(join(run, "adapter/adapter_model.safetensors")),
    );
  });

  test("the model wears it, and the merged one writes the same", async () => {
    const bare = await here(["generate", stories, ...story]);
    const worn = await here(["generate", stories, "--adapter", join(run, "adapter"), ...story]);
    const whole = await here(["generate", merged, ...story]);
    expect(worn.code).toBe(0);
    expect(worn.stdout).toBe(whole.stdout);
    expect(worn.stdout).not.toBe(bare.stdout);
  });

  test("both are scored on examples, with choices or without", async () => {
    const scored = join(folder, "scored.jsonl");
    const right = 'and it was "gold".';
    const lines = [1, 2, 3].map((i) =>
      JSON.stringify({
        q: `The stone was number ${i}`,
        completion: right,
        choices: i === 3 ? ["a tree."] : [right, "a tree."],
      }),
    );
    writeFileSync(scored, `${lines.join("\n")}\n{"q":"x","completion":""}\n`);
    const how = [
      "eval",
      stories,
      "--data",
      scored,
      "--columns",
      "prompt=q,completion=completion,choices=choices",
      "--json",
    ];
    const [bare, worn] = [await athanor(how), await here([...how, "--adapter", join(run, "adapter")])];
    expect(bare.stderr).toContain(
      "line 3 (choices must be texts, of which the completion is one), line 4 (an empty completion)",
    );
    const [a, b] = [bare, worn].map(({ stdout }) => JSON.parse(stdout) as Record<string, number>);
    expect(a).toMatchObject({ examples: 2 });
    expect(b?.["lossPerToken"]).toBeLessThan(a?.["lossPerToken"] ?? 0);
    for (const share of ["exactMatch", "accuracy"]) expect([0, 0.5, 1]).toContain(b?.[share]);
  });

  test("it is gone on with, and refuses other data", async () => {
    const more = await here(["adapt", "--resume", run, "--steps", "7", "--json"]);
    expect(more.code).toBe(0);
    expect(JSON.parse(more.stdout)).toMatchObject({ steps: 7 });
    writeFileSync(data, `prompt,completion\na,b\nc,d\n`);
    const other = await here(["adapt", "--resume", run, "--steps", "8"]);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("must be those it began with (SHA-256");
  });

  test("Ctrl-C saves and says how to go on", async () => {
    const stopped = join(folder, "stopped");
    let sent = false;
    const how = ["--steps", "500", "--batch", "2", "--context", "32", "--run", stopped];
    const ended = await athanor(["adapt", stories, "--data", data, ...how], (said, kill) => {
      if (sent || !said.includes("examples to learn")) return;
      sent = true;
      kill("SIGINT");
    });
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain(`Go on with: athanor adapt --resume ${stopped}`);
    const steps = Number(/Stopped at step (\d+), saved/.exec(ended.stderr)?.[1]);
    const rest = await here(["adapt", "--resume", stopped, "--steps", String(steps + 1)]);
    expect(rest.code).toBe(0);
    expect(existsSync(join(stopped, "adapter/adapter_config.json"))).toBe(true);
  });

  test.each([
    [["--targets", "q_porj"], 'adapt: targets must fit some matrix or table, got "q_porj". There are'],
    [
      ["--rank", "65"],
      "adapt: model.layers.0.self_attn.q_proj: lora: rank must be a whole number from 1 to 64",
    ],
    [
      ["--method", "lroa"],
      'adapt: method must be one of lora, lora-plus, lora-ga, lora-pro, pissa, dora, full, got "lroa". Did you mean lora?',
    ],
    [["--export", "gguf", "x"], 'adapt: --export must be peft FOLDER or mlx FOLDER, got "gguf x".'],
    [["--method", "full", "--bits", "4"], "adapt: --bits must go with an adapter, got --method full."],
    [
      ["--columns", "a=b"],
      "--columns must be ours=theirs of text, prompt, completion, messages, choices, got",
    ],
    [
      ["--method", "lora-ga:scale=big"],
      'lora-ga: scale must be one of stable, unit, gd, weightS, got "big".',
    ],
    [["--method", "full", "--merge", "x"], "adapt: --merge must have an adapter, got --method full."],
    [["--epochs", "1"], "adapt: --steps and --epochs say the same, got both."],
  ])("%j is one sentence, and makes nothing", async (options, message) => {
    const none = join(folder, "none");
    const how = few.filter((_, i) => options[0] !== "--rank" || i < 6 || i > 7);
    const { code, stderr } = await here([
      "adapt",
      stories,
      "--data",
      data,
      ...how,
      ...options,
      "--run",
      none,
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(existsSync(none)).toBe(false);
  });
});

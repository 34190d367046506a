import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSafetensors } from "../../src/files/node/safetensors.ts";
import { athanor, babble, temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
const text = join(folder, "text.txt");
const recipe = join(folder, "recipe.json");
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  writeFileSync(text, babble(3000));
  // Validation and samples would only take time here.
  const training = {
    steps: 24,
    batch: 4,
    checkpointEvery: 3,
    keep: 2,
    validateEvery: 8,
    validationWindows: 4,
  };
  const model = { context: 16, width: 16, layers: 2, heads: 2 };
  writeFileSync(recipe, JSON.stringify({ model, training, tokenizer: "bytes" }));
});

function train(run: string, ...more: string[]): string[] {
  return ["train", text, "--config", recipe, "--run", run, "--seed", "5", ...more];
}

/** All tensors of the newest checkpoint. */
async function finalTensors(run: string): Promise<Record<string, unknown>> {
  const newest = readdirSync(join(run, "checkpoints")).sort().at(-1) ?? "";
  await using file = await openSafetensors(join(run, "checkpoints", newest));
  const tensors: Record<string, unknown> = { step: newest };
  for (const name of file.entries.keys()) tensors[name] = (await file.read(name)).data;
  return tensors;
}

function lossesOf(run: string): unknown[] {
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const { step, loss, validationLoss, rate } = JSON.parse(line) as Record<string, number>;
    return { step, loss, validationLoss, rate };
  });
}

describe("a run", () => {
  const whole = join(folder, "whole");
  let result: Record<string, unknown> = {};
  beforeAll(async () => {
    const ended = await athanor(train(whole, "--json"));
    expect(ended.stderr).toContain("parameters");
    expect(ended.code).toBe(0);
    result = JSON.parse(ended.stdout) as Record<string, unknown>;
  });

  test("ends with one JSON document and leaves its folder", () => {
    expect(result).toMatchObject({ steps: 24, interrupted: false, runDir: whole });
    expect(result["validationLoss"]).toBeGreaterThan(0);
    expect(result["validationBitsPerByte"]).toBeCloseTo(Number(result["validationLoss"]) / Math.LN2, 9);
    expect(result["tokensPerSecond"]).toBeGreaterThan(0);
    expect(readdirSync(whole).sort()).toEqual([
      "checkpoints",
      "config.json",
      "loss.svg",
      "metrics.jsonl",
      "samples.txt",
      "tokenizer.json",
    ]);
    expect(readdirSync(join(whole, "checkpoints"))).toHaveLength(2);
    expect(readFileSync(join(whole, "loss.svg"), "utf8")).toContain("bits per byte");
  });

  test("killed at any moment, it resumes to bitwise the same parameters and the same metrics", async () => {
    const killed = join(folder, "killed");
    const checkpoints = join(killed, "checkpoints");
    // Killed twice: as soon as there is a checkpoint, then again further on.
    for (const [args, more] of [
      [train(killed), 1],
      [["train", "--resume", killed], 3],
    ] as const) {
      const before = existsSync(checkpoints) ? readdirSync(checkpoints).sort().at(-1) : undefined;
      let timer: NodeJS.Timeout | undefined;
      const ended = await athanor(args, (_, kill) => {
        timer ??= setInterval(() => {
          const newest = existsSync(checkpoints) ? readdirSync(checkpoints).sort().at(-1) : undefined;
          const number = Number(newest?.slice(5, 13) ?? 0) - Number(before?.slice(5, 13) ?? 0);
          if (number >= 3 * more) kill("SIGKILL");
        }, 1);
      });
      clearInterval(timer);
      expect(ended.code === null || ended.code === 0).toBe(true);
    }
    const ended = await athanor(["train", "--resume", killed, "--json"]);
    expect(ended.code).toBe(0);
    expect(await finalTensors(killed)).toEqual(await finalTensors(whole));
    expect(lossesOf(killed)).toEqual(lossesOf(whole));
    expect((JSON.parse(ended.stdout) as { validationLoss: number }).validationLoss).toBe(
      result["validationLoss"],
    );
  });

  test("interrupted, it saves, says how to go on, and ends the same", async () => {
    const stopped = join(folder, "stopped");
    let sent = false;
    const ended = await athanor(train(stopped, "--json"), (stderr, kill) => {
      if (!sent && stderr.includes("step 1/24")) {
        sent = true;
        kill("SIGINT");
      }
    });
    expect(ended.stderr).toContain(`Go on with: athanor train --resume ${stopped}`);
    expect(ended.code).toBe(130);
    const { steps, interrupted } = JSON.parse(ended.stdout) as { steps: number; interrupted: boolean };
    expect(interrupted).toBe(true);
    expect(steps).toBeLessThan(24);
    expect((await athanor(["train", "--resume", stopped])).code).toBe(0);
    expect(await finalTensors(stopped)).toEqual(await finalTensors(whole));
  });

  test("changed texts are an error, a corrupt checkpoint is named and passed over", async () => {
    const other = join(folder, "other.txt");
    writeFileSync(other, babble(3000, 2));
    const changed = await athanor(["train", other, "--resume", whole]);
    expect(changed.code).toBe(2);
    expect(changed.stderr).toContain("must be those it began with");
    const newest = readdirSync(join(whole, "checkpoints")).sort().at(-1) ?? "";
    const path = join(whole, "checkpoints", newest);
    const before = await finalTensors(whole);
    writeFileSync(path, readFileSync(path).subarray(0, 5000));
    const corrupt = await athanor(["train", "--resume", whole]);
    expect(corrupt.stderr).toContain(`${path} is truncated`);
    expect(corrupt.stderr).toContain("Going on from");
    expect(corrupt.code).toBe(0);
    expect(await finalTensors(whole)).toEqual(before);
  });
});

// Run folders as athanor 9af20c9 wrote them, one of each kind of layer: they open, go on and write as they did there.
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { athanor, temporaryFolder } from "./helpers.ts";

const RUNS = join(import.meta.dirname, "../golden/runs");
const KINDS = readdirSync(RUNS, { withFileTypes: true }).filter((d) => d.isDirectory());
const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the version that made the run found when it went on from step 4 to step 8. */
interface After {
  readonly steps: readonly { step: number; loss?: number; validationLoss?: number }[];
  /** Of all tensors of its last checkpoint; equal on the processor it was made on. */
  readonly tensorsSha256: string;
  readonly greedy: string;
}

describe.each(KINDS.map((d) => d.name))("an earlier run: %s", (kind) => {
  const run = join(folder, kind);
  const after = JSON.parse(readFileSync(join(RUNS, kind, "after.json"), "utf8")) as After;

  test("goes on with the losses it had there", async () => {
    cpSync(join(RUNS, kind), run, { recursive: true });
    const ended = await athanor(["train", "--resume", run, "--steps", "8", join(RUNS, "text.txt"), "--json"]);
    expect(ended.stderr).not.toContain("athanor:");
    expect(ended.code).toBe(0);
    const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
    const metrics = lines.map((line) => JSON.parse(line) as Record<string, number>);
    for (const { step, loss, validationLoss } of after.steps) {
      const at = metrics.filter((m) => m["step"] === step);
      if (loss !== undefined) expect(at.find((m) => "loss" in m)?.["loss"]).toBeCloseTo(loss, 5);
      if (validationLoss !== undefined) {
        expect(at.find((m) => "validationLoss" in m)?.["validationLoss"]).toBeCloseTo(validationLoss, 5);
      }
    }
    // Another processor may round otherwise; ATHANOR_BITWISE=1 asks for the very bits.
    if (process.env["ATHANOR_BITWISE"] === "1") {
      const file = readFileSync(join(run, "checkpoints/step-00000008.safetensors"));
      const tensors = file.subarray(8 + Number(file.readBigUInt64LE(0)));
      expect(createHash("sha256").update(tensors).digest("hex")).toBe(after.tensorsSha256);
    }
  });

  test("writes what it wrote there", async () => {
    const how = ["--prompt", "The furnace", "--max-tokens", "16", "--temperature", "0"];
    const { stdout } = await athanor(["generate", run, ...how]);
    // Where positions are learned it stopped at the 16th token there, and goes on now.
    const upTo = after.greedy.endsWith("\n") ? Infinity : after.greedy.length;
    expect(stdout.slice(0, upTo)).toBe(after.greedy);
  });
});

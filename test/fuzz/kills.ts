// Trainings killed at random moments and gone on with: each must end in the bytes of one that was never stopped.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { babble } from "../train/helpers.ts";

export interface KillOptions {
  /** How many kills in all. */
  readonly count: number;
  /** Decides when they come. */
  readonly seed: number;
}

export interface KillReport {
  readonly kills: number;
  /** What was not as it should be, a sentence each. */
  readonly problems: readonly string[];
}

/** Most kills of one run before it is left to end. */
const IN_ONE_RUN = 4;
const STEPS = 16;

/** Kills `count` trainings; each run bears up to four kills, then ends and is compared. */
export async function runKills({ count, seed }: KillOptions): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), "athanor-kills-"));
  const uniform = generator(seed);
  const problems: string[] = [];
  let kills = 0;
  try {
    writeFileSync(join(folder, "text.txt"), babble(2000, seed + 1));
    const whole = join(folder, "whole");
    const began = performance.now();
    const first = await run(begin(folder, whole));
    if (first.code !== 0)
      return { kills, problems: [`the whole run ended with ${first.code}: ${first.stderr}`] };
    const lasts = performance.now() - began;
    const wanted = contents(whole);
    for (let n = 0; kills < count; n++) {
      const killed = join(folder, `killed-${n}`);
      for (let i = 0; i < IN_ONE_RUN && kills < count; i++) {
        // Half the kills come while the program starts and reads, half while it trains and writes.
        const after = uniform() * lasts * 1.1;
        await run(resumable(folder, killed), after);
        kills++;
      }
      const end = await run(resumable(folder, killed));
      if (end.code !== 0)
        problems.push(`run ${n} (seed ${seed}) ended with ${end.code}: ${end.stderr.slice(-400)}`);
      else
        problems.push(...differences(wanted, contents(killed)).map((d) => `run ${n} (seed ${seed}): ${d}`));
      rmSync(killed, { recursive: true, force: true });
    }
    return { kills, problems };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function begin(folder: string, at: string): string[] {
  const sizes = ["--context", "16", "--width", "16", "--layers", "1", "--heads", "2"];
  const how = ["--preset", "tiny", "--batch", "4", "--steps", String(STEPS), "--checkpoint-every", "2"];
  return [
    "train",
    join(folder, "text.txt"),
    ...how,
    ...sizes,
    "--optimizer",
    "lion",
    "--run",
    at,
    "--seed",
    "3",
  ];
}

/** Goes on where there is a run, else begins one. */
function resumable(folder: string, at: string): string[] {
  try {
    readFileSync(join(at, "config.json"));
    return ["train", "--resume", at];
  } catch {
    return begin(folder, at);
  }
}

/** Runs the command line, killed after some milliseconds if given. */
function run(args: readonly string[], after?: number): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, ["--conditions=source", "src/cli/main.ts", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const timer = after === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), after);
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stderr });
    });
  });
}

/** What must be equal: the tensors of the last checkpoint, the metrics but for the clock, the samples, the files. */
function contents(at: string): Record<string, string> {
  const checkpoints = join(at, "checkpoints");
  const newest =
    readdirSync(checkpoints)
      .filter((n) => n.startsWith("step-"))
      .sort()
      .at(-1) ?? "";
  const file = readFileSync(join(checkpoints, newest));
  const tensors = file.subarray(8 + Number(file.readBigUInt64LE(0)));
  const lines = readFileSync(join(at, "metrics.jsonl"), "utf8").trim().split("\n");
  const metrics = lines.map((line) => JSON.stringify({ ...(JSON.parse(line) as object), seconds: 0 }));
  return {
    checkpoint: newest,
    tensors: tensors.toString("base64"),
    metrics: metrics.join("\n"),
    samples: readFileSync(join(at, "samples.txt"), "utf8"),
    files: readdirSync(at).sort().join(" "),
    left: readdirSync(checkpoints).sort().join(" "),
  };
}

function differences(wanted: Record<string, string>, got: Record<string, string>): string[] {
  return Object.keys(wanted).flatMap((key) =>
    wanted[key] === got[key]
      ? []
      : [`${key} differ: ${got[key]?.slice(0, 200)} for ${wanted[key]?.slice(0, 200)}`],
  );
}

/** Uniform numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

// Work killed at random moments and gone on with: each must end in the bytes of one that was never stopped.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FuzzOptions, FuzzReport } from "../options.ts";
import { type Victim, VICTIMS } from "./victims.ts";

export interface KillReport {
  readonly kills: number;
  /** What was not as it should be, a sentence each. */
  readonly problems: readonly string[];
}

/** Most kills of one run before it is left to end. */
const IN_ONE_RUN = 4;

/** Kills as many times as asked, a share for each kind of work. */
export async function runKills({ count, seed, minutes }: FuzzOptions): Promise<FuzzReport> {
  const until = Date.now() + minutes * 60_000;
  const names = Object.keys(VICTIMS);
  const share: Record<string, number> = {};
  const failures: string[] = [];
  for (const [i, name] of names.entries()) {
    const wanted = Math.floor((count + names.length - 1 - i) / names.length);
    const { kills, problems } = await killAgainAndAgain(name, wanted, seed, until);
    share[name] = kills;
    failures.push(...problems);
  }
  const tried = Object.values(share).reduce((a, b) => a + b, 0);
  return { tried, firstSeed: seed, failures, kills: share };
}

/** Kills one kind of work `count` times; each run bears up to four kills, then ends and is compared. */
export async function killAgainAndAgain(
  name: string,
  count: number,
  seed: number,
  until: number = Infinity,
): Promise<KillReport> {
  const victim = VICTIMS[name];
  if (victim === undefined)
    throw new Error(`kills: ${name} must be one of ${Object.keys(VICTIMS).join(", ")}.`);
  const folder = mkdtempSync(join(tmpdir(), "athanor-kills-"));
  try {
    return await inFolder(folder, victim, name, { count, seed, until });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function inFolder(
  folder: string,
  victim: Victim,
  name: string,
  { count, seed, until }: { readonly count: number; readonly seed: number; readonly until: number },
): Promise<KillReport> {
  const end = await victim.prepare(folder, seed);
  try {
    return await kill(folder, victim, name, { count, seed, until });
  } finally {
    end?.();
  }
}

async function kill(
  folder: string,
  victim: Victim,
  name: string,
  { count, seed, until }: { readonly count: number; readonly seed: number; readonly until: number },
): Promise<KillReport> {
  const uniform = generator(seed);
  const problems: string[] = [];
  let kills = 0;
  const whole = join(folder, "whole");
  const began = performance.now();
  const first = await run(victim.command(folder, whole));
  if (first.code !== 0) {
    return { kills, problems: [`${name}: the whole run ended with ${first.code}: ${first.stderr}`] };
  }
  const lasts = performance.now() - began;
  const wanted = await victim.contents(whole);
  for (let n = 0; kills < count && Date.now() < until; n++) {
    const killed = join(folder, `killed-${n}`);
    for (let i = 0; i < IN_ONE_RUN && kills < count; i++) {
      // From the start of the program to a little after its end.
      const after = uniform() * lasts * 1.1;
      await run(victim.command(folder, killed), after);
      kills++;
    }
    const end = await run(victim.command(folder, killed));
    const who = `${name}, run ${n} (seed ${seed})`;
    if (end.code !== 0) problems.push(`${who} ended with ${end.code}: ${end.stderr.slice(-400)}`);
    else problems.push(...differences(wanted, await victim.contents(killed)).map((d) => `${who}: ${d}`));
  }
  return { kills, problems };
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

function differences(
  wanted: Readonly<Record<string, string>>,
  got: Readonly<Record<string, string>>,
): string[] {
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

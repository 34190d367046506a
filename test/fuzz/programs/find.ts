// The program of a seed, held against the reference; what goes wrong comes back as the smallest program that shows it.
import type { Device } from "../../../src/tensor/index.ts";
import type { Program } from "../../reference/program.ts";
import { findIn, type Mode, MODES } from "./check.ts";
import { type Choice, generate } from "./generate.ts";
import { print } from "./print.ts";
import { shrink } from "./shrink.ts";

/** What one seed gave. */
export interface Found {
  readonly seed: number;
  /** Runs that were compared. */
  readonly runs: number;
  /** Modes that could not take the program. */
  readonly skipped: number;
  /** One text per mode that went wrong: what, and the program as TypeScript. */
  readonly failures: readonly string[];
}

/** The kind of a finding: what it is about, without numbers. */
const kindOf = (finding: string): string => finding.replace(/[\d.eE+-]+/g, "#").slice(0, 24);

async function explain(program: Program, mode: Mode, device: Device, finding: string): Promise<string> {
  const kind = kindOf(finding);
  const wrong = async (p: Program): Promise<string | undefined> => {
    const found = await findIn(p, mode, device);
    return found === "skipped" ? undefined : found;
  };
  const least = await shrink(program, async (p) => {
    const found = await wrong(p);
    return found !== undefined && kindOf(found) === kind;
  });
  return print(least, `${mode} on ${device}: ${(await wrong(least)) ?? finding}`);
}

/** Runs the program of `seed` in `modes` on `device`. */
export async function findSeed(
  seed: number,
  { modes = MODES, device = "cpu", ...choice }: Choice & { modes?: readonly Mode[]; device?: Device } = {},
): Promise<Found> {
  const { program } = generate(seed, choice);
  const failures: string[] = [];
  let skipped = 0;
  for (const mode of modes) {
    const finding = await findIn(program, mode, device);
    if (finding === "skipped") skipped++;
    else if (finding !== undefined) {
      failures.push(`seed ${seed}\n${await explain(program, mode, device, finding)}`);
    }
  }
  return { seed, runs: modes.length - skipped, skipped, failures };
}

/** The mode of a seed where each seed runs in one. */
export function modeOf(seed: number): Mode {
  return MODES[seed % MODES.length] ?? "evaluate";
}

/** Failures of `count` seeds from `first`, each in one mode, `together` at a time. */
export async function findMany(
  first: number,
  count: number,
  options: Choice & { device: Device; together?: number },
): Promise<{ failures: string[]; runs: number }> {
  const { together = 1, ...rest } = options;
  const failures: string[] = [];
  let runs = 0;
  for (let at = first; at < first + count; at += together) {
    const seeds = Array.from({ length: Math.min(together, first + count - at) }, (_, i) => at + i);
    const found = await Promise.all(seeds.map((seed) => findSeed(seed, { ...rest, modes: [modeOf(seed)] })));
    for (const f of found) {
      failures.push(...f.failures);
      runs += f.runs;
    }
  }
  return { failures, runs };
}

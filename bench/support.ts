// What the benchmarks share: options, medians, a peer process.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { OptionError } from "../src/errors.ts";

/** `--name value` options with defaults; numbers stay numbers. */
export function options<T extends Record<string, string | number>>(args: string[], defaults: T): T {
  const { values } = parseArgs({
    args,
    options: Object.fromEntries(Object.keys(defaults).map((k) => [k, { type: "string" as const }])),
  });
  return Object.fromEntries(
    Object.entries(defaults).map(([key, otherwise]) => {
      const text = values[key];
      if (typeof text !== "string") return [key, otherwise];
      if (typeof otherwise === "string") return [key, text];
      const n = Number(text);
      if (Number.isNaN(n)) throw new OptionError(`bench: --${key} must be a number, got "${text}".`);
      return [key, n];
    }),
  ) as T;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

/** Lines of JSON that a command prints. Rejects when it ends badly. */
export async function jsonLines(command: string, args: readonly string[]): Promise<Record<string, number>[]> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const rows: Record<string, number>[] = [];
  const done = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`)),
    );
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("{")) rows.push(JSON.parse(line) as Record<string, number>);
  }
  await done;
  return rows;
}

/**
 * Milliseconds of processor time that `work` takes, which neighbours on the machine lengthen little. Compile with one
 * thread: idle threads of a pool spin, and their time would count.
 */
export async function processorMs(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder for the files of a test. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "athanor-train-"));
}

const WORDS =
  "the furnace feeds itself and glows through night while slow fire turns lead of words to gold".split(" ");

/** `count` words in an order that only `seed` decides. */
export function babble(count: number, seed = 1): string {
  let state = seed;
  return Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (WORDS[state % WORDS.length] ?? "") + (i % 12 === 11 ? ".\n" : "");
  }).join(" ");
}

/** What a command left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `athanor` in a process of its own. `onOutput` sees what it says on stderr so far. */
export function athanor(
  args: readonly string[],
  onOutput?: (stderr: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=source", "src/cli/main.ts", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    onOutput?.(stderr, (signal) => child.kill(signal));
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

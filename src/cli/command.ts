// What every command shares: where output goes, how it ends, how progress looks.
import { UserError } from "../errors.ts";

/** Prints one JSON document on stdout; everything a person reads goes to stderr with `say`. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Prints a line for a person on stderr. */
export function say(line = ""): void {
  process.stderr.write(`${line}\n`);
}

/** Seconds as `1h 02m`, `3m 20s` or `12s`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s >= 3600) return `${Math.floor(s / 3600)}h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}m`;
  return s >= 60 ? `${Math.floor(s / 60)}m ${String(s % 60).padStart(2, "0")}s` : `${s}s`;
}

/** A line that repaints itself on a terminal and is printed at most every `everySeconds` elsewhere. */
export interface Progress {
  update(line: string): void;
  /** Ends the repainted line; prints `line` if given. */
  end(line?: string): void;
}

/** Progress on stderr. */
export function progress(everySeconds = 10): Progress {
  const terminal = process.stderr.isTTY;
  let last = 0;
  let painted = false;
  return {
    update(line) {
      const now = Date.now();
      if (terminal) {
        if (now - last < 80) return;
        process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns || 80) - 1)}`);
        painted = true;
      } else {
        if (now - last < everySeconds * 1000) return;
        say(line);
      }
      last = now;
    },
    end(line) {
      if (painted) process.stderr.write("\r\x1b[2K");
      painted = false;
      if (line !== undefined) say(line);
    },
  };
}

/** Runs a command's body: one sentence and exit code 2 for a user's mistake, 1 for a failure; stacks with --debug. */
export async function guard(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    const debug = process.argv.includes("--debug") || process.env["ATHANOR_DEBUG"];
    const message = error instanceof Error ? error.message : String(error);
    say(`athanor: ${message}`);
    if (debug && error instanceof Error) say(error.stack);
    process.exitCode = error instanceof UserError ? 2 : 1;
  }
}

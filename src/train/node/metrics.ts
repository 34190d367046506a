// metrics.jsonl: one line a step or validation, appended whole. A line torn by a kill is dropped on the next start.
import { appendFile, readFile } from "node:fs/promises";
import { FileError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { type Metric, withoutLater } from "../metrics.ts";

/** Appends lines in one write. @throws FileError when they cannot be written. */
export async function appendMetrics(path: string, metrics: readonly Metric[]): Promise<void> {
  if (metrics.length === 0) return;
  try {
    await appendFile(path, metrics.map((m) => `${JSON.stringify(m)}\n`).join(""));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new FileError(
      `train: ${path} must be writable, got ${code ?? message}. Make room, then go on with --resume.`,
      { cause: error },
    );
  }
}

/** All whole lines; none if there is no file. */
export async function readMetrics(path: string): Promise<Metric[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as Metric];
    } catch {
      return [];
    }
  });
}

/** Drops what came after `step`, so that a resumed training repeats no line. @returns What is left. */
export async function rewindMetrics(path: string, step: number, atEnd = false): Promise<Metric[]> {
  const kept = withoutLater(await readMetrics(path), step, atEnd);
  await writeFileAtomic(path, kept.map((m) => `${JSON.stringify(m)}\n`).join(""));
  return kept;
}

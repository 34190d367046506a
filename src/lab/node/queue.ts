// Units handed to workers through BullMQ. What is done is kept here as it comes, and what is not is asked for again: a
// worker that dies and a server that comes back with nothing lose no unit.
import { join } from "node:path";
import type { Job } from "bullmq";
import { optional } from "../../optional.ts";
import { RESULT_FORMAT } from "../result.ts";
import type { Done, Unit } from "../unit.ts";
import { type Journal, openJournal } from "./journal.ts";
import { type Answer, checkRedis, connectionTo, jobId, type Progress, QUEUE, type Task } from "./redis.ts";

export interface QueueOptions {
  /** Folder where units are kept as they end. */
  readonly keep: string;
  readonly say: (line: string) => void;
  /** Milliseconds between two looks at the queue; default 1000. */
  readonly pace?: number;
}

/** How often a unit is tried whose process died under it. */
const TRIES = 3;

/** Has every unit done by workers and returns what was done, by entry. @throws Error naming the units that failed. */
export async function runOverQueue(
  address: string,
  units: readonly Unit[],
  { keep, say, pace = 1000 }: QueueOptions,
): Promise<Map<string, Done[]>> {
  await checkRedis(address);
  const { Queue } = await optional("lab", "bullmq", () => import("bullmq"));
  const found = new Map<string, Done>();
  const failed = new Map<string, string>();
  const journals = new Map<string, Journal>();
  for (const unit of units) {
    const name = `${unit.entry}.${unit.scale}.jsonl`;
    const journal = journals.get(name) ?? (await openJournal(join(keep, name)));
    journals.set(name, journal);
    const before = journal.done(unit);
    if (before !== undefined) found.set(jobId(unit), before);
  }
  const queue = new Queue<Task, Answer>(QUEUE, { connection: connectionTo(address) });
  let away = false;
  queue.on("error", () => {
    if (!away) say("lab: the queue's server is away; waiting for it");
    away = true;
  });
  const told = new Map<string, string>();
  const open = new Map<string, Unit>();
  for (const unit of units) if (!found.has(jobId(unit))) open.set(jobId(unit), unit);
  say(`${units.length} units, ${found.size} of them done before; ${open.size} for workers at ${address}`);
  try {
    while (open.size > 0) {
      for (const [id, unit] of open) {
        const job: Job<Task, Answer> | undefined = await queue.getJob(id);
        if (away) say("lab: the queue's server is back");
        away = false;
        if (job === undefined) {
          await queue.add(unit.entry, { unit, version: RESULT_FORMAT }, { jobId: id, attempts: TRIES });
          continue;
        }
        tellProgress(job, unit, told, say);
        if (await job.isFailed()) {
          failed.set(id, `${nameOf(unit)}: ${job.failedReason}`);
          say(`FAILED ${failed.get(id)}`);
        } else if (await job.isCompleted()) {
          // The value may have come in after the job was read.
          const answer = (await queue.getJob(id))?.returnvalue;
          if (answer === undefined || answer === null) continue;
          found.set(id, answer.done);
          await journals.get(`${unit.entry}.${unit.scale}.jsonl`)?.add(answer.done);
          say(`${found.size} of ${units.length} units: ${nameOf(unit)} by ${answer.worker}`);
        } else continue;
        open.delete(id);
        told.delete(id);
        await job.remove();
      }
      if (open.size > 0) await new Promise((resolve) => setTimeout(resolve, pace));
    }
  } finally {
    await queue.close();
  }
  if (failed.size > 0)
    throw new Error(`lab: ${failed.size} units failed: ${[...failed.values()].join("; ")}`);
  const byEntry = new Map<string, Done[]>();
  for (const unit of units) {
    const done = found.get(jobId(unit));
    if (done !== undefined) byEntry.set(unit.entry, [...(byEntry.get(unit.entry) ?? []), done]);
  }
  return byEntry;
}

const nameOf = ({ entry, seed, settings }: Unit): string =>
  `${entry}, seed ${seed}, ${JSON.stringify(settings)}`;

/** Says what a worker last told of a unit, once. */
function tellProgress(
  job: Job<Task, Answer>,
  unit: Unit,
  told: Map<string, string>,
  say: (line: string) => void,
): void {
  const progress = job.progress as Partial<Progress>;
  if (typeof progress !== "object" || progress.line === undefined) return;
  const line = `  ${progress.worker} · ${unit.entry}, seed ${unit.seed}: ${progress.line.trim()}`;
  if (told.get(job.id ?? "") !== line) say(line);
  told.set(job.id ?? "", line);
}

// A worker: takes units from the queue, one at a time, and has them done in a process of its own.
import { type ChildProcess, fork } from "node:child_process";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import type { Job } from "bullmq";
import { optional } from "../../optional.ts";
import { entryNamed } from "../entries.ts";
import { RESULT_FORMAT } from "../result.ts";
import type { Done, Unit } from "../unit.ts";
import { absent, wantOf } from "./data.ts";
import { type Answer, checkRedis, connectionTo, type Progress, QUEUE, type Task } from "./redis.ts";

/** Messages of the process that does the work. */
export type FromChild =
  | { readonly ready: true }
  | { readonly line: string }
  | { readonly done: Done }
  | { readonly failed: string };

export interface WorkOptions {
  readonly say: (line: string) => void;
  /** Ends the work: the unit at hand is given back. */
  readonly signal: AbortSignal;
  /** Milliseconds after which a worker that no longer answers has lost its unit to others; default 30,000. */
  readonly patience?: number;
}

/** A worker that lacks a unit's data leaves it to others for so long, ms. */
const ELSEWHERE = 5000;
/** How long a worker that is stopped tries to give its unit back, ms. */
const PARTING = 2000;

/** Works until `signal`. @throws UserError when no server answers at the beginning. */
export async function workFor(
  address: string,
  { say, signal, patience = 30_000 }: WorkOptions,
): Promise<void> {
  await checkRedis(address);
  const { DelayedError, UnrecoverableError, Worker } = await optional(
    "lab",
    "bullmq",
    () => import("bullmq"),
  );
  const name = `${hostname()}-${process.pid}`;
  let child: ChildProcess | undefined;
  const work = async (job: Job<Task, Answer>, token?: string): Promise<Answer> => {
    const { unit, version } = job.data;
    const why =
      version === RESULT_FORMAT ? lacks(unit) : `is of version ${version}, this worker of ${RESULT_FORMAT}`;
    if (why !== undefined) {
      say(`${unit.entry}: left to other workers, ${why}`);
      await job.updateProgress({ worker: name, line: why } satisfies Progress);
      await job.moveToDelayed(Date.now() + ELSEWHERE, token);
      throw new DelayedError();
    }
    say(`${unit.entry}, seed ${unit.seed}`);
    child ??= await startChild();
    const done = await doneBy(child, unit, (line) => {
      // A server that is away hears it when it is back.
      job.updateProgress({ worker: name, line } satisfies Progress).catch(() => undefined);
    }).catch(async (error: unknown) => {
      child?.kill("SIGKILL");
      child = undefined;
      if (signal.aborted) {
        // Stopped: the unit is free for others at once.
        await job.moveToDelayed(Date.now(), token);
        throw new DelayedError();
      }
      throw error instanceof UnitError ? new UnrecoverableError(error.message) : error;
    });
    say(`${unit.entry}, seed ${unit.seed}: done in ${done.seconds.toFixed(1)} s`);
    return { worker: name, done };
  };
  const worker = new Worker<Task, Answer>(QUEUE, work, {
    connection: connectionTo(address),
    lockDuration: patience,
    stalledInterval: patience,
    // Units are pure: one that outlived several workers is still to be done.
    maxStalledCount: 1000,
  });
  let away = false;
  worker.on("error", (error) => {
    if (!away) say(`lab: ${error.message === "" ? "the queue's server is away" : error.message}; waiting`);
    away = true;
  });
  worker.on("active", () => {
    away = false;
  });
  say(`${name} works for ${address}`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  child?.kill("SIGKILL");
  // A server that is away cannot be told: the unit is free once its lock has run out.
  await Promise.race([worker.close(), new Promise((resolve) => setTimeout(resolve, PARTING))]);
  await worker.close(true);
}

/** An entry's own error, which would come again; a process that died is another matter. */
class UnitError extends Error {}

/** What is missing here for a unit; `undefined` where nothing is. */
function lacks({ entry }: Unit): string | undefined {
  try {
    const wanted = absent(entryNamed(entry).needs).map(wantOf);
    return wanted.length > 0 ? wanted.join("; ") : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The process that computes, once it listens. */
async function startChild(): Promise<ChildProcess> {
  const built = import.meta.url.endsWith(".js");
  const child = fork(fileURLToPath(new URL(`./unit-child.${built ? "js" : "ts"}`, import.meta.url)), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("message", () => resolve());
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`lab: the process for units ended with ${code}`)));
  });
  child.removeAllListeners();
  return child;
}

function doneBy(child: ChildProcess, unit: Unit, tell: (line: string) => void): Promise<Done> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void =>
      reject(new Error(`the process for units ended with ${code}`));
    const heard = (message: FromChild): void => {
      if ("line" in message) tell(message.line);
      else if ("done" in message) finish(() => resolve(message.done));
      else if ("failed" in message) finish(() => reject(new UnitError(message.failed)));
    };
    const finish = (settle: () => void): void => {
      child.off("message", heard);
      child.off("exit", ended);
      settle();
    };
    child.on("message", heard);
    child.once("exit", ended);
    child.send(unit);
  });
}

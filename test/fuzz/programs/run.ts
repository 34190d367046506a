// `npm run fuzz -- programs`: every program in every mode, in a process that may die.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { say } from "../../../src/cli/command.ts";
import type { FuzzOptions, FuzzReport } from "../options.ts";
import type { Found } from "./find.ts";

/** A program that is not done after so many milliseconds hangs. */
const PATIENCE = 180_000;

function start(): ChildProcess {
  return fork(join(import.meta.dirname, "worker.ts"), { execArgv: ["--conditions=source"] });
}

/** What `worker` says of `seed`: also when it dies or hangs. */
function ask(worker: ChildProcess, seed: number, how: Pick<FuzzOptions, "device" | "modes">): Promise<Found> {
  return new Promise((resolve) => {
    const end = (text?: string): Found => ({
      seed,
      runs: 0,
      skipped: 0,
      failures: text === undefined ? [] : [`seed ${seed}: ${text}`],
    });
    const timer = setTimeout(() => {
      worker.kill("SIGKILL");
      finish(end(`no answer within ${PATIENCE / 1000} s`));
    }, PATIENCE);
    const onExit = (code: number | null, signal: string | null): void =>
      finish(end(`the process ended (${signal ?? code})`));
    const finish = (found: Found): void => {
      clearTimeout(timer);
      worker.off("exit", onExit);
      worker.off("message", finish);
      resolve(found);
    };
    worker.on("exit", onExit);
    worker.on("message", finish);
    worker.send({ seed, ...how });
  });
}

/** Runs `count` programs from `seed`, or as many as fit into `minutes`. */
export async function runPrograms({ count, seed, minutes, device, modes }: FuzzOptions): Promise<FuzzReport> {
  const until = Date.now() + minutes * 60_000;
  let worker = start();
  let done = 0;
  let runs = 0;
  let skipped = 0;
  const failures: string[] = [];
  for (; done < count && Date.now() < until; done++) {
    if (worker.exitCode !== null || worker.signalCode !== null || worker.killed || done % 200 === 199) {
      worker.kill();
      worker = start();
    }
    const found = await ask(worker, seed + done, { device, modes });
    runs += found.runs;
    skipped += found.skipped;
    failures.push(...found.failures);
    for (const failure of found.failures) say(failure);
    if (done % 100 === 99) say(`${done + 1} programs, ${runs} runs, ${failures.length} failures`);
  }
  worker.kill();
  return { tried: done, firstSeed: seed, modes, runs, skipped, failures };
}

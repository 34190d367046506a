// `npm run fuzz -- files`: damaged files of every format, each within five seconds.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { say } from "../../../src/cli/command.ts";
import type { FuzzOptions, FuzzReport } from "../options.ts";
import { FORMATS } from "./formats.ts";

const LIMIT = 5_000;

/** A worker that has loaded the readers: their loading does not count. */
async function start(): Promise<ChildProcess> {
  const worker = fork(join(import.meta.dirname, "worker.ts"), { execArgv: ["--conditions=source"] });
  await new Promise((resolve) => worker.once("message", resolve));
  return worker;
}

/** What is wrong with one file: also that reading takes too long, or ends the process. */
function ask(worker: ChildProcess, name: string, seed: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      worker.kill("SIGKILL");
      finish({ failure: `${name}, seed ${seed}: not read within ${LIMIT / 1000} s` });
    }, LIMIT);
    const onExit = (code: number | null, signal: string | null): void =>
      finish({ failure: `${name}, seed ${seed}: the process ended (${signal ?? code})` });
    const finish = ({ failure }: { failure?: string }): void => {
      clearTimeout(timer);
      worker.off("exit", onExit);
      worker.off("message", finish);
      resolve(failure);
    };
    worker.on("exit", onExit);
    worker.on("message", finish);
    worker.send({ name, seed });
  });
}

/** Reads `count` damaged files, the formats in turn. */
export async function runFiles({ count, seed, minutes }: FuzzOptions): Promise<FuzzReport> {
  const until = Date.now() + minutes * 60_000;
  const names = Object.keys(FORMATS);
  let worker = await start();
  const failures: string[] = [];
  let done = 0;
  for (; done < count && Date.now() < until; done++) {
    if (worker.exitCode !== null || worker.signalCode !== null || worker.killed) worker = await start();
    const name = names[done % names.length] ?? "";
    const failure = await ask(worker, name, seed + done);
    if (failure !== undefined) {
      failures.push(failure);
      say(failure);
    }
  }
  worker.kill();
  return { tried: done, firstSeed: seed, formats: names, failures };
}

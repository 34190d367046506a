// One user at a time: run.lock in a run's folder names the process that uses it.
import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { FileError, OptionError } from "../../errors.ts";

/** Who holds a run. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When it took the run, ISO 8601. */
  readonly since: string;
}

/** A lock that is held. */
export interface Lock {
  /** What a person should know: the run was taken over from a process that is gone. */
  readonly notice: string | undefined;
  release(): Promise<void>;
}

/** A lock file is written within this time after it appears. */
const WRITING_MS = 200;

/**
 * Takes the lock at `path` for this process. The lock of a process of this machine that is gone is taken over.
 * @param what What the lock is of, for messages.
 * @throws OptionError naming process, machine and time when it is held, FileError when it cannot be written.
 */
export async function takeLock(path: string, what: string): Promise<Lock> {
  const own: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  let notice: string | undefined;
  // Whoever else takes over the same stale lock makes this one look again.
  for (let turn = 0; turn < 3; turn++) {
    if (await create(path, own, what)) {
      return { notice, release: () => rm(path, { force: true }) };
    }
    const { holder, text } = await readHolder(path);
    if (holder !== undefined && (await mayLive(holder))) throw heldBy(holder, path, what);
    if (text === undefined) continue;
    if (!(await takeAway(path, text))) continue;
    notice =
      holder === undefined
        ? `${what} was locked by a file that names nobody; taken over.`
        : `${what} was in use by process ${holder.pid} since ${holder.since}, which is gone; taken over.`;
  }
  throw new OptionError(`train: ${what} must be free, got another process that takes it. Try again.`);
}

function heldBy({ pid, host, since }: Holder, path: string, what: string): OptionError {
  return new OptionError(
    `train: ${what} must be free, got process ${pid} on ${host} using it since ${since}. Wait for it or stop it; if there is no such process, remove ${path}.`,
  );
}

/** @returns False when the file is there already. */
async function create(path: string, own: Holder, what: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(`${JSON.stringify(own)}\n`);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw new FileError(`train: ${what} must be writable, got ${code ?? message}.`, { cause: error });
  }
}

/** Who holds the lock; nobody when the file does not say so, even after a moment. */
async function readHolder(path: string): Promise<{ holder?: Holder; text?: string }> {
  let text: string | undefined;
  for (let waited = 0; waited <= WRITING_MS; waited += 50) {
    text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) return {};
    const holder = parseHolder(text);
    if (holder !== undefined) return { holder, text };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return text === undefined ? {} : { text };
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, host, since } = JSON.parse(text) as Partial<Holder>;
    return Number.isSafeInteger(pid) && typeof host === "string" && typeof since === "string"
      ? { pid: Number(pid), host, since }
      : undefined;
  } catch {
    return undefined;
  }
}

/** False when the holder certainly is gone. */
async function mayLive({ pid, host, since }: Holder): Promise<boolean> {
  if (host !== hostname()) return true;
  // The number of this very process, from before it began: an earlier process had it.
  if (pid === process.pid) return Date.parse(since) >= Date.now() - 1000 * process.uptime() - 1000;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
  // On Linux a process that ended counts until its parent has asked for it.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return !/\) [ZX] /.test(stat);
}

/** Removes the stale lock whose content is `text`; false when another process was faster. */
async function takeAway(path: string, text: string): Promise<boolean> {
  const aside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await rename(path, aside);
  } catch {
    return false;
  }
  const taken = await readFile(aside, "utf8").catch(() => "");
  if (taken === text) {
    await rm(aside, { force: true });
    return true;
  }
  // Another process had taken over in between: its lock goes back.
  await rename(aside, path);
  return false;
}

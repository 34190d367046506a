// The queue against a real Redis on loopback: workers that are killed, a server that goes away and comes back empty.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { entryNamed, rowsOf, unitKey, unitsOf } from "../../src/lab/index.ts";
import { nodeContext } from "../../src/lab/node/data.ts";
import { runOverQueue } from "../../src/lab/node/queue.ts";
import { checkRedis, jobId, redisAddress } from "../../src/lab/node/redis.ts";
import { runEntry } from "../../src/lab/node/run.ts";

const SERVER = "/usr/bin/redis-server";
const started: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  return child;
}

/** Resolves when the process prints `word`. */
function says(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (data: Buffer) => data.toString().includes(word) && resolve());
    child.once("exit", (code, signal) =>
      reject(new Error(`ended with ${code ?? signal} before it said ${word}`)),
    );
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** A server that keeps nothing on disk: what it forgets when it is killed is all it knew. */
async function redis(port: number): Promise<ChildProcess> {
  const child = start(SERVER, [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
  ]);
  await says(child, "Ready to accept connections");
  return child;
}

const worker = (address: string): ChildProcess =>
  start(process.execPath, ["--conditions=source", join(import.meta.dirname, "worker-process.ts"), address]);

test.skipIf(!existsSync(SERVER))(
  `a killed worker and a server that comes back empty lose nothing${existsSync(SERVER) ? "" : ": needs redis-server"}`,
  { timeout: 120_000 },
  async () => {
    const port = await freePort();
    const address = `redis://127.0.0.1:${port}`;
    const keep = await mkdtemp(join(tmpdir(), "athanor-queue-"));
    folders.push(keep);
    const names = ["recurrence", "retry"];
    const units = names.flatMap((name) => unitsOf(entryNamed(name), "quick", [0, 1]));
    const server = await redis(port);
    const lines: string[] = [];
    let hear: (line: string) => void = () => undefined;
    const firstDone = new Promise<void>((resolve) => {
      hear = (line) => line.startsWith("1 of") && resolve();
    });
    const say = (line: string): void => {
      lines.push(line);
      hear(line);
    };
    const run = runOverQueue(address, units, { keep, say, pace: 100 });

    const doomed = worker(address);
    await says(doomed, ", seed 0\n");
    doomed.kill("SIGKILL");
    const heir = worker(address);
    await firstDone;
    server.kill("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await redis(port);

    const found = await run;
    for (const name of names) {
      const entry = entryNamed(name);
      const alone = await runEntry(
        entry,
        nodeContext(() => undefined),
        { scale: "quick", seeds: [0, 1] },
      );
      const spread = found.get(name) ?? [];
      expect(spread.map(unitKey)).toEqual(alone.map(unitKey));
      expect(rowsOf(spread)).toEqual(rowsOf(alone));
    }
    expect(lines[0]).toBe(
      `${units.length} units, 0 of them done before; ${units.length} for workers at ${address}`,
    );
    expect(lines.filter((line) => line.startsWith("lab: "))).toEqual([
      "lab: the queue's server is away; waiting for it",
      "lab: the queue's server is back",
    ]);
    const told = lines.filter((line) => line.includes(` of ${units.length} units: `));
    expect(told).toHaveLength(units.length);
    expect(told.every((line) => line.includes(`-${heir.pid}`))).toBe(true);
    // What workers told while they ran stands among the lines, by worker and unit.
    const progress = lines.filter((line) => line.startsWith("  ") && line.includes(`-${heir.pid} · `));
    for (const name of names) expect(progress.some((line) => line.includes(` · ${name}, seed `))).toBe(true);

    // All is kept: a second run hands nothing out, though no worker is there.
    heir.kill("SIGKILL");
    const again = await runOverQueue(address, units, { keep, say: () => undefined, pace: 100 });
    expect(again).toEqual(found);
    const kept = (await readFile(join(keep, "retry.quick.jsonl"), "utf8")).trimEnd().split("\n");
    expect(kept).toHaveLength(units.filter((unit) => unit.entry === "retry").length);
  },
);

test.skipIf(!existsSync(SERVER))(
  "an error of an entry ends the run with its words, after the others are done",
  { timeout: 60_000 },
  async () => {
    const port = await freePort();
    const address = `redis://127.0.0.1:${port}`;
    const keep = await mkdtemp(join(tmpdir(), "athanor-queue-"));
    folders.push(keep);
    await redis(port);
    const [good] = unitsOf(entryNamed("retry"), "smallest");
    const [other] = unitsOf(entryNamed("brachistochrone"), "smallest");
    if (good === undefined || other === undefined) throw new Error("no units");
    const bad = { ...other, settings: { X: -1, Y: 1, pieces: [8] } };
    const run = runOverQueue(address, [bad, good], { keep, say: () => undefined, pace: 100 });
    const stopped = worker(address);
    await expect(run).rejects.toThrow(
      /1 units failed: brachistochrone, seed 0, .*X must be a number above 0, got -1/,
    );
    expect(existsSync(join(keep, "retry.smallest.jsonl"))).toBe(true);
    // A polite end.
    const ended = new Promise((resolve) => stopped.once("exit", resolve));
    stopped.kill("SIGTERM");
    expect(await ended).toBe(0);
  },
);

describe("addresses", () => {
  test("are read as Redis writes them", () => {
    expect(redisAddress("redis://10.0.0.5")).toEqual({ host: "10.0.0.5", port: 6379 });
    expect(redisAddress("redis://[::1]:7000/2")).toEqual({ host: "::1", port: 7000, db: 2 });
    expect(redisAddress("rediss://me:a%40b@h:1")).toEqual({
      host: "h",
      port: 1,
      username: "me",
      password: "a@b",
      tls: {},
    });
  });

  test.each(["", "localhost", "http://localhost:6379", "redis://", "redis://h/first"])(
    "%j is refused",
    (text) => {
      expect(() => redisAddress(text)).toThrow(
        `lab: --queue must be an address such as redis://127.0.0.1:6379, got "${text}".`,
      );
    },
  );

  test("where nothing answers is told at once", async () => {
    const port = await freePort();
    await expect(checkRedis(`redis://127.0.0.1:${port}`)).rejects.toThrow(
      new RegExp(`a Redis server must answer at 127.0.0.1:${port}, got .*Start one with redis-server`),
    );
  });

  test("units have one name each", () => {
    const units = ["retry", "recurrence"].flatMap((name) => unitsOf(entryNamed(name), "full"));
    expect(new Set(units.map(jobId)).size).toBe(units.length);
    expect(units.every((unit) => /^[0-9a-f]{40}$/.test(jobId(unit)))).toBe(true);
  });
});

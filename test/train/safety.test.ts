// A run folder in use is held; a damaged checkpoint is named and passed over; what was written before today loads.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { crc32 as zlibCrc32 } from "node:zlib";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "../../src/files/crc32.ts";
import { flattenTree, random, tensor } from "../../src/tensor/index.ts";
import { trainRun, trainSettings, type TrainState } from "../../src/train/index.ts";
import { folderStore, loadCheckpoint, saveCheckpoint } from "../../src/train/node/index.ts";
import { takeLock } from "../../src/train/node/lock.ts";
import { killAgainAndAgain } from "../fuzz/kills/run.ts";
import { temporaryFolder } from "./helpers.ts";
import { regression } from "./toys.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const small = (): TrainState => ({
  params: { a: tensor([1.5, -2, 0]), deep: [{ b: tensor(Int32Array.of(7, 8)) }] },
  optimizer: { m: { a: tensor([0.25, 0.5, 1]) } },
});
const info = { step: 3, seconds: 1.5, sequences: 12, key: random.key(5) };

async function numbers(tree: unknown): Promise<unknown> {
  const out: Record<string, number[]> = {};
  for (const [name, t] of flattenTree(tree)) out[name] = Array.from(await t.data(), Number);
  return out;
}

describe("checksums", () => {
  test("are those of zlib", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(7), (bytes, from) => {
        const part = bytes.subarray(Math.min(from, bytes.length));
        return crc32(part) === zlibCrc32(part);
      }),
      { seed: 5 },
    );
  });

  test("any flipped bit of a checkpoint is found, or changes nothing", async () => {
    const path = await saveCheckpoint(join(folder, "bits"), small(), info, 1);
    const good = readFileSync(path);
    const { state, info: saved } = await loadCheckpoint(path, small());
    const expected = { numbers: await numbers(state), saved };
    let found = 0;
    // Every byte, one bit of each: which one goes round.
    for (let at = 0; at < good.length; at++) {
      const bad = Uint8Array.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(path, bad);
      const read = await loadCheckpoint(path, small()).catch((error: Error) => error);
      if (read instanceof Error) {
        found++;
        expect(read.message).toContain(path);
      } else {
        expect({ numbers: await numbers(read.state), saved: read.info }).toEqual(expected);
      }
    }
    // Only the words that nobody reads may change: the name of the format.
    expect(good.length - found).toBeLessThan(20);
    const data = good.length - 4;
    const bad = Uint8Array.from(good);
    bad[data] = (bad[data] ?? 0) ^ 1;
    writeFileSync(path, bad);
    await expect(loadCheckpoint(path, small())).rejects.toThrow(
      /^checkpoint: tensor "optimizer\.m\.a" in .* must have the checksum [0-9a-f]{8}, got [0-9a-f]{8}: the file is damaged\.$/,
    );
  });

  test("a checkpoint from before there were any loads", async () => {
    const run = join(import.meta.dirname, "../golden/runs/dense/checkpoints");
    const [name = ""] = readdirSync(run);
    const text = readFileSync(join(run, name)).toString("latin1");
    expect(text).not.toContain("checksums");
    await expect(loadCheckpoint(join(run, name), { params: {}, optimizer: {} })).resolves.toMatchObject({
      info: { step: 4 },
    });
  });
});

describe("a damaged newest checkpoint", () => {
  const settings = trainSettings({ steps: 9, batch: 12, rate: 0.1, checkpointEvery: 3, keep: 3 });
  const whole = join(folder, "whole");
  beforeAll(async () => {
    await trainRun(regression(false).task, settings, folderStore(whole));
  });
  const newest = (run: string): string => join(run, "checkpoints", "step-00000009.safetensors");
  const damages: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    "a flipped bit": (b) => Uint8Array.from(b, (v, i) => (i === b.length - 2 ? v ^ 4 : v)),
    truncation: (b) => b.subarray(0, b.length - 5),
    "a cut header": (b) => b.subarray(0, 40),
    emptiness: () => new Uint8Array(0),
  };

  test.each(Object.keys(damages))("%s: the one before it goes on to the same end", async (kind) => {
    const run = join(folder, kind);
    cpSync(whole, run, { recursive: true });
    writeFileSync(newest(run), damages[kind]?.(readFileSync(newest(run))) ?? "");
    const notices: string[] = [];
    const { params } = await trainRun(regression(false).task, settings, folderStore(run), {
      onNotice: (s) => notices.push(s),
    });
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(newest(run));
    expect(notices[0]).toMatch(/Going on from .*step-00000006\.safetensors instead\.$/);
    const { state } = await loadCheckpoint(newest(whole), { params, optimizer: {} });
    expect(await numbers(params)).toEqual(await numbers(state.params));
    expect(readdirSync(join(run, "checkpoints"))).toContain("damaged-step-00000009.safetensors");
  });

  test("all damaged: nothing is trained, the newest is named", async () => {
    const run = join(folder, "all");
    cpSync(whole, run, { recursive: true });
    const checkpoints = readdirSync(join(run, "checkpoints"));
    for (const name of checkpoints) writeFileSync(join(run, "checkpoints", name), "x");
    await expect(trainRun(regression(false).task, settings, folderStore(run))).rejects.toThrow(
      /step-00000009\.safetensors must hold at least 8 bytes, got 1\..* So are the 2 before it\. Restore one, or begin a new run\.$/,
    );
    expect(readdirSync(join(run, "checkpoints"))).toEqual(checkpoints);
    expect(existsSync(join(run, "run.lock"))).toBe(false);
  });
});

describe("the lock of a run", () => {
  const place = join(folder, "locks");
  beforeAll(() => {
    mkdirSync(place);
  });
  const holder = (changes: object = {}): string =>
    JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString(), ...changes });

  test("is held once, names its holder, and is free again", async () => {
    const path = join(place, "one");
    const lock = await takeLock(path, "the run");
    await expect(takeLock(path, "the run")).rejects.toThrow(
      new RegExp(
        `^train: the run must be free, got process ${process.pid} on ${hostname()} using it since 20.*Z\\. Wait for it or stop it; if there is no such process, remove ${path}\\.$`,
      ),
    );
    await lock.release();
    expect((await takeLock(path, "the run")).notice).toBeUndefined();
  });

  test("of a process that is gone is taken over, with a sentence", async () => {
    const path = join(place, "gone");
    const child = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => child.on("close", resolve));
    writeFileSync(path, holder({ pid: child.pid }));
    expect((await takeLock(path, "the run")).notice).toContain(`in use by process ${child.pid} since`);
    // A number that this process has now and another had before.
    writeFileSync(path, holder({ since: "2001-01-01T00:00:00.000Z" }));
    expect((await takeLock(path, "the run")).notice).toContain("which is gone; taken over.");
    writeFileSync(path, "half a li");
    expect((await takeLock(path, "the run")).notice).toContain("names nobody");
    expect(readdirSync(place).filter((name) => name.startsWith("gone"))).toEqual(["gone"]);
  });

  test("of another machine is kept", async () => {
    const path = join(place, "other");
    writeFileSync(path, holder({ host: "elsewhere", pid: 1 }));
    await expect(takeLock(path, "the run")).rejects.toThrow("process 1 on elsewhere");
  });

  test("many at once: one gets it", async () => {
    const path = join(place, "many");
    writeFileSync(path, holder({ since: "2001-01-01T00:00:00.000Z" }));
    const got = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(path, "the run")));
    expect(got.filter((g) => g.status === "fulfilled")).toHaveLength(1);
  });
});

test("killed at random moments, a training resumes to the same bytes", async () => {
  const { kills, problems } = await killAgainAndAgain("training", 2, 4);
  expect(problems).toEqual([]);
  expect(kills).toBe(2);
}, 600_000);

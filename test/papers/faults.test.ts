// Files that are damaged, locked, too large for the disk, or left by a killed import.
import { spawn } from "node:child_process";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileSource, importPapers, openStore } from "../../src/papers/node/index.ts";
import { openDatabase } from "../../src/papers/node/sqlite/database.ts";
import { createStore } from "../../src/papers/node/sqlite/store.ts";
import { nine, paper } from "./sample.ts";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "papers-"));
  path = join(folder, "store.db");
});
afterEach(() => rm(folder, { recursive: true }));

describe("a store's file", () => {
  it("keeps what was added", async () => {
    const store = await openStore(path);
    await store.add(nine);
    await store.close();
    const again = await openStore(path);
    expect(await again.count()).toBe(9);
    expect((await again.search({ text: "attention" })).total).toBe(3);
    await again.close();
  });
  it("is refused in words if it is something else or damaged", async () => {
    await writeFile(path, "just a text, long enough to be read as a header of a database file ".repeat(20));
    await expect(openStore(path)).rejects.toThrow(
      `openStore: ${path} is not a paper store. Give the path of a store, or of a file that does not exist yet.`,
    );
    // SQLite would take a file shorter than a page for an empty store and write over it.
    await writeFile(path, "x");
    await expect(openStore(path)).rejects.toThrow(`openStore: ${path} is not a paper store.`);
    expect(await readFile(path, "utf8")).toBe("x");
    const other = join(folder, "other.db");
    const db = new DatabaseSync(other);
    db.exec("CREATE TABLE t(x)");
    db.close();
    await expect(openStore(other)).rejects.toThrow(/must be a paper store, got another program's database/);
    await expect(openStore(folder)).rejects.toThrow(/cannot be opened/);
  });
  it("is reported when pages are damaged", async () => {
    const store = await openStore(path);
    await store.add(
      Array.from({ length: 300 }, (_, i) => paper({ id: `d:${i}`, abstract: `word${i} common text` })),
    );
    await store.close();
    const { size } = await readFile(path).then((bytes) => ({ size: bytes.length }));
    const file = await open(path, "r+");
    await file.write(Buffer.alloc(size - 8192, 0xa5), 0, size - 8192, 8192);
    await file.close();
    const damaged = await openStore(path).catch((error: unknown) => error);
    const outcome =
      damaged instanceof Error
        ? damaged
        : await (damaged as typeof store).search({ text: "common" }).catch((e: unknown) => e); // oxlint-disable-line no-unsafe-type-assertion
    expect(outcome).toMatchObject({
      name: "FileError",
      message: `openStore: ${path} is damaged. Restore it from a copy, or add the papers to a new store.`,
    });
    if (!(damaged instanceof Error)) await (damaged as typeof store).close(); // oxlint-disable-line no-unsafe-type-assertion
  });
  it("can be read while another process writes, and says when it stays locked", async () => {
    const store = await openStore(path);
    await store.add(nine);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE; UPDATE meta SET value = value + 1 WHERE name = 'writes'");
    expect((await store.search({ text: "attention" })).total).toBe(3);
    await expect(store.add([paper({ id: "late" })])).rejects.toThrow(
      /is locked by another process\. Wait until it has finished/,
    );
    other.exec("ROLLBACK");
    other.close();
    expect(await store.add([paper({ id: "late" })])).toMatchObject({ added: 1 });
    await store.close();
  });
  it("is as before when the disk is full", async () => {
    const limited = await openStore(path);
    await limited.add(nine);
    await limited.close();
    // A bound on the pages of the file fails as a full disk does.
    const db = openDatabase(path);
    db.all("PRAGMA max_page_count = 120");
    const store = createStore(db);
    const many = Array.from({ length: 3000 }, (_, i) =>
      paper({ id: `f:${i}`, abstract: `unique${i} `.repeat(40) }),
    );
    await expect(store.add(many)).rejects.toThrow(
      /does not fit on the disk\. Free some space; the papers added before are intact\./,
    );
    expect(await store.count()).toBe(9);
    expect((await store.search({ text: "attention" })).total).toBe(3);
    expect((await store.search({ text: "unique7" })).total).toBe(0);
    await store.close();
  });
});

describe("a killed import", { timeout: 180_000 }, () => {
  it("leaves whole batches, and the next one completes them", async () => {
    const jsonl = join(folder, "papers.jsonl");
    const count = 1500;
    await writeFile(
      jsonl,
      Array.from({ length: count }, (_, i) =>
        JSON.stringify(
          paper({ id: `k:${i}`, abstract: `abstract ${i} ${"words of some length ".repeat(30)}` }),
        ),
      ).join("\n"),
    );
    const index = new URL("../../src/papers/node/index.ts", import.meta.url).href;
    const program = `
      const { openStore, importPapers, fileSource } = await import(${JSON.stringify(index)});
      const store = await openStore(${JSON.stringify(path)});
      await importPapers(store, await fileSource(${JSON.stringify(jsonl)}, 50), {
        progress: ${JSON.stringify(join(folder, "progress.json"))},
        onBatch: ({ added }) => console.log(added),
      });`;
    const child = spawn(process.execPath, ["--conditions=source", "--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const chunk of child.stdout) if (Number(String(chunk).trim().split("\n").at(-1)) >= 300) break;
    child.kill("SIGKILL");
    await new Promise((done) => child.once("close", done));
    const store = await openStore(path);
    const before = await store.count();
    expect(before % 50).toBe(0);
    expect(before).toBeGreaterThanOrEqual(300);
    // Whole papers: each that is there has its text, its postings and its words.
    expect((await store.search({ text: '"words of some length"' })).total).toBe(before);
    expect((await store.search({ text: "length" })).total).toBe(before);
    const done = await importPapers(store, await fileSource(jsonl, 50), {
      progress: join(folder, "progress.json"),
    });
    expect(await store.count()).toBe(count);
    expect(done.resumed).toBe(true);
    expect(done.added).toBe(count - before);
    await store.close();
  });
});

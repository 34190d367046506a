// Paths as Windows writes them, and what Windows refuses: `node:path` is its `win32` here, and folders cannot be opened.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { outputName } from "../../src/cli/tokenizer/train.ts";
import { defaultRunFolder } from "../../src/cli/train/run-name.ts";
import { filesAt } from "../../src/files/node/at.ts";
import { writeFileAtomic } from "../../src/files/node/atomic.ts";
import { runPaths } from "../../src/train/node/run-folder.ts";

vi.mock("node:path", async (original) => {
  const { win32 } = await original<typeof import("node:path")>();
  return { ...win32, default: win32 };
});
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const open: typeof real.open = (path, ...rest) => {
    const folder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    if (folder) return Promise.reject(Object.assign(new Error("operation not permitted"), { code: "EPERM" }));
    return real.open(path, ...rest);
  };
  // Folders are made with the machine's own separator.
  return { ...real, open, mkdir: () => Promise.resolve() };
});
afterEach(() => vi.unstubAllGlobals());

test("one of several outputs takes its number before the extension, wherever dots stand", () => {
  expect(outputName("C:\\v1.5\\tokenizer.json", 8000, true)).toBe("C:\\v1.5\\tokenizer.8000.json");
  expect(outputName("C:\\v1.5\\tokenizer", 8000, true)).toBe("C:\\v1.5\\tokenizer.8000");
  expect(outputName("..\\v1.5/words.model", 500, true)).toBe("..\\v1.5/words.500.model");
  expect(outputName("C:\\v1.5\\tokenizer", 8000, false)).toBe("C:\\v1.5\\tokenizer");
});

test("a path with a drive is a path, not an address", async () => {
  expect(await filesAt("x", "C:\\models\\x.bin", "file")).toMatchObject({
    folder: { path: "C:\\models" },
    file: "x.bin",
  });
  expect(await filesAt("x", "D:/models/small", "folder")).toMatchObject({
    folder: { path: "D:/models/small" },
  });
  await expect(filesAt("load", "C:\\none")).rejects.toThrow("load: C:\\none must exist, got nothing there.");
});

test("the files of a run lie in its folder, and its name holds nothing that Windows refuses", () => {
  const { root, ...inside } = runPaths("C:\\runs\\a");
  expect(root).toBe("C:\\runs\\a");
  for (const path of Object.values(inside)) expect(path).toMatch(/^C:\\runs\\a\\[\w.-]+$/);
  expect(defaultRunFolder("demo")).toMatch(/^runs\\[\w.-]+$/);
});

test("files are written whole where folders cannot be opened", async () => {
  vi.stubGlobal(
    "process",
    new Proxy(process, { get: (p, key) => (key === "platform" ? "win32" : p[key as "pid"]) }),
  );
  const folder = mkdtempSync(`${tmpdir()}/athanor-windows-`);
  await writeFileAtomic(`${folder}/a.txt`, "whole");
  expect(readFileSync(`${folder}/a.txt`, "utf8")).toBe("whole");
  vi.unstubAllGlobals();
  await expect(writeFileAtomic(`${folder}/b.txt`, "x")).rejects.toThrow("not permitted");
  rmSync(folder, { recursive: true });
});

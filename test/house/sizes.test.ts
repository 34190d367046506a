// Files stay short enough to be read in one sitting.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filesUnder, ROOT } from "./imports.ts";

const MOST = 500;

/** Tables of ops, one entry an op. */
const TABLES: readonly string[] = ["src/graph/lower.ts", "src/tensor/gradients.ts", "docs/ops-table.ts"];

test("no file is above 500 lines, tables of ops aside", () => {
  const long = ["src", "test", "docs", "bench", "examples", "studio/src"]
    .flatMap((folder) => [...filesUnder(folder), ...filesUnder(folder, ".svelte")])
    .filter((file) => !TABLES.includes(file))
    .map((file) => [file, readFileSync(join(ROOT, file), "utf8").split("\n").length - 1] as const)
    .filter(([, lines]) => lines > MOST);
  expect(long).toEqual([]);
});

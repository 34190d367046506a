// What CONTRIBUTING.md shows is what stands: new files of its diffs are those of the tree, and added lines are in theirs.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./imports.ts";

const text = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");

interface Change {
  readonly file: string;
  readonly isNew: boolean;
  readonly added: readonly string[];
}

/** Files of all diffs, with the lines they add. */
function changesOf(page: string): Change[] {
  const diffs = [...page.matchAll(/```diff\n([\s\S]*?)```/g)].map(([, body]) => body ?? "");
  return diffs
    .flatMap((body) => body.split(/^--- /m).slice(1))
    .map((part) => {
      const [from = "", to = "", ...rest] = part.split("\n");
      const file = (to.startsWith("+++ b/") ? to.slice(6) : from.slice(2)).split(/\s/)[0] ?? "";
      const lines = to.startsWith("+++ ") ? rest : [to, ...rest];
      const added = lines.filter((line) => line.startsWith("+")).map((line) => line.slice(1));
      return { file, isNew: from === "/dev/null", added };
    });
}

test("every file of a diff is there", () => {
  const changes = changesOf(text);
  expect(changes.length).toBeGreaterThan(12);
  expect(changes.filter(({ file }) => !existsSync(join(ROOT, file)))).toEqual([]);
});

test("new files stand in the tree as they are shown", () => {
  const fresh = changesOf(text).filter(({ isNew }) => isNew);
  expect(fresh.map(({ file }) => file)).toEqual([
    "src/model/mixers/performer.ts",
    "src/optim/rules/lion.ts",
    "src/cli/papers/related.ts",
  ]);
  for (const { file, added } of fresh)
    expect(`${added.join("\n")}\n`, file).toBe(readFileSync(join(ROOT, file), "utf8"));
});

test("lines that a diff adds to a file are in it", () => {
  const squeezed = (line: string): string => line.replaceAll(/\s+/g, "");
  for (const { file, added } of changesOf(text)) {
    const inside = squeezed(readFileSync(join(ROOT, file), "utf8"));
    for (const line of added) expect(inside.includes(squeezed(line)), `${file}: ${line}`).toBe(true);
  }
});

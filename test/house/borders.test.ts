// The borders of design.md, section 3, held against every import of src.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BORDERS, inNode, lintConfig, mayImport } from "./borders.ts";
import { allImports, circles, edgesOf, foldersOf, type Import, importsOf, ROOT, roomOf } from "./imports.ts";

const imports = allImports();
const ours = imports.filter(({ to }) => to.startsWith("src/"));
const where = ({ from, line, to }: Import): string => `${from}:${line} → ${to}`;

describe("borders", () => {
  test("every folder of src is a room with a border, and rooms import downward only", () => {
    expect(foldersOf("src").filter((room) => BORDERS[room] === undefined)).toEqual([]);
    expect(ours.filter(({ from, to }) => !mayImport(from, to)).map(where)).toEqual([]);
    expect(circles(new Map(Object.entries(BORDERS).map(([room, { may }]) => [room, roomsOf(may)])))).toEqual(
      [],
    );
  });

  test("what needs Node stands in <room>/node, and nothing else imports it", () => {
    const broken = imports.filter(
      ({ from, to, type }) =>
        !inNode(from) && (to.startsWith("node:") || (to.startsWith("src/") && inNode(to) && !type)),
    );
    expect(broken.map(where)).toEqual([]);
  });

  test("no file imports itself by way of others, types included", () => {
    expect(circles(edgesOf(ours, (file) => (file.startsWith("src/") ? file : undefined)))).toEqual([]);
    expect(circles(edgesOf(ours, roomOf))).toEqual([]);
  });

  test("imports lead to files that are there", () => {
    expect(ours.filter(({ to }) => !existsSync(join(ROOT, to))).map(where)).toEqual([]);
    expect(ours.length).toBeGreaterThan(1000);
  });

  test("lint knows the same borders", () => {
    const written: unknown = JSON.parse(
      readFileSync(join(import.meta.dirname, "borders.oxlintrc.json"), "utf8"),
    );
    // Written by `node test/house/write-borders.ts`.
    expect(written).toEqual(lintConfig((room) => foldersOf(`src/${room}`)));
  });
});

/** Rooms of a list of rooms and files. */
function roomsOf(may: readonly string[]): Set<string> {
  return new Set(may.map((name) => name.split("/")[0] ?? ""));
}

describe("the walk itself", () => {
  test("finds static, re-exported, late and type imports, and none in comments", () => {
    const source = [
      'import { a } from "./a.ts";',
      'import type { b } from "../tensor/b.ts";',
      'import { type c } from "./c.ts";',
      "export {",
      "  d,",
      '} from "./d.ts";',
      'export * from "./e.ts"; // import { no } from "./no.ts";',
      '/** import { no } from "./no.ts"; */',
      '// import { no } from "./no.ts";',
      'const f = await import("./f.ts");',
      'import "./g.ts";',
      'import h from "node:fs";',
      'export const type = "./none.ts";',
    ].join("\n");
    expect(importsOf("src/nn/x.ts", source).map((i) => [i.to, i.line, i.type, i.late])).toEqual([
      ["src/nn/a.ts", 1, false, false],
      ["src/tensor/b.ts", 2, true, false],
      ["src/nn/c.ts", 3, false, false],
      ["src/nn/d.ts", 4, false, false],
      ["src/nn/e.ts", 7, false, false],
      ["src/nn/f.ts", 10, false, true],
      ["src/nn/g.ts", 11, false, false],
      ["node:fs", 12, false, false],
    ]);
  });

  test("finds circles of any length, and no others", () => {
    const edges = (text: string) => {
      const found = new Map<string, Set<string>>();
      for (const [a = "", b = ""] of text.split(" ").map((pair) => pair.split(">")))
        found.set(a, (found.get(a) ?? new Set()).add(b));
      return found;
    };
    expect(circles(edges("a>b b>c c>d a>d a>c"))).toEqual([]);
    expect(circles(edges("a>b b>c c>a c>d d>e e>d f>f"))).toEqual([["a", "b", "c"], ["d", "e"], ["f"]]);
  });

  test("knows downward from upward and sideways", () => {
    expect(mayImport("src/position/rope.ts", "src/tensor/index.ts")).toBe(true);
    expect(mayImport("src/position/rope.ts", "src/attention/dense.ts")).toBe(false);
    expect(mayImport("src/attention/dense.ts", "src/position/position.ts")).toBe(true);
    expect(mayImport("src/attention/dense.ts", "src/position/rope.ts")).toBe(false);
    expect(mayImport("src/tensor/tensor.ts", "src/nn/linear.ts")).toBe(false);
    expect(mayImport("src/model/mixer.ts", "src/train/loop.ts")).toBe(false);
    expect(mayImport("src/tokenizer/node/corpus.ts", "src/files/node/atomic.ts")).toBe(true);
    expect(mayImport("src/tokenizer/create.ts", "src/files/node/atomic.ts")).toBe(false);
    expect([inNode("src/train/node/run.ts"), inNode("src/train/run.ts"), inNode("src/cli/main.ts")]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

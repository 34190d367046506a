// A method has five files: source, test, reference, golden, page. Those that miss one are listed.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { filesUnder, foldersOf, importsOf, ROOT } from "./imports.ts";
import * as table from "./methods.ts";

interface Method {
  readonly name: string;
  readonly room: string;
  readonly source: string;
}

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/** The files that a room's index names, without those that several methods share. */
function methodsOf(room: string): Method[] {
  const index = `src/${room}/index.ts`;
  const parts = table.PARTS[room] ?? [];
  return importsOf(index, read(index))
    .filter(({ to }) => to.startsWith(`src/${room}/`))
    .map(({ to }) => ({ name: (to.split("/").at(-1) ?? "").replace(/\.ts$/, ""), room, source: to }))
    .filter(({ name }) => !parts.includes(name) && name !== "all");
}

const methods: Method[] = [
  ...table.METHOD_ROOMS.filter((room) => foldersOf("src").includes(room)).flatMap(methodsOf),
  ...Object.entries(table.IN_WINGS).map(([name, source]) => ({ name, room: "tokenizer", source })),
];

/** Functions that a source file exports. */
function exportsOf(source: string): string[] {
  return [...read(source).matchAll(/^export (?:async )?(?:function\*?|const) (\w+)/gm)].map(
    ([, name]) => name ?? "",
  );
}

/** Test files of a room that call something of a method. */
function testsOf({ room, source }: Method): string[] {
  const names = new RegExp(`\\b(${exportsOf(source).join("|")})\\b`);
  return filesUnder(`test/${room}`, ".test.ts").filter((file) => names.test(read(file)));
}

/** The value at `frequencies.yarn` of a golden file, or nothing. */
function goldenAt(file: string, key: string): unknown {
  if (!existsSync(join(ROOT, "test/golden", file))) return undefined;
  let value: unknown = JSON.parse(read(`test/golden/${file}`));
  for (const word of key.split("."))
    value = typeof value === "object" && value !== null ? Reflect.get(value, word) : undefined;
  return value;
}

/** What of the five a method lacks. */
function missing(method: Method): string[] {
  const { name, room, source } = method;
  const reference = table.REFERENCES[name] ?? table.REFERENCES[room] ?? `test/reference/${name}.ts`;
  const tests = testsOf(method);
  const [file, key] = table.GOLDENS[name] ?? [table.GOLDEN_OF_METHODS, `methods.${name}`];
  const own = existsSync(join(ROOT, `test/golden/${name}.json`));
  const page = `docs/methods/${table.PAGES[name] ?? name}.md`;
  return [
    ...(existsSync(join(ROOT, source)) ? [] : [source]),
    ...(tests.length > 0 ? [] : [`a test in test/${room} that calls ${source}`]),
    ...(existsSync(join(ROOT, reference)) ? [] : [reference]),
    ...(own || goldenAt(file, key) !== undefined ? [] : [`test/golden/${name}.json, or ${key} in ${file}`]),
    ...(existsSync(join(ROOT, page)) ? [] : [page]),
  ];
}

describe("five files", () => {
  test("every method has them", () => {
    const lacking = methods.map((method) => [method.source, missing(method)] as const);
    expect(lacking.filter(([, files]) => files.length > 0)).toEqual([]);
    expect(methods.length).toBeGreaterThan(25);
  });

  test("no name in the tables is dead", () => {
    const names = methods.map(({ name }) => name);
    const rooms = table.METHOD_ROOMS as readonly string[];
    for (const name of [...Object.keys(table.GOLDENS), ...Object.keys(table.PAGES)])
      expect(names).toContain(name);
    for (const name of Object.keys(table.REFERENCES)) expect([...names, ...rooms]).toContain(name);
    for (const [room, parts] of Object.entries(table.PARTS))
      for (const part of parts) expect(existsSync(join(ROOT, `src/${room}/${part}.ts`)), part).toBe(true);
  });

  test("a method without its files is told", () => {
    const rope = methods.find(({ name }) => name === "rope");
    if (rope === undefined) throw new Error("rope must be a method.");
    expect(missing(rope)).toEqual([]);
    expect(missing({ ...rope, name: "ropes" })).toEqual([
      "test/golden/ropes.json, or methods.ropes in methods.json",
      "docs/methods/ropes.md",
    ]);
    expect(missing({ name: "none-such", room: "numeric", source: "src/nn/norm.ts" })).toContain(
      "test/reference/none-such.ts",
    );
  });

  test("references import nothing from the library", () => {
    const broken = filesUnder("test/reference")
      .flatMap((file) => importsOf(file, read(file)))
      .filter(({ to }) => to.startsWith("src/"));
    expect(broken).toEqual([]);
  });

  test("goldens say where they come from, or a script beside them does, and are small", () => {
    for (const file of filesUnder("test/golden", ".json").filter((name) => name.split("/").length === 3)) {
      const maker = file.replace("golden/", "golden/make-").replace(".json", ".ts");
      if (!existsSync(join(ROOT, maker))) expect(read(file), file).toContain("provenance");
      expect(read(file).length, file).toBeLessThan(64 * 1024);
    }
  });
});

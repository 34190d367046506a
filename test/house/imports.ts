// Who imports whom, read from the sources.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** The repository. */
export const ROOT: string = resolve(import.meta.dirname, "../..");

/** One import or re-export. */
export interface Import {
  /** The importing file, from the repository's root: `src/position/rope.ts`. */
  readonly from: string;
  /** The imported file, likewise; or a package's or built-in's own name. */
  readonly to: string;
  readonly line: number;
  /** Whether only types pass: `import type`, `export type`. Braces with `type` inside still load the module. */
  readonly type: boolean;
  /** Whether it is loaded when it is called for: `import("…")`. */
  readonly late: boolean;
}

/** All files under `folder` whose name ends in `end`, from the root, in order. */
export function filesUnder(folder: string, end = ".ts"): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.split(sep).join("/")}`)
    .filter((name) => name.endsWith(end) && !name.endsWith(".d.ts") && !name.includes("/node_modules/"))
    .sort();
}

/** Folders in `folder`, from the root; none where it is not there. */
export function foldersOf(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

const STATEMENT =
  /^(?:import|export)\s+(type\s+(?=[{*\w]))?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm;

/** The imports of a source text that lies at `from`. */
export function importsOf(from: string, source: string): Import[] {
  // Comments keep their lines, so that numbers stay right.
  const code = source.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, (text) => text.replaceAll(/[^\n]/g, " "));
  return [...code.matchAll(STATEMENT)].map((match) => {
    const [, type, at, late] = match;
    const name = at ?? late ?? "";
    return {
      from,
      to: name.startsWith(".")
        ? relative(ROOT, resolve(ROOT, dirname(from), name))
            .split(sep)
            .join("/")
        : name,
      line: code.slice(0, match.index).split("\n").length,
      type: type !== undefined,
      late: late !== undefined,
    };
  });
}

/** All imports of the library. */
export function allImports(): Import[] {
  return filesUnder("src").flatMap((file) => importsOf(file, readFileSync(join(ROOT, file), "utf8")));
}

/** The room of a file: `position` for `src/position/rope.ts`, nothing for files of the root and of packages. */
export function roomOf(file: string): string | undefined {
  return /^src\/([^/]+)\//.exec(file)?.[1];
}

/**
 * Groups of nodes that reach one another (Tarjan 1972), each of two or more, or of one that reaches itself.
 * @param edges From each node to those it leads to.
 */
export function circles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const path: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    low.set(node, order.get(node) ?? 0);
    path.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (path.includes(next)) low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(node) !== order.get(node)) return;
    const group = path.splice(path.indexOf(node));
    if (group.length > 1 || edges.get(node)?.has(node)) found.push(group.sort());
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return found.sort((a, b) => (a.join() < b.join() ? -1 : 1));
}

/** Edges between what `name` makes of both ends of an import; ends without a name, and equal ones, are left out. */
export function edgesOf(
  imports: readonly Import[],
  name: (file: string) => string | undefined,
): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    const [a, b] = [name(from), name(to)];
    if (a === undefined || b === undefined || a === b) continue;
    edges.set(a, (edges.get(a) ?? new Set<string>()).add(b));
  }
  return edges;
}

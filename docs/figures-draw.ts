// What the scripts that draw pictures share.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "methods");
mkdirSync(folder, { recursive: true });

/** Writes the picture of a page. */
export const draw = (name: string, svg: string): void => writeFileSync(join(folder, `${name}.svg`), svg);

/** `n` whole numbers. */
export const range = (n: number, from: number = 0): number[] => Array.from({ length: n }, (_, i) => from + i);

/** Points of `f` over numbers. */
export const curve = (
  name: string,
  xs: readonly number[],
  f: (x: number) => number,
): { readonly name: string; readonly points: [number, number][] } => ({
  name,
  points: xs.map((x): [number, number] => [x, f(x)]),
});

/** The block of a row or column. */
export const block = (size: number, at: number): number => Math.floor(at / size);

// What the tests of adaptation methods share: the numbers of golden/adapt-methods.py, rows, and the golden file.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Dtype, type Tensor, tensor } from "../../src/tensor/index.ts";
import { list } from "./check.ts";

/** `wave` of golden/adapt-methods.py. */
export function wave(seed: number, shape: readonly number[], dtype: Dtype = "float64"): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float64Array.from({ length: count }, (_, i) =>
    Math.sin(seed + 0.7 * i + 0.1 * ((i * i) % 17)),
  );
  return tensor(data, { shape, dtype });
}

/** A matrix as rows of numbers. */
export async function rowsOf(x: Tensor): Promise<number[][]> {
  const data = await list(x);
  const width = Number(x.shape[1]);
  return Array.from({ length: data.length / width }, (_, i) => data.slice(i * width, (i + 1) * width));
}

type Rows = number[][];
export interface MethodsGolden {
  readonly sizes: { readonly O: number; readonly I: number; readonly R: number };
  readonly dora: Record<"start" | "y" | "x" | "a" | "b" | "m", Rows> & { readonly alpha: number };
  readonly pissa: Record<"product" | "a" | "b", Rows> & { readonly alpha: number };
  readonly "lora-ga": { readonly alpha: number; readonly cases: Record<string, Record<"a" | "b", Rows>> };
  readonly "lora-pro": {
    readonly scale: number;
    readonly equivalent: Rows;
    readonly choices: Record<string, Record<"a" | "b", Rows>>;
  };
}

export const methodsGolden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../golden/adapt-methods.json"), "utf8"),
) as MethodsGolden;

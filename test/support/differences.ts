// Derivatives against central differences in float64. Many rows of a table run as one program: each run perturbs
// one element of every row at once.
import { expect } from "vitest";
import {
  compile,
  concat,
  grad,
  jvp,
  leaves,
  mapTree,
  mul,
  reshape,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { expectClose } from "./check.ts";
import { numbers, seedOf } from "./numbers.ts";
import { DIFFERENCE } from "./tolerance.ts";

/** A function of float64 tensors and the point at which to differentiate it. */
export interface Row {
  readonly name: string;
  readonly at: readonly Tensor[];
  readonly f: (...xs: Tensor[]) => Tensor;
}

/** Programs of many tiny operators gain nothing from threads. */
const SMALL = { threads: 1 } as const;

/** Rows per program: opening one takes more than in proportion to its size. */
const TOGETHER = 16;

function parts(rows: readonly Row[]): (readonly Row[])[] {
  const count = Math.ceil(rows.length / TOGETHER);
  return Array.from({ length: count }, (_, i) => rows.slice(i * TOGETHER, (i + 1) * TOGETHER));
}

/** Fixed numbers shaped like `x`. */
function weights(x: Tensor, seed: string): Tensor {
  const next = numbers(seedOf(seed));
  const size = (x.shape as readonly number[]).reduce((a, b) => a * b, 1);
  return tensor(
    Float64Array.from({ length: size }, () => next()),
    { shape: x.shape as readonly number[] },
  );
}

/** `⟨w, f⟩` with fixed `w`, so that every output has its own share in one number. */
function scalar(row: Row): (xs: readonly Tensor[]) => Tensor {
  return (xs) => {
    const y = row.f(...xs);
    return sum(mul(y, weights(y, row.name)));
  };
}

/** The same rows one derivative further: each gives its gradient as one long vector. */
export function derivatives(rows: readonly Row[]): Row[] {
  return rows.map((row) => ({
    name: `${row.name}′`,
    at: row.at,
    f: (...xs) => {
      const grads = grad(scalar(row))(xs);
      return concat(leaves(grads).map((g) => reshape(g, [-1])));
    },
  }));
}

/** `x` with `amount` added to element `k`. */
async function moved(x: Tensor | undefined, k: number, amount: number): Promise<Tensor> {
  if (x === undefined) throw new Error("no such operand");
  const data = Float64Array.from(await x.data(), Number);
  data[k] = (data[k] ?? 0) + amount;
  return tensor(data, { shape: x.shape as readonly number[] });
}

/** Checks the gradient of every row, element by element. */
export async function expectGradients(
  rows: readonly Row[],
  tolerance: number = DIFFERENCE.tolerance,
): Promise<void> {
  for (const part of parts(rows)) await checkGradients(part, tolerance);
}

async function checkGradients(rows: readonly Row[], tolerance: number): Promise<void> {
  const points = rows.map((r) => [...r.at]);
  const losses = compile((xs: Tensor[][]) => rows.map((row, i) => scalar(row)(xs[i] ?? [])), SMALL);
  const gradients = compile((xs: Tensor[][]) => rows.map((row, i) => grad(scalar(row))(xs[i] ?? [])), SMALL);
  const got = await gradients(points);
  const flat = points.map((xs) => xs.flatMap((x, j) => range(size(x)).map((k) => ({ j, k }))));
  const most = Math.max(...flat.map((f) => f.length));
  const h = DIFFERENCE.step;
  const run = async (round: number, sign: number): Promise<number[]> => {
    const xs = await Promise.all(
      points.map(async (row, i) => {
        const place = flat[i]?.[round];
        if (place === undefined) return row;
        const y = await moved(row[place.j], place.k, sign * h);
        return row.map((x, j) => (j === place.j ? y : x));
      }),
    );
    return Promise.all((await losses(xs)).map((l) => l.item()));
  };
  const expected = points.map((row) => row.map((x) => Array(size(x)).fill(0) as number[]));
  for (let round = 0; round < most; round++) {
    const up = await run(round, 1);
    const down = await run(round, -1);
    flat.forEach((places, i) => {
      const place = places[round];
      const slot = place && expected[i]?.[place.j];
      if (slot && place) slot[place.k] = ((up[i] ?? 0) - (down[i] ?? 0)) / (2 * h);
    });
  }
  for (const [i, row] of rows.entries()) {
    for (const [j, numeric] of (expected[i] ?? []).entries()) {
      const g = got[i]?.[j];
      expect(g?.shape, `${row.name}: shape of gradient ${j}`).toEqual(row.at[j]?.shape);
      if (g) expectClose(await g.data(), numeric, tolerance, `${row.name}: gradient ${j}`);
    }
  }
  await Promise.all([losses.release(), gradients.release()]);
}

/** Checks `jvp` of every row along a fixed direction. */
export async function expectTangents(
  rows: readonly Row[],
  tolerance: number = DIFFERENCE.tolerance,
): Promise<void> {
  for (const part of parts(rows)) await checkTangents(part, tolerance);
}

async function checkTangents(rows: readonly Row[], tolerance: number): Promise<void> {
  const points = rows.map((r) => [...r.at]);
  const directions = rows.map((r) => r.at.map((x, j) => weights(x, `${r.name} direction ${j}`)));
  const h = DIFFERENCE.step;
  const program = compile(
    (xs: Tensor[][], vs: Tensor[][]) =>
      rows.map((row, i) => {
        const x = xs[i] ?? [];
        const v = vs[i] ?? [];
        const along = (sign: number): Tensor =>
          row.f(...mapTree(x, (t, k) => t.add(mul(v[Number(k)] ?? 0, sign * h))));
        const { tangent } = jvp((p: Tensor[]) => row.f(...p), x, v);
        return {
          tangent,
          difference: along(1)
            .sub(along(-1))
            .mul(1 / (2 * h)),
        };
      }),
    SMALL,
  );
  for (const [i, { tangent, difference }] of (await program(points, directions)).entries()) {
    const expected = Float64Array.from(await difference.data(), Number);
    expectClose(await tangent.data(), expected, tolerance, `${rows[i]?.name}: tangent`);
  }
  await program.release();
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const size = (x: Tensor): number => (x.shape as readonly number[]).reduce((a, b) => a * b, 1);

// Runs a program in every mode of the library and holds the numbers against the reference.
import {
  type Compiled,
  compile,
  type Device,
  evaluate,
  checkpoint,
  type Tensor,
} from "../../../src/tensor/index.ts";
import { GraphError, UserError } from "../../../src/errors.ts";
import type { Program } from "../../reference/program.ts";
import { functionOf, inputTensor, type Whole, withDerivatives } from "./build.ts";
import { type Expected, expectationOf, GPU, HOST } from "./expect.ts";

/** Ways to run a program. */
export const MODES = ["evaluate", "compile", "donate", "closure", "checkpoint", "symbolic"] as const;
export type Mode = (typeof MODES)[number];

/** What went wrong, in one line; `undefined` when nothing did, `skipped` where the mode cannot take the program. */
export type Finding = string | undefined;

/** Numbers of `whole`, in the order and under the names of the expectation. */
async function listed({ results, gradient, tangents, curvature }: Whole): Promise<Map<string, number[]>> {
  const groups: [string, readonly Tensor[]][] = [
    ["result", results],
    ["tangent", tangents],
    ["gradient", gradient],
    ["curvature", curvature],
  ];
  const out = new Map<string, number[]>();
  for (const [what, tensors] of groups) {
    for (const [i, x] of tensors.entries()) {
      out.set(`${what} ${i}`, Array.from((await x.data()) as Float64Array, Number));
    }
  }
  return out;
}

/** The first number that is further from what is expected than its error allows. */
export function compared(got: ReadonlyMap<string, number[]>, expected: readonly Expected[]): Finding {
  for (const { what, values, errors } of expected) {
    const have = got.get(what);
    if (have === undefined) return `${what} is missing`;
    if (have.length !== values.length) return `${what} has ${have.length} elements for ${values.length}`;
    for (const [i, v] of values.entries()) {
      const error = errors[i] ?? 0;
      const gap = Math.abs((have[i] ?? NaN) - v);
      if (!(gap <= error))
        return `${what}[${i}] is ${have[i]}, must be ${v} within ${error.toExponential(1)}`;
    }
  }
  return undefined;
}

/** One call of a compiled function, which is freed again. */
async function once<A extends readonly unknown[]>(
  f: Compiled<A, Whole>,
  ...args: A
): Promise<Map<string, number[]>> {
  try {
    return await listed(await f(...args));
  } finally {
    await f.release();
  }
}

/** The numbers of `program` in `mode`; `undefined` where the mode cannot take it. */
async function runIn(
  program: Program,
  mode: Mode,
  device: Device,
): Promise<Map<string, number[]> | undefined> {
  const f = withDerivatives(program, mode === "checkpoint" ? (g) => checkpoint(g) : undefined);
  const inputs = (): Tensor[] => program.inputs.map(inputTensor);
  if (mode === "evaluate") return listed(await evaluate(f(inputs()), { device }));
  if (mode === "closure") {
    const xs = inputs();
    return once(compile(() => f(xs), { device }));
  }
  if (mode === "donate") {
    const g = compile(f, { device, donate: [0] });
    // Results of the first call stand in buffers of its own; the second may write into what was donated.
    await listed(await g(inputs()));
    return once(g, inputs());
  }
  if (mode !== "symbolic") return once(compile(f, { device }), inputs());
  for (const symbolic of namings(program)) {
    try {
      return await once(compile(f, { device, symbolic }), inputs());
    } catch (error) {
      // A program that names a size cannot be run at others; it has to say so before it runs.
      if (!(error instanceof UserError || error instanceof GraphError)) throw error;
    }
  }
  return undefined;
}

type Naming = (name: string, shape: readonly (number | string)[]) => (number | string)[];

/** Ways to give sizes names: all leading ones, equal sizes alike; then one axis of one input alone. */
function namings({ inputs }: Program): Naming[] {
  const leading: Naming = (_, shape) =>
    shape.map((size, axis) => (axis === 0 && typeof size === "number" && size > 1 ? `N${size}` : size));
  const single = inputs.flatMap((x, i) =>
    x.shape.flatMap((size, axis) =>
      size > 1
        ? [
            (name: string, shape: readonly (number | string)[]) =>
              shape.map((d, a) => (name === `0.${i}` && a === axis ? "N" : d)),
          ]
        : [],
    ),
  );
  return [leading, ...single.slice(0, 5)];
}

/** Runs `program` in `mode` on `device`. */
export async function findIn(program: Program, mode: Mode, device: Device): Promise<Finding> {
  try {
    const got = await runIn(program, mode, device);
    if (got === undefined) return "skipped";
    return compared(got, expectationOf(program, device === "webgpu" ? GPU : HOST));
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message.split("\n")[0]}` : String(error);
  }
}

/** Whether the forward program alone goes wrong: the shortest thing to say about it. */
export async function isForward(program: Program, device: Device): Promise<boolean> {
  try {
    const got = await evaluate(functionOf(program)(program.inputs.map(inputTensor)), { device });
    const numbers = new Map<string, number[]>();
    for (const [i, x] of got.entries())
      numbers.set(`result ${i}`, Array.from((await x.data()) as Float64Array, Number));
    const expected = expectationOf(program, device === "webgpu" ? GPU : HOST);
    return (
      compared(
        numbers,
        expected.filter((e) => e.what.startsWith("result")),
      ) !== undefined
    );
  } catch {
    return true;
  }
}

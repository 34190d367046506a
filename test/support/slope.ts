// Gradients against central differences, along random directions, in one program.
import { expect } from "vitest";
import { evaluate, sum, type Tensor, tensor, valueAndGrad } from "../../src/tensor/index.ts";
import { numbers, seedOf } from "./numbers.ts";
import { DIFFERENCE } from "./tolerance.ts";

/**
 * Fails unless the derivative of `f` along random directions agrees with `(f(x + hu) − f(x − hu)) / 2h`.
 * @param f Scalar function of float64 tensors. @param xs Where to look.
 */
export async function expectSlopes(
  what: string,
  f: (...xs: Tensor[]) => Tensor,
  xs: readonly Tensor[],
  tolerance: number = DIFFERENCE.tolerance,
): Promise<void> {
  await expectAllSlopes([[what, f, xs]], tolerance);
}

/** The same for many functions at once. */
export async function expectAllSlopes(
  cases: readonly (readonly [what: string, f: (...xs: Tensor[]) => Tensor, xs: readonly Tensor[]])[],
  tolerance: number = DIFFERENCE.tolerance,
): Promise<void> {
  const h = DIFFERENCE.step;
  const rows = cases.flatMap(([what, f, xs]) => {
    const { grad } = valueAndGrad((all: Tensor[]) => f(...all))([...xs]);
    return xs.map((x, i) => {
      const next = numbers(seedOf(`${what} ${i}`));
      const shape = x.shape as number[];
      const u = tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next), { shape });
      const moved = (sign: number): Tensor => f(...xs.map((y, j) => (j === i ? y.add(u.mul(sign * h)) : y)));
      const slope = grad[i]?.mul(u);
      if (slope === undefined) throw new Error("gradient missing");
      return { what: `${what}: argument ${i}`, slope: sum(slope), plus: moved(1), minus: moved(-1) };
    });
  });
  const got = await evaluate(rows);
  for (const { what, slope, plus, minus } of got) {
    const expected = ((await plus.item()) - (await minus.item())) / (2 * h);
    const value = await slope.item();
    if (!(Math.abs(value - expected) <= tolerance * (1 + Math.abs(expected)))) {
      expect.fail(`${what}: slope must be ${expected} within ${tolerance}, got ${value}.`);
    }
  }
}

// Sums of products from their definitions: one loop per name.
import { type Arr, build, get, indices } from "./array.ts";

const letters = (text: string): string[] => text.split("").filter((n) => n !== " ");

/** Einstein summation: loops over all names, adds the product of the operands at each. */
export function einsum(pattern: string, sizes: Readonly<Record<string, number>>, ...operands: Arr[]): Arr {
  const [left = "", right = ""] = pattern.split("->");
  const inputs = left.split(",").map(letters);
  const output = letters(right);
  const summed = [...new Set(inputs.flat())].filter((n) => !output.includes(n));
  const size = (n: string): number => sizes[n] ?? 1;
  return build(output.map(size), (index) => {
    let total = 0;
    for (const inner of indices(summed.map(size))) {
      const at = (n: string): number => index[output.indexOf(n)] ?? inner[summed.indexOf(n)] ?? 0;
      let term = 1;
      operands.forEach((x, i) => {
        term *= get(x, (inputs[i] ?? []).map(at));
      });
      total += term;
    }
    return total;
  });
}

/** Cross-correlation `[B, C, T] ⋆ [O, C/groups, K]`. */
export function conv1d(
  x: Arr,
  weight: Arr,
  o: { stride: number; dilation: number; groups: number; padding: number | readonly [number, number] },
): Arr {
  const [before, after] = typeof o.padding === "number" ? [o.padding, o.padding] : o.padding;
  const [B = 0, , T = 0] = x.shape;
  const [O = 0, per = 0, K = 0] = weight.shape;
  const length = Math.floor((T + before + after - o.dilation * (K - 1) - 1) / o.stride) + 1;
  return build([B, O, length], ([b = 0, out = 0, t = 0]) => {
    const group = Math.floor(out / (O / o.groups));
    let sum = 0;
    for (let c = 0; c < per; c++) {
      for (let k = 0; k < K; k++) {
        const at = t * o.stride + k * o.dilation - before;
        if (at >= 0 && at < T) sum += get(x, [b, group * per + c, at]) * get(weight, [out, c, k]);
      }
    }
    return sum;
  });
}

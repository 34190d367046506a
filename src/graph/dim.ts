// Sizes of axes. A size is a number, or a polynomial in named unknowns such as "B", "S+1" or "B*T", so that
// one compiled program serves every length.
import { GraphError } from "../errors.ts";

/** A size: a number, or a polynomial with integer coefficients in canonical text (`"2*B*T+S+1"`). */
export type Dim = number | string;
/** Sizes of all axes, outermost first. */
export type Shape = readonly Dim[];

/** Monomial ("" for the constant, "B*T" with sorted factors) to its coefficient. */
type Polynomial = Map<string, number>;

function parse(dim: Dim): Polynomial {
  if (typeof dim === "number") return new Map([["", dim]]);
  const terms: Polynomial = new Map();
  for (const term of dim.replaceAll("-", "+-").split("+")) {
    if (term === "") continue;
    let coefficient = 1;
    const factors: string[] = [];
    for (let factor of term.split("*")) {
      if (factor.startsWith("-")) {
        coefficient = -coefficient;
        factor = factor.slice(1);
      }
      if (/^\d+$/.test(factor)) coefficient *= Number(factor);
      else factors.push(factor);
    }
    const key = factors.sort().join("*");
    terms.set(key, (terms.get(key) ?? 0) + coefficient);
  }
  return terms;
}

function format(terms: Polynomial): Dim {
  const parts: string[] = [];
  let constant = 0;
  for (const key of [...terms.keys()].sort()) {
    const c = terms.get(key) ?? 0;
    if (c === 0) continue;
    if (key === "") constant = c;
    else parts.push(c === 1 ? key : c === -1 ? `-${key}` : `${c}*${key}`);
  }
  if (parts.length === 0) return constant;
  if (constant !== 0) parts.push(String(constant));
  return parts.join("+").replaceAll("+-", "-");
}

/** Sum of sizes. */
export function addDims(...dims: Dim[]): Dim {
  if (dims.every((d) => typeof d === "number")) return dims.reduce((a, b) => a + b, 0);
  const sum: Polynomial = new Map();
  for (const dim of dims) for (const [key, c] of parse(dim)) sum.set(key, (sum.get(key) ?? 0) + c);
  return format(sum);
}

/** Product of sizes; 1 for none. */
export function mulDims(...dims: Dim[]): Dim {
  if (dims.every((d) => typeof d === "number")) return dims.reduce((a, b) => a * b, 1);
  let product: Polynomial = new Map([["", 1]]);
  for (const dim of dims) {
    const next: Polynomial = new Map();
    for (const [a, x] of product) {
      for (const [b, y] of parse(dim)) {
        const key = [...a.split("*"), ...b.split("*")]
          .filter((f) => f !== "")
          .sort()
          .join("*");
        next.set(key, (next.get(key) ?? 0) + x * y);
      }
    }
    product = next;
  }
  return format(product);
}

/** `a − b`. */
export function subDims(a: Dim, b: Dim): Dim {
  return addDims(a, mulDims(-1, b));
}

/** `a / b` where `b` divides exactly; `undefined` where it does not. `b` may have one term only. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  if (typeof a === "number" && typeof b === "number") return a % b === 0 ? a / b : undefined;
  if (a === 0) return 0;
  if (a === b) return 1;
  const divisor = [...parse(b)];
  if (divisor.length !== 1 || divisor[0] === undefined) return undefined;
  const [key, c] = divisor[0];
  const quotient: Polynomial = new Map();
  for (const [term, x] of parse(a)) {
    const factors = term === "" ? [] : term.split("*");
    for (const f of key === "" ? [] : key.split("*")) {
      const at = factors.indexOf(f);
      if (at < 0) return undefined;
      factors.splice(at, 1);
    }
    if (x % c !== 0) return undefined;
    quotient.set(factors.join("*"), x / c);
  }
  return format(quotient);
}

/** The number `dim` stands for, given the values of its names. @throws GraphError for a name without value. */
export function evaluateDim(dim: Dim, names: ReadonlyMap<string, number>): number {
  if (typeof dim === "number") return dim;
  let sum = 0;
  for (const [key, c] of parse(dim)) {
    let product = c;
    for (const name of key === "" ? [] : key.split("*")) {
      const value = names.get(name);
      if (value === undefined) throw new GraphError(`dimension ${name} of ${dim} has no value.`);
      product *= value;
    }
    sum += product;
  }
  return sum;
}

/** The terms of a symbolic size as `[coefficient, names]`, for code that computes it at run time. */
export function dimTerms(dim: Dim): [coefficient: number, names: string[]][] {
  return [...parse(dim)].map(([key, c]) => [c, key === "" ? [] : key.split("*")]);
}

/** Number of elements. */
export function sizeOf(shape: Shape): Dim {
  return mulDims(...shape);
}

/** Number of elements of a shape without symbols. @throws GraphError otherwise. */
export function staticSize(shape: Shape): number {
  const size = sizeOf(shape);
  if (typeof size !== "number") throw new GraphError(`shape [${shape.join(", ")}] must be known here.`);
  return size;
}

/** True when two shapes are the same, symbol by symbol. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

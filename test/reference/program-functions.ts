// What each function of a random program gives, from its definition: loops over arrays of duals.
import { broadcastShape } from "./array.ts";
import { type Arithmetic, arithmetic, constant, type Dual } from "./dual.ts";
import { COMPOSED } from "./program-composed.ts";
import { UNARY } from "./program-unary.ts";
import {
  better,
  build,
  castTo,
  HOLD,
  isFloat,
  operands,
  type Options,
  pick,
  type Reference,
  val,
  whole,
} from "./program-values.ts";
import type { Kind } from "./program.ts";

type Pair = (a: Dual, b: Dual, n: Arithmetic, dtype: Kind) => Dual;

const truncated =
  (f: Pair): Pair =>
  (a, b, n, dtype) =>
    isFloat(dtype) ? f(a, b, n, dtype) : constant(Math.trunc(f(a, b, n, dtype).v) + 0);

const power: Pair = (a, b, n) => {
  const f = a.v ** b.v;
  const fa = b.v === 0 ? 0 : b.v * a.v ** (b.v - 1);
  const faa = b.v === 0 || b.v === 1 ? 0 : b.v * (b.v - 1) * a.v ** (b.v - 2);
  const log = a.v > 0 ? Math.log(a.v) : 0;
  const mixed = a.v > 0 ? a.v ** (b.v - 1) * (1 + b.v * log) : 0;
  return n.two(a, b, [f, fa, f * log, faa, mixed, f * log * log]);
};

const BINARY: Readonly<Record<string, Pair>> = {
  add: (a, b, n) => n.add(a, b),
  sub: (a, b, n) => n.sub(a, b),
  mul: (a, b, n) => n.mul(a, b),
  div: truncated((a, b, n) => n.div(a, b)),
  pow: power,
  minimum: (a, b, n) => better(a, b, n, -1),
  maximum: (a, b, n) => better(a, b, n, 1),
};

const flag = (holds: boolean): Dual => constant(Number(holds));
const DECISIONS: Readonly<Record<string, (a: Dual, b: Dual, n: Arithmetic) => Dual>> = {
  equal: (a, b, n) => flag(n.compare(a, b) === 0),
  notEqual: (a, b, n) => flag(n.compare(a, b) !== 0),
  less: (a, b, n) => flag(n.compare(a, b) < 0),
  lessEqual: (a, b, n) => flag(n.compare(a, b) <= 0),
  greater: (a, b, n) => flag(n.compare(a, b) > 0),
  greaterEqual: (a, b, n) => flag(n.compare(a, b) >= 0),
  and: (a, b) => flag(a.v !== 0 && b.v !== 0),
  or: (a, b) => flag(a.v !== 0 || b.v !== 0),
  xor: (a, b) => flag((a.v !== 0) !== (b.v !== 0)),
};

function pairwise(f: Pair, result?: Kind): Reference {
  return ([x, y], rounding) => {
    const [a, b] = operands(x, y);
    const n = arithmetic(a.dtype, rounding);
    const shape = broadcastShape(a.shape, b.shape);
    return whole(build(result ?? a.dtype, shape, (i) => f(pick(a, i), pick(b, i), n, a.dtype)));
  };
}

function unary(name: string): Reference {
  return ([x, options], rounding) => {
    const { dtype, shape, data } = val(x);
    const n = arithmetic(dtype, rounding);
    const f = UNARY[name];
    if (f === undefined) throw new Error(`no function ${name}`);
    return whole({ dtype, shape, data: data.map((v) => f(v, n, (options ?? {}) as Options)) });
  };
}

const ELEMENTWISE: Readonly<Record<string, Reference>> = {
  ...Object.fromEntries(Object.keys(UNARY).map((name) => [name, unary(name)])),
  ...Object.fromEntries(Object.entries(BINARY).map(([name, f]) => [name, pairwise(f)])),
  ...Object.fromEntries(Object.entries(DECISIONS).map(([name, f]) => [name, pairwise(f, "bool")])),
  not: ([x]) => whole({ ...val(x), data: val(x).data.map((v) => flag(v.v === 0)) }),
  cast: ([x, to], rounding) => whole(castTo(val(x), to as Kind, rounding)),
  where([condition, x, y]) {
    const c = val(condition);
    const [a, b] = operands(x, y);
    const shape = broadcastShape(c.shape, a.shape, b.shape);
    return whole(build(a.dtype, shape, (i) => (pick(c, i).v !== 0 ? pick(a, i) : pick(b, i))));
  },
  clip([x, low, high], rounding) {
    const { dtype, shape, data } = val(x);
    const n = arithmetic(dtype, rounding);
    const bound = (v: unknown): Dual => constant(HOLD[dtype](v as number));
    return whole({
      dtype,
      shape,
      data: data.map((v) => better(better(v, bound(low), n, 1), bound(high), n, -1)),
    });
  },
  full: ([shape, value, options]) => {
    const { dtype = "float32" } = options as { dtype?: Kind };
    return whole(build(dtype, shape as number[], () => constant(HOLD[dtype](value as number))));
  },
  iota: ([size, options]) => {
    const { dtype = "int32" } = options as { dtype?: Kind };
    return whole(build(dtype, [size as number], ([i = 0]) => constant(i)));
  },
};

/** Functions by name. */
export const FUNCTIONS: Readonly<Record<string, Reference>> = { ...ELEMENTWISE, ...COMPOSED };

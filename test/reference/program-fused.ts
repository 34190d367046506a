// References of functions that a place may run as one kernel: convolutions and pooling of images, rotary turns.
import { arithmetic, constant, type Dual, type Rounding } from "./dual.ts";
import { build, extreme, type Options, pick, type Reference, val, whole } from "./program-values.ts";
import type { Val } from "./program.ts";

interface Windows {
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number;
  readonly groups: number;
}

const windowsOf = (o: Options): Windows => ({ stride: 1, dilation: 1, padding: 0, groups: 1, ...o });

/** Places that a window of `size` has on `n` padded elements. */
function places(n: number, size: number, w: Windows): number {
  const room = n + 2 * w.padding - w.dilation * (size - 1) - 1;
  if (room < 0) throw new RangeError("the window must fit");
  return Math.floor(room / w.stride) + 1;
}

/** Elements that the window at `(i, j)` sees, with where in the window they stand. */
function seen(x: Val, [i, j]: readonly [number, number], [U, V]: readonly [number, number], w: Windows) {
  const [, , H = 0, W = 0] = x.shape;
  const found: { readonly at: readonly [number, number]; readonly in: readonly [number, number] }[] = [];
  for (let u = 0; u < U; u++) {
    for (let v = 0; v < V; v++) {
      const at = [
        i * w.stride + u * w.dilation - w.padding,
        j * w.stride + v * w.dilation - w.padding,
      ] as const;
      if (at[0] >= 0 && at[0] < H && at[1] >= 0 && at[1] < W) found.push({ at, in: [u, v] });
    }
  }
  return found;
}

function conv2d(x: Val, weight: Val, o: Options, rounding: Rounding): Val {
  const w = windowsOf(o);
  const n = arithmetic(x.dtype, rounding);
  const [B = 0, , H = 0, W = 0] = x.shape;
  const [O = 0, per = 0, U = 0, V = 0] = weight.shape;
  return build(x.dtype, [B, O, places(H, U, w), places(W, V, w)], ([b = 0, out = 0, i = 0, j = 0]) => {
    const group = Math.floor(out / (O / w.groups));
    const terms: Dual[] = [];
    for (let c = 0; c < per; c++) {
      for (const { at, in: within } of seen(x, [i, j], [U, V], w)) {
        const channel = group * per + c;
        terms.push(n.mul(pick(x, [b, channel, ...at]), pick(weight, [out, c, ...within])));
      }
    }
    return n.sum(terms);
  });
}

/** Every product where it falls, by the definition. */
function convTranspose2d(x: Val, weight: Val, o: Options, rounding: Rounding): Val {
  const w = windowsOf(o);
  const n = arithmetic(x.dtype, rounding);
  const [B = 0, O = 0, H = 0, W = 0] = x.shape;
  const [, per = 0, U = 0, V = 0] = weight.shape;
  const long = (m: number, size: number): number =>
    (m - 1) * w.stride - 2 * w.padding + w.dilation * (size - 1) + 1;
  const shape = [B, per * w.groups, long(H, U), long(W, V)];
  if (shape.some((size) => size < 1)) throw new RangeError("padding must leave a place");
  return build(x.dtype, shape, ([b = 0, channel = 0, row = 0, column = 0]) => {
    const group = Math.floor(channel / per);
    const terms: Dual[] = [];
    for (let out = group * (O / w.groups); out < (group + 1) * (O / w.groups); out++) {
      for (let i = 0; i < H; i++) {
        for (let j = 0; j < W; j++) {
          for (let u = 0; u < U; u++) {
            for (let v = 0; v < V; v++) {
              if (i * w.stride + u * w.dilation - w.padding !== row) continue;
              if (j * w.stride + v * w.dilation - w.padding !== column) continue;
              terms.push(n.mul(pick(x, [b, out, i, j]), pick(weight, [out, channel % per, u, v])));
            }
          }
        }
      }
    }
    return n.sum(terms);
  });
}

const pool =
  (fold: (xs: readonly Dual[], dtype: Val["dtype"], rounding: Rounding) => Dual): Reference =>
  ([value, size, o], rounding) => {
    const x = val(value);
    const [U = 0, V = 0] = size as readonly number[];
    const w = windowsOf((o ?? {}) as Options);
    const [B = 0, C = 0, H = 0, W = 0] = x.shape;
    return whole(
      build(x.dtype, [B, C, places(H, U, w), places(W, V, w)], ([b = 0, c = 0, i = 0, j = 0]) =>
        fold(
          seen(x, [i, j], [U, V], w).map(({ at }) => pick(x, [b, c, ...at])),
          x.dtype,
          rounding,
        ),
      ),
    );
  };

/** `(a cos θ − b sin θ, b cos θ + a sin θ)` for the pairs of each row, θ = position · frequency. */
const rotate: Reference = ([value, positions, frequencies, layout], rounding) => {
  const x = val(value);
  const n = arithmetic(x.dtype, rounding);
  const [where, speeds] = [positions as readonly number[], frequencies as readonly number[]];
  const half = speeds.length;
  return whole(
    build(x.dtype, x.shape, ([b = 0, h = 0, t = 0, d = 0]) => {
      const interleaved = layout === "interleaved";
      const pair = interleaved ? Math.floor(d / 2) : d % half;
      const second = interleaved ? d % 2 === 1 : d >= half;
      const other = interleaved ? d + (second ? -1 : 1) : d + (second ? -half : half);
      const angle = (where[t] ?? 0) * (speeds[pair] ?? 0);
      const [own, partner] = [pick(x, [b, h, t, d]), pick(x, [b, h, t, other])];
      const turn = n.mul(partner, constant(second ? Math.sin(angle) : -Math.sin(angle)));
      return n.add(n.mul(own, constant(Math.cos(angle))), turn);
    }),
  );
};

export const FUSED: Readonly<Record<string, Reference>> = {
  conv2d: ([x, w, o], rounding) => whole(conv2d(val(x), val(w), o as Options, rounding)),
  convTranspose2d: ([x, w, o], rounding) => whole(convTranspose2d(val(x), val(w), o as Options, rounding)),
  maxPool2d: pool(extreme(1)),
  averagePool2d: pool((xs, dtype, rounding) => {
    const n = arithmetic(dtype, rounding);
    return n.div(n.sum(xs), constant(xs.length));
  }),
  rotate,
};

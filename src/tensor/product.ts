// Products of matrices, and what is derived from them: einsum, rearrange, one-dimensional convolution.
import { OptionError, ShapeError } from "../errors.ts";
import { type Dim, divideDims, mulDims } from "../graph/dim.ts";
import { showShape } from "../graph/infer.ts";
import { broadcastTo, concat, expandDims, pad, permute, reshape, slice } from "./movement.ts";
import { apply, requireTensor, type Tensor } from "./tensor.ts";
import { sum } from "./reduce.ts";

/** `transposeA`, `transposeB` swap the last two axes of an operand (default false); `scale` multiplies (default 1). */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly scale?: number;
}

/** `scale · a b` over the last two axes; leading axes broadcast. */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false, scale = 1 }: MatmulOptions = {},
): Tensor {
  return apply("matmul", [a, b], { transposeA, transposeB, scale });
}

/**
 * Einstein summation of one or two operands: `einsum("b h t d, b h s d -> b h t s", q, k)`. Names are words
 * separated by spaces, or single letters written together (`"ij,jk->ik"`).
 * @throws ShapeError when one name stands for two sizes, OptionError for a malformed pattern.
 */
export function einsum(pattern: string, ...operands: Tensor[]): Tensor {
  const [left, right, rest] = pattern.split("->");
  if (left === undefined || right === undefined || rest !== undefined) {
    throw new OptionError(`einsum: pattern must have one "->", got "${pattern}".`);
  }
  const inputs = left.split(",").map(names);
  const output = names(right);
  if (inputs.length !== operands.length || inputs.length < 1 || inputs.length > 2) {
    throw new OptionError(
      `einsum: pattern "${pattern}" must name as many operands as are given (1 or 2), got ${operands.length}.`,
    );
  }
  const sizes = new Map<string, Dim>();
  inputs.forEach((axes, i) => {
    const x = operands[i];
    requireTensor("einsum", `operand ${i}`, x);
    const { shape } = x;
    if (shape.length !== axes.length) {
      throw new ShapeError(
        `einsum: operand ${i} must have axes "${axes.join(" ")}", got ${showShape(shape)}.`,
      );
    }
    axes.forEach((name, j) => {
      const size = shape[j] ?? 1;
      const known = sizes.get(name);
      if (known !== undefined && known !== size) {
        throw new ShapeError(`einsum: ${name} must have one size, got ${known} and ${size}.`);
      }
      sizes.set(name, size);
    });
    if (new Set(axes).size !== axes.length) {
      throw new OptionError(`einsum: a name may stand once in an operand, got "${axes.join(" ")}".`);
    }
  });
  for (const name of output) {
    if (!sizes.has(name)) throw new OptionError(`einsum: output name "${name}" stands in no operand.`);
  }
  const [a, b] = operands;
  const [x, y] = inputs;
  if (a === undefined || x === undefined) throw new OptionError("einsum: an operand is needed.");
  const size = (name: string): Dim => sizes.get(name) ?? 1;
  const keptA = b === undefined || y === undefined ? output : [...output, ...y];
  const [ta, ax] = sumAway(a, x, keptA);
  if (b === undefined || y === undefined) return arrange(ta, ax, output);
  const [tb, by] = sumAway(b, y, [...output, ...x]);
  const batch = ax.filter((n) => by.includes(n) && output.includes(n));
  const contracted = ax.filter((n) => by.includes(n) && !output.includes(n));
  const rows = ax.filter((n) => !by.includes(n));
  const columns = by.filter((n) => !ax.includes(n));
  const group = (list: string[]): Dim => mulDims(...list.map(size));
  const lhs = reshape(arrange(ta, ax, [...batch, ...rows, ...contracted]), [
    ...batch.map(size),
    group(rows),
    group(contracted),
  ]);
  const rhs = reshape(arrange(tb, by, [...batch, ...columns, ...contracted]), [
    ...batch.map(size),
    group(columns),
    group(contracted),
  ]);
  const product = matmul(lhs, rhs, { transposeB: true });
  const named = [...batch, ...rows, ...columns];
  return arrange(reshape(product, named.map(size)), named, output);
}

function names(text: string): string[] {
  const trimmed = text.trim();
  return trimmed.includes(" ") || trimmed === ""
    ? trimmed.split(/\s+/).filter((n) => n !== "")
    : [...trimmed];
}

/** Sums axes that nothing else uses. */
function sumAway(x: Tensor, axes: string[], used: string[]): [Tensor, string[]] {
  const gone = axes.flatMap((n, i) => (used.includes(n) ? [] : [i]));
  return gone.length === 0 ? [x, axes] : [sum(x, { axis: gone }), axes.filter((n) => used.includes(n))];
}

function arrange(x: Tensor, from: readonly string[], to: readonly string[]): Tensor {
  return permute(
    x,
    to.map((n) => from.indexOf(n)),
  );
}

/**
 * Splits, permutes and merges axes by name: `rearrange(x, "b t (h d) -> b h t d", { h: 8 })`. A name that
 * stands only on the right is a new axis whose size `sizes` gives.
 * @throws ShapeError when sizes do not divide, OptionError for a malformed pattern.
 */
export function rearrange(x: Tensor, pattern: string, sizes: Readonly<Record<string, Dim>> = {}): Tensor {
  requireTensor("rearrange", "x", x);
  const [left, right, rest] = pattern.split("->");
  if (left === undefined || right === undefined || rest !== undefined) {
    throw new OptionError(`rearrange: pattern must have one "->", got "${pattern}".`);
  }
  const from = groups(left);
  const to = groups(right);
  if (from.length !== x.rank) {
    throw new ShapeError(`rearrange: "${left.trim()}" must name the axes of ${showShape(x.shape)}.`);
  }
  const known = new Map<string, Dim>(Object.entries(sizes));
  from.forEach((group, i) => {
    const size = x.shape[i] ?? 1;
    const unknown = group.filter((n) => !known.has(n));
    const product = mulDims(...group.map((n) => known.get(n) ?? 1));
    const other = divideDims(size, product);
    if (unknown.length > 1 || other === undefined || (unknown.length === 0 && other !== 1)) {
      throw new ShapeError(
        `rearrange: "${group.join(" ")}" must multiply to ${size}, got ${product}${unknown.length > 1 ? ` and unknown ${unknown.join(", ")}` : ""}.`,
      );
    }
    if (unknown[0] !== undefined) known.set(unknown[0], other);
  });
  const flatFrom = from.flat();
  const flatTo = to.flat();
  for (const n of flatFrom) {
    if (!flatTo.includes(n) && known.get(n) !== 1) {
      throw new OptionError(`rearrange: "${n}" stands only on the left. Reduce it first.`);
    }
  }
  const size = (n: string): Dim => {
    const s = known.get(n);
    if (s === undefined)
      throw new OptionError(`rearrange: the size of "${n}" is not known. Give { ${n}: … }.`);
    return s;
  };
  const kept = flatFrom.filter((n) => flatTo.includes(n));
  const order = flatTo.filter((n) => kept.includes(n));
  let y = arrange(reshape(x, kept.map(size)), kept, order);
  flatTo.forEach((n, i) => {
    if (!kept.includes(n)) y = expandDims(y, i);
  });
  return reshape(
    broadcastTo(y, flatTo.map(size)),
    to.map((g) => mulDims(...g.map(size))),
  );
}

/** `"b (h d)"` as `[["b"], ["h", "d"]]`. */
function groups(text: string): string[][] {
  const out: string[][] = [];
  let open: string[] | undefined;
  for (const token of text.match(/[()]|[^\s()]+/g) ?? []) {
    if (token === "(") open = [];
    else if (token === ")") {
      if (open === undefined) throw new OptionError(`rearrange: unmatched ")" in "${text.trim()}".`);
      out.push(open);
      open = undefined;
    } else if (open) open.push(token);
    else out.push([token]);
  }
  if (open !== undefined) throw new OptionError(`rearrange: unmatched "(" in "${text.trim()}".`);
  return out;
}

/** `stride`, `dilation`, `groups` default to 1, `padding` to 0 on both sides. */
export interface Conv1dOptions {
  readonly stride?: number;
  readonly padding?: number | readonly [number, number];
  readonly dilation?: number;
  readonly groups?: number;
}

/**
 * One-dimensional cross-correlation as one matrix product over shifted copies.
 * @param x `[B, C, T]`. @param weight `[O, C / groups, K]`. @returns `[B, O, ⌊(T + p − d(K−1) − 1)/stride⌋ + 1]`.
 */
export function conv1d(
  x: Tensor,
  weight: Tensor,
  { stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv1dOptions = {},
): Tensor {
  requireTensor("conv1d", "x", x);
  requireTensor("conv1d", "weight", weight);
  const [before, after] = typeof padding === "number" ? [padding, padding] : padding;
  const padded = pad(x, [
    [0, 0],
    [0, 0],
    [before, after],
  ]);
  const [B, C, T] = padded.shape;
  const [O, perGroup, K] = weight.shape;
  if (
    typeof C !== "number" ||
    typeof O !== "number" ||
    typeof K !== "number" ||
    typeof T !== "number" ||
    B === undefined
  ) {
    throw new ShapeError(
      `conv1d: x must be [B, C, T] and weight [O, C, K], got ${showShape(x.shape)} and ${showShape(weight.shape)}.`,
    );
  }
  if (perGroup !== C / groups || O % groups !== 0) {
    throw new ShapeError(
      `conv1d: weight must be [O, C/groups=${C / groups}, K], got ${showShape(weight.shape)}.`,
    );
  }
  const length = Math.floor((T - dilation * (K - 1) - 1) / stride) + 1;
  if (length < 1)
    throw new ShapeError(`conv1d: kernel must fit ${T} padded steps, got ${dilation * (K - 1) + 1}.`);
  // [B, K·C, length], kernel offset outermost.
  const shifted = concat(
    Array.from({ length: K }, (_, k) => {
      const start = k * dilation;
      return slice(padded, {}, {}, { start, end: start + (length - 1) * stride + 1, step: stride });
    }),
    1,
  );
  const kernel = reshape(permute(weight, [0, 2, 1]), [O, K * (C / groups)]); // [O, K·C/g]
  if (groups === 1) return matmul(kernel, shifted);
  const columns = reshape(permute(reshape(shifted, [B, K, groups, C / groups, length]), [0, 2, 1, 3, 4]), [
    B,
    groups,
    (K * C) / groups,
    length,
  ]);
  const product = matmul(reshape(kernel, [1, groups, O / groups, (K * C) / groups]), columns);
  return reshape(product, [B, O, length]);
}

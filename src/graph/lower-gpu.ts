// What kernels for GPUs get wrong, composed of other operators: a variance as E[x²] − E[x]², powers that do not broadcast,
// running sums in quadratic time, and indices that nobody checks.
import type { Emitter, Ref } from "./emitter.ts";
import { isFloat } from "./dtype.ts";
import { lowerIntegerPow } from "./lower-integer.ts";
import { at, castTo, int, reshapeTo, type Rule, type RuleInput } from "./lowering.ts";
import { average, lowerLayerNorm } from "./lower-normalise.ts";
import type { OpAttributes, OpName, Type } from "./value.ts";

/** Centred first: the kernel's own mean is then about 0, and nothing cancels in its variance. */
const layerNorm: Rule<OpAttributes["layerNorm"]> = (r) => {
  if (r.type.dtype === "float64") return lowerLayerNorm(r);
  const mean = average(r, at(r.inputs, 0));
  const centred = r.emit.node("Sub", [at(r.inputs, 0), mean], r.type);
  const [y, , inverse] = lowerLayerNorm({ ...r, inputs: [centred, ...r.inputs.slice(1)] }) as readonly Ref[];
  return [y, mean, inverse].filter((ref) => ref !== undefined);
};

/** `x` repeated to the shape of the result, since the kernel takes one number or as many as the result has. */
function whole(r: RuleInput<unknown>, x: Ref): Ref {
  const { shape } = r.type;
  if (x.type.shape.length === 0 || x.type.shape.join() === shape.join()) return x;
  return r.emit.node("Expand", [x, r.emit.dims(shape)], { dtype: x.type.dtype, shape });
}

const pow: Rule<OpAttributes["pow"]> = (r) => {
  // The kernel goes through float32.
  if (!isFloat(r.type.dtype)) return lowerIntegerPow(r);
  const [a, b] = [at(r.inputs, 0), at(r.inputs, 1)];
  if (b.splat === 1 && a.type.shape.join() === r.type.shape.join()) return a;
  if (b.splat === 2 && a.type.shape.join() === r.type.shape.join()) return r.emit.node("Mul", [a, a], r.type);
  const exponent = b.splat === undefined ? whole(r, b) : r.emit.scalar(b.splat, b.type.dtype);
  return r.emit.node("Pow", [whole(r, a), exponent], r.type);
};

/** The kernel adds up every prefix anew: longer axes go in blocks of this length. */
const BLOCK = 128;

type Running = OpAttributes["cumSum"];

function running(emit: Emitter, x: Ref, axis: number, { exclusive, reverse }: Omit<Running, "axis">): Ref {
  return emit.node("CumSum", [x, emit.scalar(axis, "int64")], x.type, {
    attributes: { exclusive: int(Number(exclusive)), reverse: int(Number(reverse)) },
  });
}

/** Running sums within blocks, and before each block the sum of those before it. */
function inBlocks(emit: Emitter, x: Ref, axis: number, how: Omit<Running, "axis">): Ref {
  const { dtype, shape } = x.type;
  const size = shape[axis];
  if (typeof size !== "number" || size <= 2 * BLOCK) return running(emit, x, axis, how);
  const blocks = Math.ceil(size / BLOCK);
  const [lead, rest] = [shape.slice(0, axis), shape.slice(axis + 1)];
  const around = [...shape.map(() => 0), ...shape.map((_, i) => (i === axis ? blocks * BLOCK - size : 0))];
  const long: Type = { dtype, shape: [...lead, blocks * BLOCK, ...rest] };
  const padded =
    blocks * BLOCK === size ? x : emit.node("Pad", [x, emit.ints(around), emit.scalar(0, dtype)], long);
  const cut = reshapeTo(emit, padded, [...lead, blocks, BLOCK, ...rest]);
  const within = running(emit, cut, axis + 1, how);
  const totals = emit.node(
    "ReduceSum",
    [cut, emit.ints([axis + 1])],
    { dtype, shape: [...lead, blocks, ...rest] },
    {
      attributes: { keepdims: int(0) },
    },
  );
  const before = inBlocks(emit, totals, axis, { exclusive: true, reverse: how.reverse });
  const sums = emit.node("Add", [within, reshapeTo(emit, before, [...lead, blocks, 1, ...rest])], cut.type);
  const joined = reshapeTo(emit, sums, long.shape);
  if (blocks * BLOCK === size) return joined;
  return emit.node("Slice", [joined, emit.ints([0]), emit.ints([size]), emit.ints([axis])], x.type);
}

const cumSum: Rule<Running> = (r) => inBlocks(r.emit, at(r.inputs, 0), r.attributes.axis, r.attributes);

/** Indices held within `[0, size)`, and where they were there by themselves. */
function held(r: RuleInput<unknown>, axis: number): { indices: Ref; inside: Ref } {
  const { emit } = r;
  const given = at(r.inputs, 1);
  const { dtype, shape } = given.type;
  const bool: Type = { dtype: "bool", shape };
  const size = at(r.inputs, 0).type.shape[axis] ?? 0;
  const limit =
    typeof size === "number"
      ? emit.scalar(size, dtype)
      : castTo(emit, emit.node("Squeeze", [emit.dims([size])], { dtype: "int64", shape: [] }), dtype);
  const zero = emit.scalar(0, dtype);
  const inside = emit.node(
    "And",
    [emit.node("GreaterOrEqual", [given, zero], bool), emit.node("Less", [given, limit], bool)],
    bool,
  );
  return { indices: emit.node("Where", [inside, given, zero], given.type), inside };
}

/** `x` where the indices were in range, else 0. */
function masked(r: RuleInput<unknown>, inside: Ref, x: Ref, axis: number): Ref {
  const rank = x.type.shape.length;
  const after = rank - axis - inside.type.shape.length;
  const aligned = reshapeTo(r.emit, inside, [
    ...inside.type.shape,
    ...Array.from({ length: after }, () => 1),
  ]);
  return r.emit.node("Where", [aligned, x, r.emit.scalar(0, x.type.dtype)], x.type);
}

const gather: Rule<OpAttributes["gather"]> = (r) => {
  const { axis } = r.attributes;
  const { indices, inside } = held(r, axis);
  const rows = r.emit.node("Gather", [at(r.inputs, 0), indices], r.type, { attributes: { axis: int(axis) } });
  return r.type.dtype === "bool" ? rows : masked(r, inside, rows, axis);
};

const takeAlongAxis: Rule<OpAttributes["takeAlongAxis"]> = (r) => {
  const { axis } = r.attributes;
  const { indices, inside } = held(r, axis);
  const taken = r.emit.node("GatherElements", [at(r.inputs, 0), indices], r.type, {
    attributes: { axis: int(axis) },
  });
  return r.type.dtype === "bool" ? taken : masked(r, inside, taken, 0);
};

/** A scatter of sums, float16 in float32, since many terms want more digits. */
function addingUp(
  r: RuleInput<unknown>,
  updates: Ref,
  scatter: (target: Ref, updates: Ref, type: Type) => Ref,
): Ref {
  const target = at(r.inputs, 0);
  if (r.type.dtype !== "float16") return scatter(target, updates, r.type);
  const wide = (x: Ref): Ref => castTo(r.emit, r.emit.materialize(x), "float32");
  return castTo(r.emit, scatter(wide(target), wide(updates), { ...r.type, dtype: "float32" }), "float16");
}

const scatterAdd: Rule<OpAttributes["scatterAdd"]> = (r) => {
  const { indices, inside } = held(r, 0);
  const rows = castTo(r.emit, reshapeTo(r.emit, indices, [...indices.type.shape, 1]), "int64");
  return addingUp(r, masked(r, inside, r.emit.materialize(at(r.inputs, 2)), 0), (target, updates, type) =>
    r.emit.node("ScatterND", [target, rows, updates], type, { attributes: { reduction: { text: "add" } } }),
  );
};

const addAlongAxis: Rule<OpAttributes["addAlongAxis"]> = (r) => {
  const { indices, inside } = held(r, r.attributes.axis);
  return addingUp(r, masked(r, inside, r.emit.materialize(at(r.inputs, 2)), 0), (target, updates, type) =>
    r.emit.node("ScatterElements", [target, indices, updates], type, {
      attributes: { axis: int(r.attributes.axis), reduction: { text: "add" } },
    }),
  );
};

/** One rule per op that a target may ask to be composed for a GPU. */
export const GPU: { readonly [K in OpName]?: Rule<OpAttributes[K]> } = {
  layerNorm,
  pow,
  cumSum,
  gather,
  takeAlongAxis,
  scatterAdd,
  addAlongAxis,
};

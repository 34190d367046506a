// Picking and placing by index. ONNX counts negative indices from the end; here they are mistakes, as those beyond the
// end are, and the runtime's complaint about either is a sentence of ours (`explain.ts`).
import { GraphError } from "../errors.ts";
import { isFloat } from "./dtype.ts";
import type { Ref } from "./emitter.ts";
import { NEGATIVE } from "./explain.ts";
import { at, castTo, int, reshapeTo, type Rule, type RuleInput } from "./lowering.ts";
import type { OpAttributes, Type } from "./value.ts";

/** Indices that the runtime refuses where they are negative. */
function indices(r: RuleInput<unknown>): Ref {
  const given = at(r.inputs, 1);
  if (!r.low.target.host) return given;
  const { emit } = r;
  const { type } = given;
  const negative = emit.node("Less", [given, emit.scalar(0, type.dtype)], { ...type, dtype: "bool" });
  const refused = emit.node("Sub", [given, emit.scalar(NEGATIVE, type.dtype)], type);
  return emit.node("Where", [negative, refused, given], type);
}

/** What a wrong index is told, up to its value. */
function requirement(r: RuleInput<{ readonly what?: string }>, axis: number): string {
  const { what = `${r.value.op}: indices` } = r.attributes;
  return `${what} must be in [0, ${at(r.inputs, 0).type.shape[axis]})`;
}

export const lowerGather: Rule<OpAttributes["gather"]> = (r) =>
  r.emit.node("Gather", [at(r.inputs, 0), indices(r)], r.type, {
    attributes: { axis: int(r.attributes.axis) },
    requirement: requirement(r, r.attributes.axis),
  });

/**
 * `GatherElements` does not say which index is wrong. So the least and the greatest go through a `Gather` first, which
 * does, and whose result, 0, the indices wait for.
 */
function checked(r: RuleInput<OpAttributes["takeAlongAxis"]>): Ref {
  const { emit } = r;
  const given = indices(r);
  const size = at(r.inputs, 0).type.shape[r.attributes.axis] ?? 1;
  if (!r.low.target.host || given.type.shape.includes(0)) return given;
  const { dtype } = given.type;
  const scalar: Type = { dtype, shape: [] };
  const flag: Type = { dtype: "bool", shape: [] };
  const axes = emit.ints([...given.type.shape.keys()]);
  const [least, most] = ["ReduceMin", "ReduceMax"].map((opType) =>
    emit.node(opType, [given, axes], scalar, { attributes: { keepdims: int(0) } }),
  ) as [Ref, Ref];
  const zero = emit.scalar(0, dtype);
  const end = reshapeTo(emit, castTo(emit, emit.dims([size]), dtype), []);
  const beyond = emit.node("Where", [emit.node("Less", [most, end], flag), zero, most], scalar);
  const wrong = emit.node("Where", [emit.node("Less", [least, zero], flag), least, beyond], scalar);
  const fine = emit.node("Gather", [emit.vector([0], dtype), wrong], scalar, {
    attributes: { axis: int(0) },
    requirement: requirement(r, r.attributes.axis),
  });
  return emit.node("Add", [given, fine], given.type);
}

export const lowerTakeAlongAxis: Rule<OpAttributes["takeAlongAxis"]> = (r) =>
  r.emit.node("GatherElements", [at(r.inputs, 0), checked(r)], r.type, {
    attributes: { axis: int(r.attributes.axis) },
  });

/** A scatter of sums, float16 in float32: the CPU has no kernel for it, and many terms want more digits. */
function addingUp(r: RuleInput<unknown>, scatter: (target: Ref, updates: Ref, type: Type) => Ref): Ref {
  const [target, updates] = [at(r.inputs, 0), at(r.inputs, 2)];
  if (r.type.dtype !== "float16") return scatter(target, updates, r.type);
  const wide = (x: Ref): Ref => castTo(r.emit, r.emit.materialize(x), "float32");
  return castTo(r.emit, scatter(wide(target), wide(updates), { ...r.type, dtype: "float32" }), "float16");
}

export const lowerScatterAdd: Rule<OpAttributes["scatterAdd"]> = (r) => {
  const given = indices(r);
  // Whole rows go by int64 `[…, 1]`.
  const rows = castTo(r.emit, reshapeTo(r.emit, given, [...given.type.shape, 1]), "int64");
  return addingUp(r, (target, updates, type) =>
    r.emit.node("ScatterND", [target, rows, updates], type, {
      attributes: { reduction: { text: "add" } },
      requirement: requirement(r, 0),
    }),
  );
};

export const lowerAddAlongAxis: Rule<OpAttributes["addAlongAxis"]> = (r) => {
  const given = indices(r);
  return addingUp(r, (target, updates, type) =>
    r.emit.node("ScatterElements", [target, given, updates], type, {
      attributes: { axis: int(r.attributes.axis), reduction: { text: "add" } },
      requirement: requirement(r, r.attributes.axis),
    }),
  );
};

/**
 * Sorted ends of `x` and where they come from. The kernel loses elements beside a NaN, which has no place in its order;
 * here a NaN sorts as +∞, the end that PyTorch gives it.
 */
export const lowerTopK: Rule<OpAttributes["topK"]> = (r) => {
  const { emit, type } = r;
  const { axis, k, largest } = r.attributes;
  const x = at(r.inputs, 0);
  const wide: Type = { dtype: "int64", shape: type.shape };
  const guarded = isFloat(type.dtype) && r.low.target.host;
  const keys = guarded
    ? emit.node(
        "Where",
        [emit.node("IsNaN", [x], { ...x.type, dtype: "bool" }), emit.scalar(Infinity, type.dtype), x],
        x.type,
      )
    : x;
  const [ends, indices] = emit.nodes("TopK", [keys, emit.ints([k])], [type, wide], {
    attributes: { axis: int(axis), largest: int(Number(largest)), sorted: int(1) },
  });
  if (ends === undefined || indices === undefined) throw new GraphError("TopK: outputs missing");
  const values = guarded
    ? emit.node("GatherElements", [x, indices], type, { attributes: { axis: int(axis) } })
    : ends;
  return [values, castTo(emit, indices, "int32")];
};

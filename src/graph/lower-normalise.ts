// Normalisation over the last axis, with the statistics that derivatives use.
import { GraphError } from "../errors.ts";
import type { Ref } from "./emitter.ts";
import { at, castTo, int, type Rule, type RuleInput } from "./lowering.ts";
import type { OpAttributes, Type } from "./value.ts";

type LayerNorm = OpAttributes["layerNorm"];
type RmsNorm = OpAttributes["rmsNorm"];

/** Type of `[…, 1]` statistics. */
function statisticOf(r: RuleInput<unknown>): Type {
  const type = r.value.outputs[1];
  if (type === undefined) throw new GraphError(`${r.value.op}: type missing`);
  return type;
}

/** Mean over the last axis, which stays. */
export function average(r: RuleInput<unknown>, x: Ref): Ref {
  return r.emit.node("ReduceMean", [x, r.emit.ints([-1])], statisticOf(r), {
    attributes: { keepdims: int(1) },
  });
}

/** `1 / √(square + ε)`. */
function inverseRoot(r: RuleInput<{ readonly epsilon: number }>, square: Ref): Ref {
  const type = statisticOf(r);
  const shifted = r.emit.node("Add", [square, r.emit.scalar(r.attributes.epsilon, type.dtype)], type);
  return r.emit.node("Div", [r.emit.scalar(1, type.dtype), r.emit.node("Sqrt", [shifted], type)], type);
}

/** `[y, mean, 1/σ]`; statistics only where something reads them. */
export const lowerLayerNorm: Rule<LayerNorm> = (r) => {
  if (r.type.dtype === "float64") return layerNormFloat64(r);
  const used = r.low.used.get(r.value) ?? new Set();
  // The operator keeps its statistics in float32.
  const statistic: Type = { dtype: "float32", shape: statisticOf(r).shape };
  const types = [r.type, used.has(1) ? statistic : null, used.has(2) ? statistic : null];
  const [y, ...rest] = r.emit.nodes("LayerNormalization", r.inputs, types, {
    attributes: { axis: int(-1), epsilon: { float: r.attributes.epsilon } },
  });
  if (y === undefined) throw new GraphError("LayerNormalization: output missing");
  return [y, ...rest.map((s) => (s.name === "" ? s : castTo(r.emit, s, r.type.dtype)))];
};

/** From arithmetic, since the operator would round statistics and ε to float32. */
function layerNormFloat64(r: RuleInput<LayerNorm>): Ref[] {
  const { emit, type } = r;
  const x = at(r.inputs, 0);
  const mean = average(r, x);
  const centred = emit.node("Sub", [x, mean], type);
  const inverse = inverseRoot(r, average(r, emit.node("Mul", [centred, centred], type)));
  const scaled = emit.node("Mul", [emit.node("Mul", [centred, inverse], type), at(r.inputs, 1)], type);
  return [emit.node("Add", [scaled, at(r.inputs, 2)], type), mean, inverse];
}

/** `[y, 1/rms]`. */
export const lowerRmsNorm: Rule<RmsNorm> = (r) => {
  const { emit, type } = r;
  const x = at(r.inputs, 0);
  const scale = at(r.inputs, 1);
  const { fused } = r.low.target;
  const used = r.low.used.get(r.value) ?? new Set();
  const right = !used.has(1) || fused.has("InverseRms");
  if (right && fused.has("SimplifiedLayerNormalization") && type.dtype === "float32") {
    const types = [type, used.has(1) ? statisticOf(r) : null];
    return emit.nodes("SimplifiedLayerNormalization", [x, scale], types, {
      attributes: { axis: int(-1), epsilon: { float: r.attributes.epsilon } },
    });
  }
  const inverse = inverseRoot(r, average(r, emit.node("Mul", [x, x], type)));
  return [emit.node("Mul", [emit.node("Mul", [x, inverse], type), scale], type), inverse];
};

/** `s − log Σ eˢ` with `s = x − max x`, for float64: a NaN or ∞ makes all of its row NaN, which the kernel forgets. */
export function lowerLogSoftmax(r: RuleInput<OpAttributes["logSoftmax"]>): Ref {
  const { emit, type } = r;
  const x = at(r.inputs, 0);
  const { axis } = r.attributes;
  const single: Type = { dtype: type.dtype, shape: type.shape.map((d, i) => (i === axis ? 1 : d)) };
  const over = (opType: string, y: Ref): Ref =>
    emit.node(opType, [y, emit.ints([axis])], single, { attributes: { keepdims: int(1) } });
  const s = emit.node("Sub", [x, over("ReduceMax", x)], type);
  const total = over("ReduceSum", emit.node("Exp", [s], type));
  return emit.node("Sub", [s, emit.node("Log", [total], single)], type);
}

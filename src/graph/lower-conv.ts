// Convolutions and pooling by the runtime's own operators. Its processor kernels are for float32: float16 passes through
// it, and float64 follows the definition in other ops, so that derivatives can be checked.
import type { Ref } from "./emitter.ts";
import { at, castTo, int, ints, type RuleInput } from "./lowering.ts";
import type { OnnxAttribute } from "./onnx.ts";
import type { Convolution, OpAttributes, Type, Windows } from "./value.ts";

type Input = RuleInput<OpAttributes["fused"]>;

/** Whether an operator can be asked: for floats of up to 32 bits, one or two axes, and something to look at. */
function suits({ inputs, type }: Input): boolean {
  const { shape } = at(inputs, 0).type;
  const float = type.dtype === "float32" || type.dtype === "float16";
  return float && shape.length <= 4 && inputs.every((x) => !x.type.shape.includes(0));
}

function windows({ kernel, strides, before, after, dilations }: Windows): Record<string, OnnxAttribute> {
  return {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    pads: ints([...before, ...after]),
    dilations: ints(dilations),
  };
}

/** One operator of the first `count` inputs (the definition may take more from outside), in float32. */
function single(r: Input, count: number, opType: string, attributes: Record<string, OnnxAttribute>): Ref {
  const type: Type = { dtype: "float32", shape: r.type.shape };
  const native = r.low.target.host ? "float32" : r.type.dtype;
  const inputs = r.inputs.slice(0, count).map((x) => castTo(r.emit, r.emit.materialize(x), native));
  return castTo(
    r.emit,
    r.emit.node(opType, inputs, { ...type, dtype: native }, { attributes }),
    r.type.dtype,
  );
}

export function lowerConvolve(r: Input, kernel: Convolution): Ref | undefined {
  if (!suits(r)) return undefined;
  return single(r, 2, "Conv", { ...windows(kernel), group: int(kernel.groups) });
}

export function lowerSpread(
  r: Input,
  kernel: Convolution & { readonly size: readonly number[] },
): Ref | undefined {
  if (!suits(r)) return undefined;
  const { strides, before, after, dilations, size } = kernel;
  const rest = size.map((n, i) => {
    const from = Number(at(r.inputs, 0).type.shape[i + 2]);
    const reach = (from - 1) * (strides[i] ?? 1) + ((kernel.kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
    return n - (reach - (before[i] ?? 0) - (after[i] ?? 0));
  });
  // The operator adds fewer than a stride at the end.
  if (rest.some((n, i) => n < 0 || n >= Math.max(strides[i] ?? 1, dilations[i] ?? 1))) return undefined;
  return single(r, 2, "ConvTranspose", {
    ...windows(kernel),
    group: int(kernel.groups),
    output_padding: ints(rest),
  });
}

export function lowerPool(
  r: Input,
  kernel: Windows & { readonly name: "maxPool" | "averagePool" },
): Ref | undefined {
  if (!suits(r)) return undefined;
  // Padding wider than a window is refused.
  const wide = [...kernel.before, ...kernel.after].some(
    (n, i) => n >= (kernel.kernel[i % kernel.kernel.length] ?? 1),
  );
  if (wide) return undefined;
  if (kernel.name === "maxPool") return single(r, 1, "MaxPool", windows(kernel));
  return single(r, 1, "AveragePool", { ...windows(kernel), count_include_pad: int(0) });
}

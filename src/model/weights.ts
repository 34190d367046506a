// Tensors as a family's files hold them, and as a model does: fused matrices cut and joined, transposed, gains shifted.
import { FileError } from "../errors.ts";
import { type Dtype, hostArray } from "../graph/dtype.ts";
import type { StoredTensor } from "../files/safetensors.ts";
import type { TensorToWrite } from "../files/safetensors-file.ts";
import { evaluate, flattenTree, type Tensor } from "../tensor/index.ts";
import type { CausalLMConfig } from "./config.ts";
import type { Family, Stored } from "./family.ts";

/** Where the tensor `name` of a model lies in files of `family`. */
export function storedAt(family: Family, name: string, config: CausalLMConfig): Stored {
  return family.stored?.(name, config) ?? { name };
}

/** The shape that a file has for a tensor of `shape`. */
export function storedShape({ part, turned }: Stored, shape: readonly number[]): number[] {
  const whole = part ? [part.of, ...shape.slice(1)] : [...shape];
  return turned ? whole.reverse() : whole;
}

/**
 * The numbers of a model's tensor out of what a file holds.
 * @throws FileError for another shape, with both.
 */
export function unpack(
  at: Stored,
  name: string,
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: Dtype },
  stored: StoredTensor,
  file: string,
): ReturnType<typeof hostArray> {
  const must = storedShape(at, shape);
  if (stored.shape.join() !== must.join()) {
    const here = at.name === name ? "" : ` (${name} here)`;
    throw new FileError(
      `model: "${at.name}"${here} must be [${must.join(", ")}] by config.json, got [${stored.shape.join(", ")}] in ${file}.`,
    );
  }
  const numbers = stored.data as ArrayLike<number>;
  if (!at.part && !at.turned && at.plus === undefined) {
    return stored.dtype === dtype ? stored.data : hostArray(numbers, dtype);
  }
  const [rows = 1, ...rest] = shape;
  const columns = rest.reduce((a, b) => a * b, 1);
  const { first, of } = at.part ?? { first: 0, of: rows };
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const from = at.turned && shape.length === 2 ? c * of + first + r : (first + r) * columns + c;
      out[r * columns + c] = (numbers[from] as number) + (at.plus ?? 0);
    }
  }
  return hostArray(out, dtype);
}

/** Types of weights that files are written in. */
export type WeightDtype = "float32" | "float16" | "bfloat16";

/** The tensors of a model as files of `family` hold them; tables of codes and the like keep their own type. */
export async function pack(
  family: Family,
  config: CausalLMConfig,
  params: unknown,
  dtype: WeightDtype = "float32",
): Promise<Map<string, TensorToWrite>> {
  const named = flattenTree(params);
  const ready = await evaluate(named.map(([, t]) => t));
  const places = new Map<string, { readonly at: Stored; readonly tensor: Tensor }[]>();
  ready.forEach((tensor, i) => {
    const at = storedAt(family, named[i]?.[0] ?? "", config);
    places.set(at.name, [...(places.get(at.name) ?? []), { at, tensor }]);
  });
  return new Map(
    [...places].map(([name, parts]) => {
      const [{ at, tensor } = { at: { name }, tensor: undefined }] = parts;
      const own = tensor?.dtype ?? "float32";
      return [
        name,
        {
          dtype: own === "float32" ? dtype : own,
          shape: storedShape(at, tensor?.shape.map(Number) ?? []),
          data: () => joined(parts, own === "float32" && dtype !== "bfloat16" ? dtype : own),
        },
      ];
    }),
  );
}

async function joined(
  parts: readonly { readonly at: Stored; readonly tensor: Tensor }[],
  dtype: Dtype,
): Promise<ReturnType<typeof hostArray>> {
  const [only] = parts;
  if (only && !only.at.part && !only.at.turned && only.at.plus === undefined) {
    const data = await only.tensor.data();
    return only.tensor.dtype === dtype ? data : hostArray(data as ArrayLike<number>, dtype);
  }
  const shape = only?.tensor.shape.map(Number) ?? [];
  const columns = shape.slice(1).reduce((a, b) => a * b, 1);
  const of = only?.at.part?.of ?? shape[0] ?? 1;
  const out = new Float64Array(of * columns);
  for (const { at, tensor } of parts) {
    const numbers = (await tensor.data()) as ArrayLike<number>;
    const first = at.part?.first ?? 0;
    for (let r = 0; r * columns < numbers.length; r++) {
      for (let c = 0; c < columns; c++) {
        const to = at.turned && shape.length === 2 ? c * of + first + r : (first + r) * columns + c;
        out[to] = (numbers[r * columns + c] as number) - (at.plus ?? 0);
      }
    }
  }
  return hostArray(out, dtype);
}

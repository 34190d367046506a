// Sizes with names: what they are in one call of a compiled function.
import { ShapeError } from "../errors.ts";
import { type Dim, dimTerms, evaluateDim } from "../graph/dim.ts";
import type { OnnxPort } from "../graph/onnx.ts";
import type { Tensor } from "./tensor.ts";
import { flattenTree } from "./tree.ts";

/** Sizes by name, from the arguments of a call and their tensors. */
export type SizeCheck = (args: readonly unknown[], tensors: readonly Tensor[]) => ReadonlyMap<string, number>;

/**
 * What has to hold between the sizes of arguments for `ports`, as a function that gives the sizes by name, and throws
 * ShapeError where one name stands for two.
 */
export function sizeCheck(ports: readonly OnnxPort[]): SizeCheck {
  // Where each name stands alone: the first such place tells its size.
  const sources = new Map<string, readonly [port: number, axis: number]>();
  const rest: (readonly [port: number, axis: number, dim: Dim])[] = [];
  ports.forEach(({ type }, port) =>
    type.shape.forEach((dim, axis) => {
      const alone = typeof dim === "string" && /^[^-+*]+$/.test(dim) && !sources.has(dim);
      if (alone) sources.set(dim, [port, axis]);
      else rest.push([port, axis, dim]);
    }),
  );
  const known = (dim: Dim): boolean =>
    typeof dim === "number" || dimTerms(dim).every(([, names]) => names.every((n) => sources.has(n)));
  const checks = rest.filter(([, , dim]) => known(dim));
  return (args, tensors) => {
    const sizes = new Map<string, number>();
    for (const [name, [port, axis]] of sources) sizes.set(name, Number(tensors[port]?.shape[axis]));
    const sizeOf = (dim: Dim): number =>
      typeof dim === "number" ? dim : (sizes.get(dim) ?? evaluateDim(dim, sizes));
    for (const [port, axis, dim] of checks) {
      if (sizeOf(dim) === tensors[port]?.shape[axis]) continue;
      const shown = (ports[port]?.type.shape ?? []).map((d) =>
        typeof d === "string" && known(d) ? `${d}=${sizeOf(d)}` : d,
      );
      const [name, x] = flattenTree(args)[port] ?? [];
      throw new ShapeError(
        `compile: argument ${name} must be [${shown.join(", ")}], got [${x?.shape.join(", ")}].`,
      );
    }
    return sizes;
  };
}

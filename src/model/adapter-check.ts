// What adapters from files of any kind are held to: the base that they were made for.
import type { Adapter } from "../adapt/index.ts";
import { FileError, nearest } from "../errors.ts";
import type { Tensor } from "../tensor/index.ts";

/** @throws FileError for a leaf that does not fit the base, or its other factor, with names and shapes of both. */
export function checkLeaf(
  name: string,
  leaf: Tensor,
  adapter: Adapter,
  base: ReadonlyMap<string, Tensor>,
  path: string,
): void {
  const shape = `[${leaf.shape.join(", ")}]`;
  const [, node, kind] = /^(.*)\.(lora_\w+)$/.exec(name) ?? [];
  const weight = base.get(node === undefined ? name : `${node}.weight`);
  if (node === undefined && weight === undefined && name === "lm_head.weight") return; // a head of its own beside a tied one
  if (weight === undefined) {
    const near = nearest(node === undefined ? name : `${node}.weight`, base.keys(), 1)[0];
    throw new FileError(
      `adapter: ${path} adapts "${node ?? name}" ${shape}, which the model has not.${near ? ` Nearest: "${near}" [${base.get(near)?.shape.join(", ")}].` : ""} Is it an adapter of another base?`,
    );
  }
  const [rows, columns] = weight.shape;
  const misfit = (must: string): never => {
    throw new FileError(
      `adapter: "${name}" in ${path} must be ${must} for a base of [${weight.shape.join(", ")}], got ${shape}. Is it an adapter of another base?`,
    );
  };
  if (node === undefined || kind === undefined) {
    if (leaf.shape.join() !== weight.shape.join()) misfit(`[${weight.shape.join(", ")}]`);
    return;
  }
  const table = kind.includes("embedding");
  if (kind.endsWith("_A")) {
    const width = table ? rows : columns;
    if (leaf.rank !== 2 || leaf.shape[1] !== width) misfit(`[r, ${width}]`);
    if (adapter[`${name.slice(0, -1)}B`] === undefined) {
      throw new FileError(`adapter: ${path} must hold both factors of ${node}, got ${kind} alone.`);
    }
  } else if (kind === "lora_magnitude") {
    if (leaf.rank !== 1 || leaf.shape[0] !== rows) misfit(`[${rows}]`);
  } else if (kind.endsWith("_B")) {
    const rank = adapter[`${name.slice(0, -1)}A`]?.shape[0];
    if (rank === undefined)
      throw new FileError(`adapter: ${path} must hold both factors of ${node}, got ${kind} alone.`);
    const width = table ? columns : rows;
    if (leaf.rank !== 2 || leaf.shape[0] !== width || leaf.shape[1] !== rank) misfit(`[${width}, ${rank}]`);
  }
}

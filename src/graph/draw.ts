// Random numbers of one run: drawn on the host from the keys among its inputs, so that one key gives the same bits on
// every device. Philox as operators of the graph gives the same bits too, in three times the time of the host.
import { evaluateDim, sizeOf } from "./dim.ts";
import type { Draw } from "./emitter.ts";
import type { OnnxGraph } from "./onnx.ts";
import { hostStorage } from "./storage.ts";
import type { Storage } from "./value.ts";

/** Draws of a program, and which of them its session takes. */
export interface Drawing {
  readonly draws: readonly Draw[];
  readonly wanted: ReadonlySet<string>;
}

/** The drawing of a built program. */
export function drawingOf({ inputs }: OnnxGraph, draws: readonly Draw[]): Drawing {
  const names = new Set(inputs.map((p) => p.name));
  return { draws, wanted: new Set(draws.map((d) => d.name).filter((name) => names.has(name))) };
}

/**
 * The random inputs of a run, by name.
 * @param given The other inputs by name. @param sizes Values of symbolic sizes.
 */
export async function drawInputs(
  { draws, wanted }: Drawing,
  given: ReadonlyMap<string, Storage>,
  sizes: ReadonlyMap<string, number> = new Map(),
): Promise<(readonly [string, Storage])[]> {
  const made = new Map<string, Storage>();
  for (const { name, type, key, sample } of draws) {
    const words = await (made.get(key) ?? given.get(key))?.read();
    if (words === undefined) throw new Error(`random: input ${key} missing`);
    const shape = type.shape.map((d) => evaluateDim(d, sizes));
    const elements = sample([Number(words[0]) >>> 0, Number(words[1]) >>> 0], Number(sizeOf(shape)));
    made.set(name, hostStorage(elements, type.dtype, shape));
  }
  return [...made].filter(([name]) => wanted.has(name));
}

// A whole program as one ONNX graph.
import { GraphError } from "../errors.ts";
import { type Draw, Emitter } from "./emitter.ts";
import { lower } from "./lower.ts";
import type { Lowering } from "./lowering.ts";
import type { OnnxGraph, OnnxPort } from "./onnx.ts";
import { requireKept } from "./storage.ts";
import type { Target } from "./target.ts";
import { attributesOf, reach, type Storage, typeOf, type Value } from "./value.ts";

/** A result by name. */
export type Named<T> = readonly [name: string, value: T];

/** How leaves with storage enter the graph: as inputs to feed, or as constants inside the model. */
export type LeafMode = "feed" | "embed";

export interface BuildOptions {
  readonly target: Target;
  readonly leaves: LeafMode;
  readonly name?: string;
  /** Names of leaves that become constants (default: numbered). */
  readonly leafNames?: ReadonlyMap<Storage, string>;
}

/** A graph, and the leaves that have to be fed to it, by input name. */
export interface Built {
  readonly graph: OnnxGraph;
  readonly fed: Named<Storage>[];
  /** Random numbers that have to be fed, or that others follow from (`drawInputs`). */
  readonly draws: readonly Draw[];
}

/** A value that needs no computing. */
export function isLeaf(v: Value): boolean {
  return v.storage !== undefined;
}

/** Lowers `outputs`; `inputs` are declared in their order, also those that nothing uses. */
export function buildGraph(
  outputs: readonly Named<Value>[],
  inputs: readonly Value[],
  { target, leaves, name = "athanor", leafNames }: BuildOptions,
): Built {
  const emit = new Emitter();
  const low: Lowering = {
    emit,
    target,
    done: new Map(),
    used: new Map(),
    made: [],
    lower: (roots) => lower(low, roots),
  };
  const fed: Named<Storage>[] = [];
  for (const input of inputs) {
    low.done.set(input, [emit.input(attributesOf(input, "input").name, typeOf(input))]);
  }
  const roots = outputs.map(([, v]) => v);
  for (const v of everyLeaf(roots)) {
    const { storage } = v;
    if (storage === undefined) continue;
    if (leaves === "embed") {
      requireKept(storage);
      if (storage.host === undefined) {
        throw new GraphError(
          "compile: a tensor on the device cannot become a constant. Read it first, or pass it as an argument.",
        );
      }
      low.done.set(v, [emit.initializer(storage.host, storage, leafNames?.get(storage))]);
    } else {
      const as = `leaf_${fed.length}`;
      fed.push([as, storage]);
      low.done.set(v, [emit.input(as, typeOf(v))]);
    }
  }
  const refs = lower(low, roots);
  const ports: OnnxPort[] = refs.map((ref) => {
    const full = emit.materialize(ref);
    return { name: full.name, type: full.type };
  });
  return {
    graph: emit.finish(
      name,
      ports,
      outputs.map(([label]) => label),
    ),
    fed,
    draws: emit.draws,
  };
}

/** Leaves reached from `roots`, those used only inside bodies included (bodies list them as inputs). */
function everyLeaf(roots: readonly Value[]): Value[] {
  return reach(roots, isLeaf).filter(isLeaf);
}

// A loop as ONNX `Scan`. What the body uses from outside is read from the outer scope by name, and what does not
// change from step to step is computed outside.
import { GraphError } from "../errors.ts";
import type { Ref } from "./emitter.ts";
import { lowerBody, type Lowering } from "./lowering.ts";
import { type OpAttributes, typeOf, type Value } from "./value.ts";

/** Final carries, stacked results, and stacked carries before each step (the last only where they are read). */
export function lowerScan(
  low: Lowering,
  value: Value,
  inputs: readonly Ref[],
  { body, carries, scanned, reverse, length }: OpAttributes["scan"],
): readonly Ref[] {
  const { emit } = low;
  // ONNX Runtime refuses a loop of no steps.
  if (length === 0) {
    return value.outputs.map((type, i) => inputs.slice(0, carries)[i] ?? emit.filled(0, type));
  }
  const parent = inputs.reduce((s, ref) => (ref.scope.depth > s.depth ? ref.scope : s), emit.root);
  const scope = emit.nest(parent);
  const parameters = body.parameters.map((p) => emit.parameter(scope, typeOf(p)));
  const results = lowerBody(low, body, parameters);
  const used = low.used.get(value) ?? new Set<number>();
  const kept = Array.from({ length: carries }, (_, i) => body.results.length + i).filter((i) => used.has(i));
  const before = kept.map((i) => parameters[i - body.results.length]).filter((p) => p !== undefined);
  const graph = emit.body(scope, parameters, [...results, ...before]);
  const count = results.length - carries + before.length;
  const types = [
    ...value.outputs.slice(0, body.results.length),
    ...kept.map((i) => value.outputs[i] ?? null),
  ];
  const outputs = emit.nodes("Scan", inputs.slice(0, carries + scanned), types, {
    within: parent,
    attributes: {
      body: { graph },
      num_scan_inputs: { int: scanned },
      scan_input_directions: { ints: Array.from({ length: scanned }, () => Number(reverse)) },
      scan_output_directions: { ints: Array.from({ length: count }, () => Number(reverse)) },
    },
  });
  const all: Ref[] = [];
  outputs.slice(0, body.results.length).forEach((ref, i) => {
    all[i] = ref;
  });
  kept.forEach((index, i) => {
    const ref = outputs[body.results.length + i];
    if (ref === undefined) throw new GraphError("scan: output missing");
    all[index] = ref;
  });
  return all;
}

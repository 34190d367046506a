// From a function to a model file that any ONNX runtime opens.
import { OptionError } from "../errors.ts";
import { buildGraph, isLeaf } from "../graph/build.ts";
import type { Shape } from "../graph/dim.ts";
import {
  encodeModel,
  type ExternalData,
  externalChunks,
  type OnnxGraph,
  planExternalData,
} from "../graph/onnx.ts";
import { hostStorage, type Settable } from "../graph/storage.ts";
import { type Fused, portableWith, targetOf } from "../graph/target.ts";
import { reach, type Storage, type Value } from "../graph/value.ts";
import { evaluateValues } from "../graph/evaluate.ts";
import type { ModelFile } from "../runtime/device.ts";
import { Tensor } from "./tensor.ts";
import { flattenTree, mapTree } from "./tree.ts";

/** Options of `exportOnnx`. */
export interface ExportOptions {
  /**
   * Sizes that may differ from run to run: the shape of input leaf `name` (`"0.ids"` for `ids` of the first argument,
   * `"0"` for an argument that is a tensor itself) with names in place of numbers, or `undefined` to keep it fixed.
   */
  readonly symbolic?: (name: string, shape: Shape) => Shape | undefined;
  /** Standard operators only, which every runtime knows (default); `false`: ONNX Runtime's fused ones where they help. */
  readonly portable?: boolean;
  /** Operators of ONNX Runtime's own that a portable file may use all the same, because its readers have them. */
  readonly allowed?: readonly Fused[];
  /** Names of the inputs, one per tensor of the arguments; default their names in the tree, or `input_0`, … */
  readonly inputNames?: readonly string[];
  /** Names of the outputs, one per tensor of the result; default their names in the tree, or `output_0`, … */
  readonly outputNames?: readonly string[];
  /** A tree of tensors that `fn` uses; constants of the model take the names they have in it. */
  readonly weights?: unknown;
  /** Name of the file beside the model that weights of 1 KB or more go to (default: all in the model). */
  readonly dataFile?: string;
}

/** A protobuf message may not be longer. */
const LONGEST_MODEL = 2 ** 31 - 1;

/** Names of leaves: given ones, else those in the tree where they have one, else `kind_0`, `kind_1`, … */
function namesOf(
  kind: "input" | "output",
  tree: readonly (readonly [string, Tensor])[],
  given: readonly string[] | undefined,
): readonly string[] {
  if (given !== undefined && given.length !== tree.length) {
    throw new OptionError(
      `exportOnnx: ${kind}Names must hold ${tree.length} names, got ${given.length} (${given.join(", ")}).`,
    );
  }
  const names = given ?? tree.map(([name], i) => (name === "" ? `${kind}_${i}` : name));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new OptionError(`exportOnnx: ${kind} name must be unique, got "${twice}" twice.`);
  return names;
}

/** Leaf names of arguments without the argument's number where they stay different. */
function argumentNames(args: readonly unknown[]): (readonly [string, Tensor])[] {
  const full = flattenTree(args);
  const short = full.map(([name]) => name.replace(/^\d+\.?/, ""));
  return full.map(([, t], i) => {
    const name = short[i] ?? "";
    return [short.indexOf(name) === short.lastIndexOf(name) ? name : "", t];
  });
}

/**
 * `fn` as an ONNX model. Tensors that `fn` uses from outside, its weights, become constants of the model.
 * @param fn From trees of tensors and plain values to a tree of tensors.
 * @param args Examples: their types, and what is no tensor, are fixed in the model.
 * @returns The bytes of the model, and its weights when `dataFile` is given.
 * @throws OptionError for names that do not fit, or a model of 2 GB or more without `dataFile`.
 * @example
 * const { bytes } = await exportOnnx((ids: Tensor) => causalLM(config, params, ids).logits, [ids], {
 *   symbolic: () => ["batch", "time"], outputNames: ["logits"],
 * });
 */
export async function exportOnnx<A extends readonly unknown[]>(
  fn: (...args: A) => unknown,
  args: A,
  { symbolic, portable = true, allowed = [], inputNames, outputNames, weights, dataFile }: ExportOptions = {},
): Promise<ModelFile> {
  const named = flattenTree(weights);
  await evaluateValues(named.map(([, t]) => t));
  const names = namesOf("input", argumentNames(args), inputNames);
  const inputs: Tensor[] = [];
  const placeholders = mapTree(args, (t, name) => {
    const type = { dtype: t.dtype, shape: symbolic?.(name, t.shape) ?? t.shape };
    const input = new Tensor("input", [], { name: names[inputs.length] ?? "" }, [type]);
    inputs.push(input);
    return input;
  }) as unknown as A;
  const results = flattenTree(fn(...placeholders));
  const labels = namesOf("output", results, outputNames);
  const clash = labels.find((label) => names.includes(label));
  if (clash !== undefined)
    throw new OptionError(`exportOnnx: "${clash}" must name an input or an output, got both.`);
  await bringToHost(results.map(([, t]) => t));
  const outputs = results.map(([, t], i) => [labels[i] ?? "", t] as const);
  const { graph, draws } = buildGraph(outputs, inputs, {
    target: portable ? portableWith(allowed) : targetOf("cpu"),
    leaves: "embed",
    leafNames: new Map(named.map(([name, t]) => [t.storage as Storage, name])),
  });
  if (draws.length > 0) {
    throw new OptionError(
      `exportOnnx: fn must not draw random numbers, got ${draws.length} draws from a traced key. Take the numbers as an argument.`,
    );
  }
  return modelOf(graph, dataFile);
}

/** Makes the storage that `roots` reach ready to become constants. */
async function bringToHost(roots: readonly Value[]): Promise<void> {
  for (const v of reach(roots, isLeaf)) {
    const { storage } = v;
    if (storage === undefined || storage.host !== undefined) continue;
    const data = await storage.read();
    (v as Value & Settable).storage = hostStorage(data, storage.dtype, storage.shape);
  }
}

function modelOf(graph: OnnxGraph, dataFile: string | undefined): ModelFile {
  const size = graph.initializers.reduce((sum, t) => sum + t.data.byteLength, 0);
  if (dataFile === undefined) {
    if (size >= LONGEST_MODEL) {
      throw new OptionError(
        `exportOnnx: weights in the model must take less than 2 GB, got ${(size / 2 ** 30).toFixed(1)} GB. Give dataFile.`,
      );
    }
    return { bytes: encodeModel(graph) };
  }
  const external: ExternalData = planExternalData(graph, dataFile);
  const { location, byteLength } = external;
  return {
    bytes: encodeModel(graph, external),
    external: { location, byteLength, chunks: () => externalChunks(external) },
  };
}

// Grows an ONNX graph node by node: names, scopes for loop bodies, shared subexpressions, constants.
import { GraphError } from "../errors.ts";
import { type Dim, dimTerms, type Shape } from "./dim.ts";
import { type Dtype, type HostArray, hostArray, roundTo } from "./dtype.ts";
import { encode, encodeNumber } from "./encode.ts";
import { MARK } from "./explain.ts";
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxPort, OnnxTensor } from "./onnx.ts";
import type { Type } from "./value.ts";

/** Constants up to this many bytes are shared when equal. */
const SHARED_BYTES = 4096;

/** A graph under construction; loop bodies nest. */
export interface Scope {
  readonly parent: Scope | undefined;
  readonly depth: number;
  readonly nodes: OnnxNode[];
  /** Node by its text, so that equal nodes are emitted once. */
  readonly known: Map<string, Ref[]>;
}

/** A value in the graph, and what is known about it. */
export interface Ref {
  readonly name: string;
  readonly type: Type;
  readonly scope: Scope;
  /** The elements of a constant tensor. */
  readonly data?: HostArray;
  /** All elements equal this number. */
  readonly splat?: number;
  /** The places `[start, end)` of one axis of another value, where it is just those. */
  readonly part?: { readonly of: Ref; readonly axis: number; readonly start: Dim; readonly end: Dim };
  /** The node that made it, for rules that look through it. */
  readonly from?: {
    readonly opType: string;
    readonly inputs: readonly Ref[];
    readonly attributes: OnnxNode["attributes"];
  };
}

/** Options of a node beyond its inputs. */
export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly domain?: string;
  /** What a value of the user's has to be for this node not to fail: the sentence that they are told, up to the value. */
  readonly requirement?: string;
  /** Where the node must stand, if deeper than its inputs (a loop whose body reads from a loop around it). */
  readonly within?: Scope;
}

function newScope(parent: Scope | undefined): Scope {
  return { parent, depth: parent === undefined ? 0 : parent.depth + 1, nodes: [], known: new Map() };
}

/** The deepest of the scopes, where a node that uses all of them has to stand. */
function deepest(refs: readonly Ref[], root: Scope): Scope {
  let scope = root;
  for (const ref of refs) if (ref.scope.depth > scope.depth) scope = ref.scope;
  return scope;
}

export class Emitter {
  readonly root: Scope = newScope(undefined);
  readonly initializers: OnnxTensor[] = [];
  readonly inputs: OnnxPort[] = [];
  private readonly constants = new Map<string, Ref>();
  /** Where a symbolic dimension can be read: input and axis. */
  private readonly symbols = new Map<string, { ref: Ref; axis: number }>();
  private count = 0;

  private fresh(hint: string): string {
    return `${hint}_${this.count++}`;
  }

  /** A scope inside `parent`, for a loop body. */
  nest(parent: Scope): Scope {
    return newScope(parent);
  }

  /** An input of the graph; its symbolic sizes can be read from here on. */
  input(name: string, type: Type): Ref {
    this.inputs.push({ name, type });
    const ref: Ref = { name, type, scope: this.root };
    this.readDims(ref);
    return ref;
  }

  private readDims(ref: Ref): void {
    ref.type.shape.forEach((dim, axis) => {
      if (typeof dim === "string" && !this.symbols.has(dim)) this.symbols.set(dim, { ref, axis });
    });
  }

  /** A parameter of a loop body. */
  parameter(scope: Scope, type: Type): Ref {
    return { name: this.fresh("parameter"), type, scope };
  }

  /** A constant tensor kept in the model; small ones without a name of their own are shared when equal. */
  initializer(data: HostArray, type: { dtype: Dtype; shape: readonly number[] }, name?: string): Ref {
    if (name !== undefined || data.byteLength > SHARED_BYTES) return this.keep(data, type, name);
    const key = `${type.dtype} [${type.shape.join()}] ${new Uint8Array(data.buffer, data.byteOffset, data.byteLength).join()}`;
    const ref = this.constants.get(key) ?? this.keep(data, type, name);
    this.constants.set(key, ref);
    return ref;
  }

  private keep(data: HostArray, type: { dtype: Dtype; shape: readonly number[] }, name?: string): Ref {
    const as = name ?? this.fresh("constant");
    this.initializers.push({ name: as, dtype: type.dtype, shape: type.shape, data });
    return { name: as, type, scope: this.root, data };
  }

  /** A scalar constant, shared. */
  scalar(value: number, dtype: Dtype): Ref {
    const number = roundTo(value, dtype);
    const key = `${dtype} ${encodeNumber(number)}`;
    const known = this.constants.get(key);
    if (known) return known;
    const ref = { ...this.initializer(hostArray([number], dtype), { dtype, shape: [] }), splat: number };
    this.constants.set(key, ref);
    return ref;
  }

  /** An int64 vector constant, shared; what ONNX takes for shapes, axes and bounds. */
  ints(values: readonly number[]): Ref {
    return this.vector(values, "int64");
  }

  /** A vector constant, shared. */
  vector(values: readonly number[], dtype: Dtype): Ref {
    const key = `${dtype} [${values.map(encodeNumber).join()}]`;
    const known = this.constants.get(key);
    if (known) return known;
    const ref = this.initializer(hostArray(values, dtype), { dtype, shape: [values.length] });
    this.constants.set(key, ref);
    return ref;
  }

  /** Sizes as an int64 vector, computed at run time where they are symbolic. */
  dims(shape: Shape): Ref {
    if (shape.every((d) => typeof d === "number")) return this.ints(shape as number[]);
    const parts = shape.map((d) => (typeof d === "number" ? this.ints([d]) : this.symbolic(d)));
    return this.node(
      "Concat",
      parts,
      { dtype: "int64", shape: [shape.length] },
      { attributes: { axis: { int: 0 } } },
    );
  }

  /** A symbolic size as an int64 vector of one element. */
  private symbolic(dim: Dim): Ref {
    const one: Type = { dtype: "int64", shape: [1] };
    const read = (name: string): Ref => {
      const at = this.symbols.get(name);
      if (at === undefined) {
        throw new GraphError(`dimension ${name} stands in no input. Give an input with this size.`);
      }
      return this.node("Shape", [at.ref], one, {
        attributes: { start: { int: at.axis }, end: { int: at.axis + 1 } },
      });
    };
    if (typeof dim === "string" && this.symbols.has(dim)) return read(dim);
    const terms = dimTerms(dim)
      .filter(([c]) => c !== 0)
      .map(([c, names]) =>
        names
          .map(read)
          .reduce(
            (a: Ref | undefined, b) => (a ? this.node("Mul", [a, b], one) : b),
            c === 1 && names.length > 0 ? undefined : this.ints([c]),
          ),
      );
    const [first, ...rest] = terms.filter((t) => t !== undefined);
    if (first === undefined) return this.ints([0]);
    return rest.reduce((a, b) => this.node("Add", [a, b], one), first);
  }

  /** A node with one output. */
  node(opType: string, inputs: readonly (Ref | null)[], type: Type, options: NodeOptions = {}): Ref {
    const [ref] = this.nodes(opType, inputs, [type], options);
    if (ref === undefined) throw new GraphError(`${opType}: no output`);
    return ref;
  }

  /**
   * A node with several outputs; `null` types leave an optional output out, `null` inputs an optional input.
   * Equal nodes are emitted once, each in the outermost scope that has its inputs.
   */
  nodes(
    opType: string,
    inputs: readonly (Ref | null)[],
    types: readonly (Type | null)[],
    { attributes = {}, domain = "", requirement, within = this.root }: NodeOptions = {},
  ): Ref[] {
    const refs = inputs.map((ref) => (ref === null ? null : this.materialize(ref)));
    const present = refs.filter((r) => r !== null);
    const scope = deepest(present, within);
    const names = refs.map((r) => r?.name ?? "");
    const hasGraph = Object.values(attributes).some((a) => "graph" in a);
    const key = hasGraph
      ? undefined
      : encode(opType, [domain, opType, names, attributes, types.map((t) => t !== null)]);
    if (key !== undefined) {
      for (let s: Scope | undefined = scope; s !== undefined; s = s.parent) {
        const known = s.known.get(key);
        if (known) return known;
      }
    }
    const outputs = types.map((type): Ref | null =>
      type === null
        ? null
        : { name: this.fresh(opType), type, scope, from: { opType, inputs: present, attributes } },
    );
    while (outputs.at(-1) === null) outputs.pop();
    scope.nodes.push({
      ...(requirement !== undefined && { name: `${requirement}${MARK}${this.count}` }),
      opType,
      domain,
      inputs: names,
      outputs: outputs.map((o) => o?.name ?? ""),
      attributes,
    });
    const result = outputs.map(
      (o, i) => o ?? { name: "", type: types[i] ?? { dtype: "float32", shape: [] }, scope },
    );
    if (key !== undefined) scope.known.set(key, result);
    return result;
  }

  /** A tensor of one repeated number, written out only where something needs it. */
  filled(value: number, type: Type): Ref {
    return type.shape.length === 0
      ? this.scalar(value, type.dtype)
      : { name: "", type, scope: this.root, splat: roundTo(value, type.dtype) };
  }

  /** `ref` with a name: a repeated number becomes an `Expand`. */
  materialize(ref: Ref): Ref {
    if (ref.name !== "" || ref.splat === undefined) return ref;
    const { dtype, shape } = ref.type;
    const full = this.node("Expand", [this.scalar(ref.splat, dtype), this.dims(shape)], ref.type);
    return { ...full, splat: ref.splat };
  }

  /**
   * The finished graph, without nodes that no output needs. Outputs get the names `labels`: the node that makes a
   * value is renamed; inputs, constants and values that leave under two names are copied by `Identity`.
   */
  finish(name: string, outputs: readonly OnnxPort[], labels: readonly string[]): OnnxGraph {
    if (new Set(labels).size !== labels.length) throw new GraphError("two outputs have one name.");
    const made = new Set(this.root.nodes.flatMap((n) => n.outputs));
    const rename = new Map<string, string>();
    const copies: OnnxNode[] = [];
    outputs.forEach((port, i) => {
      const label = labels[i] ?? port.name;
      if (made.has(port.name) && !rename.has(port.name)) rename.set(port.name, label);
      else
        copies.push({
          opType: "Identity",
          domain: "",
          inputs: [port.name],
          outputs: [label],
          attributes: {},
        });
    });
    const nodes = renameValues([...this.root.nodes, ...copies], rename);
    const live = liveNodes(nodes, labels);
    const used = new Set<string>();
    collectInputs(live, used);
    return {
      name,
      nodes: live,
      initializers: this.initializers.filter((t) => used.has(t.name)),
      inputs: this.inputs,
      outputs: outputs.map(({ type }, i) => ({ name: labels[i] ?? "", type })),
    };
  }

  /** The graph of a loop body. */
  body(scope: Scope, parameters: readonly Ref[], outputs: readonly Ref[]): OnnxGraph {
    const named = outputs.map((ref) => {
      const full = this.materialize(ref);
      // A body may not hand a value through unchanged, nor return the same value twice.
      const name = this.fresh("result");
      scope.nodes.push({
        opType: "Identity",
        domain: "",
        inputs: [full.name],
        outputs: [name],
        attributes: {},
      });
      return { name, type: ref.type };
    });
    return {
      name: this.fresh("body"),
      nodes: liveNodes(
        scope.nodes,
        named.map((o) => o.name),
      ),
      initializers: [],
      inputs: parameters.map(({ name, type }) => ({ name, type })),
      outputs: named,
    };
  }
}

/** `nodes` with values renamed, inside bodies too. */
function renameValues(nodes: readonly OnnxNode[], names: ReadonlyMap<string, string>): OnnxNode[] {
  const to = (name: string): string => names.get(name) ?? name;
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(to),
    outputs: node.outputs.map(to),
    attributes: Object.fromEntries(
      Object.entries(node.attributes).map(([key, a]) => [
        key,
        "graph" in a ? { graph: { ...a.graph, nodes: renameValues(a.graph.nodes, names) } } : a,
      ]),
    ),
  }));
}

/** Nodes that `names` need, in their order. */
function liveNodes(nodes: readonly OnnxNode[], names: Iterable<string>): OnnxNode[] {
  const needed = new Set<string>(names);
  const live: OnnxNode[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (node === undefined || !node.outputs.some((o) => needed.has(o))) continue;
    live.push(node);
    collectInputs([node], needed);
  }
  return live.reverse();
}

/** Names that nodes read, those read inside bodies included. */
function collectInputs(nodes: readonly OnnxNode[], into: Set<string>): void {
  for (const node of nodes) {
    for (const name of node.inputs) into.add(name);
    for (const a of Object.values(node.attributes)) {
      if (!("graph" in a)) continue;
      collectInputs(a.graph.nodes, into);
      for (const o of a.graph.outputs) into.add(o.name);
    }
  }
}

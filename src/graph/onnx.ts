// The ONNX file format, as far as we write it: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
import { PbfWriter } from "pbf";
import type { Dim } from "./dim.ts";
import { DTYPES, type Dtype, type HostArray } from "./dtype.ts";
import { freeArray } from "./storage.ts";
import type { Type } from "./value.ts";

/** Value of a node's attribute. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly graph: OnnxGraph };

export interface OnnxNode {
  /** By which the runtime speaks of the node; default: its first output. */
  readonly name?: string;
  readonly opType: string;
  /** `""` for standard operators, else e.g. `"com.microsoft"`. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A named constant inside the model. */
export interface OnnxTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: HostArray;
}

export interface OnnxPort {
  readonly name: string;
  readonly type: Type;
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
}

/** A file of weights beside the model: where each large initializer begins. */
export interface ExternalData {
  /** File name, relative to the model. */
  readonly location: string;
  /** Tensors in the order of their bytes, each aligned to 64. */
  readonly tensors: { readonly tensor: OnnxTensor; readonly offset: number }[];
  readonly byteLength: number;
}

/** Standard operator set of every model written here, and the file version that goes with it. */
export const OPSET = 21;
const IR_VERSION = 10;
const ALIGNMENT = 64;
const EXTERNAL_FROM_BYTES = 1024;

function bytesOf(data: HostArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Lays out the initializers of `graph` that are large enough for a file of their own. */
export function planExternalData(graph: OnnxGraph, location: string): ExternalData {
  const tensors: ExternalData["tensors"] = [];
  let offset = 0;
  for (const tensor of graph.initializers) {
    if (tensor.data.byteLength < EXTERNAL_FROM_BYTES) continue;
    tensors.push({ tensor, offset });
    offset = Math.ceil((offset + tensor.data.byteLength) / ALIGNMENT) * ALIGNMENT;
  }
  return { location, tensors, byteLength: offset };
}

/**
 * The bytes of an external data file, in order.
 * @param handOver The memory of each array is freed when it was taken for the last time.
 */
export function* externalChunks(external: ExternalData, handOver = false): Generator<Uint8Array> {
  let at = 0;
  const last = new Map(external.tensors.map(({ tensor }) => [tensor.data.buffer, tensor]));
  for (const { tensor, offset } of external.tensors) {
    if (offset > at) yield new Uint8Array(offset - at);
    const { buffer, byteLength } = tensor.data;
    yield bytesOf(tensor.data);
    at = offset + byteLength;
    if (handOver && last.get(buffer) === tensor) freeArray(tensor.data);
  }
  if (external.byteLength > at) yield new Uint8Array(external.byteLength - at);
}

const utf8 = new TextEncoder();

/** A string field. `pbf`'s own writes characters from U+20000 on as others. */
function writeText(pbf: PbfWriter, field: number, text: string): void {
  pbf.writeBytesField(field, utf8.encode(text));
}

/** A `ModelProto`: version, operator sets, producer, graph. */
export function encodeModel(graph: OnnxGraph, external?: ExternalData): Uint8Array {
  const pbf = new PbfWriter();
  const offsets = new Map(external?.tensors.map(({ tensor, offset }) => [tensor.name, offset]));
  const domains = new Set<string>();
  collectDomains(graph, domains);
  pbf.writeVarintField(1, IR_VERSION);
  writeText(pbf, 2, "athanor");
  pbf.writeMessage(7, (g, w) => writeGraph(g, w, external?.location, offsets), graph);
  pbf.writeMessage(8, writeOpset, { domain: "", version: OPSET });
  for (const domain of domains) pbf.writeMessage(8, writeOpset, { domain, version: 1 });
  return pbf.finish();
}

function collectDomains(graph: OnnxGraph, into: Set<string>): void {
  for (const node of graph.nodes) {
    if (node.domain !== "") into.add(node.domain);
    for (const a of Object.values(node.attributes)) if ("graph" in a) collectDomains(a.graph, into);
  }
}

function writeOpset(o: { domain: string; version: number }, pbf: PbfWriter): void {
  if (o.domain !== "") writeText(pbf, 1, o.domain);
  pbf.writeVarintField(2, o.version);
}

function writeGraph(
  g: OnnxGraph,
  pbf: PbfWriter,
  location: string | undefined,
  offsets: Map<string, number>,
): void {
  for (const node of g.nodes) pbf.writeMessage(1, writeNode, node);
  writeText(pbf, 2, g.name);
  for (const t of g.initializers) {
    pbf.writeMessage(5, (x, w) => writeTensor(x, w, location, offsets.get(x.name)), t);
  }
  for (const port of g.inputs) pbf.writeMessage(11, writePort, port);
  for (const port of g.outputs) pbf.writeMessage(12, writePort, port);
}

function writeNode(node: OnnxNode, pbf: PbfWriter): void {
  for (const name of node.inputs) writeText(pbf, 1, name);
  for (const name of node.outputs) writeText(pbf, 2, name);
  writeText(pbf, 3, node.name ?? node.outputs[0] ?? "");
  writeText(pbf, 4, node.opType);
  for (const [name, value] of Object.entries(node.attributes)) {
    pbf.writeMessage(5, writeAttribute, { name, value });
  }
  if (node.domain !== "") writeText(pbf, 7, node.domain);
}

function writeAttribute({ name, value }: { name: string; value: OnnxAttribute }, pbf: PbfWriter): void {
  writeText(pbf, 1, name);
  if ("float" in value) {
    pbf.writeFloatField(2, value.float);
    pbf.writeVarintField(20, 1);
  } else if ("int" in value) {
    pbf.writeVarintField(3, value.int);
    pbf.writeVarintField(20, 2);
  } else if ("text" in value) {
    writeText(pbf, 4, value.text);
    pbf.writeVarintField(20, 3);
  } else if ("graph" in value) {
    pbf.writeMessage(6, (g, w) => writeGraph(g, w, undefined, new Map()), value.graph);
    pbf.writeVarintField(20, 5);
  } else {
    for (const i of value.ints) pbf.writeVarintField(8, i);
    pbf.writeVarintField(20, 7);
  }
}

function writeTensor(
  t: OnnxTensor,
  pbf: PbfWriter,
  location: string | undefined,
  offset: number | undefined,
): void {
  for (const d of t.shape) pbf.writeVarintField(1, d);
  pbf.writeVarintField(2, DTYPES[t.dtype].code);
  writeText(pbf, 8, t.name);
  if (location === undefined || offset === undefined) {
    pbf.writeBytesField(9, bytesOf(t.data));
    return;
  }
  const entries = { location, offset: String(offset), length: String(t.data.byteLength) };
  for (const [key, value] of Object.entries(entries)) {
    pbf.writeMessage(13, writeEntry, { key, value });
  }
  pbf.writeVarintField(14, 1);
}

function writeEntry(e: { key: string; value: string }, pbf: PbfWriter): void {
  writeText(pbf, 1, e.key);
  writeText(pbf, 2, e.value);
}

function writePort({ name, type }: OnnxPort, pbf: PbfWriter): void {
  writeText(pbf, 1, name);
  pbf.writeMessage(2, writeType, type);
}

function writeType(type: Type, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeTensorType, type);
}

function writeTensorType(type: Type, pbf: PbfWriter): void {
  pbf.writeVarintField(1, DTYPES[type.dtype].code);
  pbf.writeMessage(2, writeShape, type.shape);
}

function writeShape(shape: readonly Dim[], pbf: PbfWriter): void {
  for (const dim of shape) pbf.writeMessage(1, writeDim, dim);
}

function writeDim(dim: Dim, pbf: PbfWriter): void {
  if (typeof dim === "number") pbf.writeVarintField(1, dim);
  else writeText(pbf, 2, dim);
}

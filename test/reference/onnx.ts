// An ONNX file read back by the protocol buffer rules alone: a field is a key (number · 8 + wire type), then a
// varint, 8 bytes, a length with that many bytes, or 4 bytes. Field numbers are those of onnx.proto.

type Field = { number: number; value: number | bigint | Uint8Array };

function* fields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("varint ends early");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >> 3;
    if ((key & 7) === 0) yield { number, value: BigInt.asIntN(64, varint()) };
    else if ((key & 7) === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error("field ends early");
      yield { number, value: bytes.subarray(at, at + length) };
      at += length;
    } else if ((key & 7) === 5) {
      yield { number, value: view.getFloat32(at, true) };
      at += 4;
    } else throw new Error(`wire type ${key & 7}`);
  }
}

const text = (value: Field["value"]): string => new TextDecoder().decode(value as Uint8Array);
const of = (all: Field[], number: number): Field["value"][] =>
  all.filter((f) => f.number === number).map((f) => f.value);
const parts = (value: Field["value"]): Field[] => [...fields(value as Uint8Array)];

export interface ReadTensor {
  name: string;
  code: number;
  shape: number[];
  bytes: Uint8Array;
  external: Record<string, string>;
}

export interface ReadNode {
  opType: string;
  domain: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, number | string | number[] | ReadGraph>;
}

export interface ReadPort {
  name: string;
  code: number;
  shape: (number | string)[];
}

export interface ReadGraph {
  name: string;
  nodes: ReadNode[];
  initializers: ReadTensor[];
  inputs: ReadPort[];
  outputs: ReadPort[];
}

export interface ReadModel {
  irVersion: number;
  producer: string;
  opsets: Record<string, number>;
  graph: ReadGraph;
}

function readTensor(bytes: Uint8Array): ReadTensor {
  const all = parts(bytes);
  return {
    name: text(of(all, 8)[0] ?? new Uint8Array()),
    code: Number(of(all, 2)[0]),
    shape: of(all, 1).flatMap(integers),
    bytes: (of(all, 9)[0] as Uint8Array | undefined) ?? new Uint8Array(),
    external: Object.fromEntries(
      of(all, 13).map((e) => {
        const entry = parts(e);
        return [text(of(entry, 1)[0] ?? new Uint8Array()), text(of(entry, 2)[0] ?? new Uint8Array())];
      }),
    ),
  };
}

/** One integer, or a packed list of them. */
function integers(value: Field["value"]): number[] {
  if (!(value instanceof Uint8Array)) return [Number(value)];
  const out: number[] = [];
  let current = 0n;
  let shift = 0n;
  for (const byte of value) {
    current |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte >= 128) continue;
    out.push(Number(BigInt.asIntN(64, current)));
    current = 0n;
    shift = 0n;
  }
  return out;
}

function readAttribute(bytes: Uint8Array): [string, ReadNode["attributes"][string]] {
  const all = parts(bytes);
  const name = text(of(all, 1)[0] ?? new Uint8Array());
  const type = Number(of(all, 20)[0]);
  if (type === 1) return [name, Number(of(all, 2)[0])];
  if (type === 2) return [name, Number(of(all, 3)[0])];
  if (type === 3) return [name, text(of(all, 4)[0] ?? new Uint8Array())];
  if (type === 5) return [name, readGraph(of(all, 6)[0] as Uint8Array)];
  if (type === 7) return [name, of(all, 8).flatMap(integers)];
  throw new Error(`attribute type ${type}`);
}

function readNode(bytes: Uint8Array): ReadNode {
  const all = parts(bytes);
  return {
    opType: text(of(all, 4)[0] ?? new Uint8Array()),
    domain: text(of(all, 7)[0] ?? new Uint8Array()),
    inputs: of(all, 1).map(text),
    outputs: of(all, 2).map(text),
    attributes: Object.fromEntries(of(all, 5).map((a) => readAttribute(a as Uint8Array))),
  };
}

function readPort(bytes: Uint8Array): ReadPort {
  const all = parts(bytes);
  const type = parts(of(parts(of(all, 2)[0] ?? new Uint8Array()), 1)[0] ?? new Uint8Array());
  return {
    name: text(of(all, 1)[0] ?? new Uint8Array()),
    code: Number(of(type, 1)[0]),
    shape: of(parts(of(type, 2)[0] ?? new Uint8Array()), 1).map((d) => {
      const dim = parts(d);
      const value = of(dim, 1)[0];
      return value === undefined ? text(of(dim, 2)[0] ?? new Uint8Array()) : Number(value);
    }),
  };
}

function readGraph(bytes: Uint8Array): ReadGraph {
  const all = parts(bytes);
  return {
    name: text(of(all, 2)[0] ?? new Uint8Array()),
    nodes: of(all, 1).map((n) => readNode(n as Uint8Array)),
    initializers: of(all, 5).map((t) => readTensor(t as Uint8Array)),
    inputs: of(all, 11).map((p) => readPort(p as Uint8Array)),
    outputs: of(all, 12).map((p) => readPort(p as Uint8Array)),
  };
}

/** Reads a `ModelProto`. */
export function readModel(bytes: Uint8Array): ReadModel {
  const all = parts(bytes);
  return {
    irVersion: Number(of(all, 1)[0]),
    producer: text(of(all, 2)[0] ?? new Uint8Array()),
    opsets: Object.fromEntries(
      of(all, 8).map((o) => {
        const entry = parts(o);
        return [text(of(entry, 1)[0] ?? new Uint8Array()), Number(of(entry, 2)[0])];
      }),
    ),
    graph: readGraph(of(all, 7)[0] as Uint8Array),
  };
}

/** How often each op stands in a graph, loop bodies included. */
export function countOps(graph: ReadGraph, into: Record<string, number> = {}): Record<string, number> {
  for (const node of graph.nodes) {
    into[node.opType] = (into[node.opType] ?? 0) + 1;
    for (const a of Object.values(node.attributes)) {
      if (typeof a === "object" && !Array.isArray(a)) countOps(a, into);
    }
  }
  return into;
}

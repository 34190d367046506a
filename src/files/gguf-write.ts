// GGUF version 3, written: everything before the tensors at once, then the tensors one by one.
import { OptionError } from "../errors.ts";
import { hostArray } from "../graph/dtype.ts";
import { GGUF_ALIGNMENT, GGUF_MAGIC } from "./gguf.ts";
import { GGUF_TYPES, GGUF_VALUES, type GgufType } from "./gguf-types.ts";

/** A value of metadata with the type that it has in the file. */
export type GgufWrite =
  | { readonly type: "uint32" | "int32" | "float32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "int32s" | "float32s"; readonly value: readonly number[] };

/** A tensor to be written; `data` is called when its turn comes. */
export interface GgufTensor {
  readonly name: string;
  /** Slowest axis first. */
  readonly shape: readonly number[];
  readonly type: "F32" | "F16" | "Q8_0";
  readonly data: () => Float32Array | Promise<Float32Array>;
}

const text = new TextEncoder();
const codeOf = (name: string): number => GGUF_VALUES.findIndex((v) => v.name === name);

/** Bytes that grow. */
function writer(): {
  u32(n: number): void;
  u64(n: number): void;
  put(type: "int32" | "float32" | "bool", n: number): void;
  string(s: string): void;
  done(): Uint8Array<ArrayBuffer>;
} {
  let bytes = new Uint8Array(1 << 8);
  let view = new DataView(bytes.buffer);
  let at = 0;
  const room = (n: number): number => {
    if (at + n > bytes.length) {
      const more = new Uint8Array(Math.max(2 * bytes.length, at + n));
      more.set(bytes);
      bytes = more;
      view = new DataView(bytes.buffer);
    }
    at += n;
    return at - n;
  };
  // `room` may replace the view: it comes first.
  const number = (width: number, set: (view: DataView, at: number) => void): void => {
    const place = room(width);
    set(view, place);
  };
  const u64 = (n: number): void => number(8, (v, to) => v.setBigUint64(to, BigInt(n), true));
  return {
    u32: (n) => number(4, (v, to) => v.setUint32(to, n, true)),
    u64,
    put(type, n) {
      if (type === "bool") number(1, (v, to) => v.setUint8(to, n));
      else if (type === "int32") number(4, (v, to) => v.setInt32(to, n, true));
      else number(4, (v, to) => v.setFloat32(to, n, true));
    },
    string(s) {
      const own = text.encode(s);
      u64(own.length);
      const place = room(own.length);
      bytes.set(own, place);
    },
    done: () => bytes.slice(0, at),
  };
}

function typeOf(name: GgufTensor["type"]): readonly [number: number, type: GgufType] {
  for (const [number, type] of GGUF_TYPES) if (type.name === name) return [number, type];
  throw new Error(`unreachable: ${name}`);
}

const aligned = (n: number): number => Math.ceil(n / GGUF_ALIGNMENT) * GGUF_ALIGNMENT;

function writeValue(w: ReturnType<typeof writer>, { type, value }: GgufWrite): void {
  switch (type) {
    case "uint32":
      w.u32(codeOf(type));
      return w.u32(value);
    case "int32":
    case "float32":
      w.u32(codeOf(type));
      return w.put(type, value);
    case "bool":
      w.u32(codeOf(type));
      return w.put(type, Number(value));
    case "string":
      w.u32(codeOf(type));
      return w.string(value);
    case "strings":
      w.u32(codeOf("array"));
      w.u32(codeOf("string"));
      w.u64(value.length);
      for (const s of value) w.string(s);
      return;
    default: {
      const one = type === "int32s" ? "int32" : "float32";
      w.u32(codeOf("array"));
      w.u32(codeOf(one));
      w.u64(value.length);
      for (const n of value) w.put(one, n);
    }
  }
}

/** The file of `tensors`, piece by piece. @throws OptionError for rows that a type cannot hold. */
export async function* ggufChunks(
  metadata: ReadonlyMap<string, GgufWrite>,
  tensors: readonly GgufTensor[],
): AsyncGenerator<Uint8Array> {
  const w = writer();
  w.u32(GGUF_MAGIC);
  w.u32(3);
  w.u64(tensors.length);
  w.u64(metadata.size);
  for (const [key, value] of metadata) {
    w.string(key);
    writeValue(w, value);
  }
  let offset = 0;
  for (const { name, shape, type: kind } of tensors) {
    const [number, type] = typeOf(kind);
    if ((shape.at(-1) ?? 0) % type.block !== 0) {
      throw new OptionError(
        `gguf: rows of "${name}" must be a multiple of ${type.block} numbers for ${kind}, got ${shape.at(-1)}.`,
      );
    }
    w.string(name);
    w.u32(shape.length);
    for (const n of shape.toReversed()) w.u64(n);
    w.u32(number);
    w.u64(offset);
    offset = aligned(offset + (shape.reduce((a, b) => a * b, 1) / type.block) * type.bytes);
  }
  yield padded(w.done());
  for (const { data, type } of tensors) yield padded(bytesOf(await data(), type));
}

/** `bytes` up to the next multiple of the alignment. */
function padded(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const length = aligned(bytes.length);
  if (length === bytes.length) return bytes;
  const out = new Uint8Array(length);
  out.set(bytes);
  return out;
}

function bytesOf(data: Float32Array, type: GgufTensor["type"]): Uint8Array<ArrayBuffer> {
  return type === "Q8_0" ? quantised(data) : stored(data, type === "F32" ? "float32" : "float16");
}

function stored(data: Float32Array, dtype: "float32" | "float16"): Uint8Array<ArrayBuffer> {
  const own = hostArray(data, dtype);
  return new Uint8Array(own.buffer as ArrayBuffer, own.byteOffset, own.byteLength);
}

/** Blocks of 32 as llama.cpp makes them: `d = max |x| / 127`, codes the nearest to `x / d`, halves away from zero. */
function quantised(data: Float32Array): Uint8Array<ArrayBuffer> {
  const blocks = data.length / 32;
  const out = new Uint8Array(blocks * 34);
  const codes = new Int8Array(out.buffer);
  const scales = new Float32Array(blocks);
  for (let b = 0; b < blocks; b++) {
    let most = 0;
    for (let i = 32 * b; i < 32 * b + 32; i++) most = Math.max(most, Math.abs(data[i] as number));
    const d = Math.fround(most / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    scales[b] = d;
    for (let i = 0; i < 32; i++) {
      const x = Math.fround((data[32 * b + i] as number) * inverse);
      codes[34 * b + 2 + i] = Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
    }
  }
  const halves = stored(scales, "float16");
  for (let b = 0; b < blocks; b++) out.set(halves.subarray(2 * b, 2 * b + 2), 34 * b);
  return out;
}

// The GGUF format, versions 2 and 3: counts, metadata, a table of tensors, then their bytes, all little-endian.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
// Everything here works on bytes and runs anywhere; files are in gguf-file.ts.
import { FileError } from "../errors.ts";
import { GGUF_TYPES, GGUF_VALUES, type GgufEntry, type GgufHeader, type GgufValue } from "./gguf-types.ts";

/** "GGUF" */
export const GGUF_MAGIC = 0x46554747;
/** Tensors begin at multiples of this, unless `general.alignment` says otherwise. */
export const GGUF_ALIGNMENT = 32;
/** Arrays in arrays deeper than this are no metadata. */
const DEEPEST = 8;
/** Names of the format are at most this many bytes. */
const LONGEST_KEY = 65_535;
/** Axes of a tensor. */
const MOST_AXES = 4;

/** Whether a file begins as GGUF files do. */
export function isGguf(start: Uint8Array): boolean {
  return start.length >= 4 && new DataView(start.buffer, start.byteOffset).getUint32(0, true) === GGUF_MAGIC;
}

/** A file that breaks the format. */
function bad(file: string, what: string): FileError {
  return new FileError(`gguf: ${file} ${what} Fetch or convert it again.`);
}

/** Thrown where the header goes on behind the bytes that were given, which are not the whole file. */
const MORE = Symbol("more");

/** Reads one value after the other. */
interface Cursor {
  readonly file: string;
  /** Size of the whole file. */
  readonly fileBytes: number;
  at(): number;
  /** The place of the next `n` bytes. @throws FileError where the file ends before. */
  take(n: number, what: string): number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

function cursorOf(bytes: Uint8Array, fileBytes: number, file: string): Cursor {
  let at = 0;
  return {
    file,
    fileBytes,
    at: () => at,
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    take(n, what) {
      if (n > fileBytes - at) {
        throw bad(file, `must end with its last tensor, got an end at byte ${fileBytes} inside ${what}.`);
      }
      if (n > bytes.length - at) throw MORE;
      at += n;
      return at - n;
    },
  };
}

/** A length or count of 64 bits. @param least Bytes that one of what is counted takes at least. */
function countOf(c: Cursor, what: string, least: number): number {
  const count = c.view.getBigUint64(c.take(8, what), true);
  const room = c.fileBytes - c.at();
  if (count * BigInt(least) > BigInt(room)) {
    throw bad(c.file, `must have ${what} that fits the ${room} bytes behind it, got ${count}.`);
  }
  return Number(count);
}

const text = new TextDecoder();
const strict = new TextDecoder("utf-8", { fatal: true });

function textOf(c: Cursor, what: string): string {
  const length = countOf(c, `a length of ${what}`, 1);
  const at = c.take(length, what);
  return text.decode(c.bytes.subarray(at, at + length));
}

/** A name, which must be text. */
function nameOf(c: Cursor, what: string): string {
  const length = countOf(c, `a length of ${what}`, 1);
  if (length === 0 || length > LONGEST_KEY) {
    throw bad(c.file, `must have ${what} of 1 to ${LONGEST_KEY} bytes, got ${length}.`);
  }
  const at = c.take(length, what);
  try {
    return strict.decode(c.bytes.subarray(at, at + length));
  } catch {
    throw bad(c.file, `must have ${what} in UTF-8, got other bytes.`);
  }
}

function whole(x: bigint): number | bigint {
  return x >= BigInt(Number.MIN_SAFE_INTEGER) && x <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(x) : x;
}

/** Numbers of each type, at a place. */
const NUMBERS: Readonly<Record<string, (view: DataView, at: number) => number | bigint>> = {
  uint8: (v, at) => v.getUint8(at),
  int8: (v, at) => v.getInt8(at),
  uint16: (v, at) => v.getUint16(at, true),
  int16: (v, at) => v.getInt16(at, true),
  uint32: (v, at) => v.getUint32(at, true),
  int32: (v, at) => v.getInt32(at, true),
  float32: (v, at) => v.getFloat32(at, true),
  float64: (v, at) => v.getFloat64(at, true),
  uint64: (v, at) => whole(v.getBigUint64(at, true)),
  int64: (v, at) => whole(v.getBigInt64(at, true)),
};

/** One value of a type. @param key What it belongs to, for errors. */
function valueOf(c: Cursor, type: number, key: string, depth: number): GgufValue {
  const kind = GGUF_VALUES[type];
  if (kind === undefined) throw unknownType(c.file, key, type);
  if (kind.name === "string") return textOf(c, key);
  if (kind.name === "array") return listOf(c, key, depth);
  const at = c.take(kind.bytes, key);
  const number = NUMBERS[kind.name];
  if (number !== undefined) return number(c.view, at);
  const byte = c.view.getUint8(at);
  if (byte > 1) throw bad(c.file, `must have 0 or 1 as ${key}, got ${byte}.`);
  return byte === 1;
}

function listOf(c: Cursor, key: string, depth: number): GgufValue[] {
  if (depth >= DEEPEST) throw bad(c.file, `must have arrays ${DEEPEST} deep at most, got more in ${key}.`);
  const type = c.view.getUint32(c.take(4, key), true);
  const kind = GGUF_VALUES[type];
  if (kind === undefined) throw unknownType(c.file, `elements of ${key}`, type);
  // A text takes the 8 bytes of its length, an array 12.
  const least = kind.bytes || (kind.name === "string" ? 8 : 12);
  const count = countOf(c, `a count of elements of ${key}`, least);
  const values: GgufValue[] = [];
  for (let i = 0; i < count; i++) values.push(valueOf(c, type, key, depth + 1));
  return values;
}

function unknownType(file: string, what: string, type: number): FileError {
  return bad(file, `must have a type from 0 to ${GGUF_VALUES.length - 1} for ${what}, got ${type}.`);
}

/**
 * Reads and checks everything before the tensors.
 * @param bytes The beginning of the file. @param fileBytes Size of the whole file. @param file Its name, for errors.
 * @returns Nothing where more bytes are needed.
 * @throws FileError that names the field at fault.
 */
export function parseGguf(bytes: Uint8Array, fileBytes: number, file: string): GgufHeader | undefined {
  try {
    return headerOf(cursorOf(bytes, fileBytes, file));
  } catch (error) {
    if (error === MORE) return undefined;
    throw error;
  }
}

function headerOf(c: Cursor): GgufHeader {
  const { file } = c;
  const magic = c.view.getUint32(c.take(4, "its first bytes"), true);
  if (magic !== GGUF_MAGIC) {
    throw new FileError(`gguf: ${file} must begin with "GGUF", got other bytes. Is it a GGUF file?`);
  }
  const version = c.view.getUint32(c.take(4, "its version"), true);
  if (version !== 2 && version !== 3) {
    const big = version > 0 && version % 0x1000000 === 0;
    throw new FileError(
      `gguf: ${file} must be version 2 or 3 in little-endian order, got ${big ? "big-endian order" : `version ${version}`}. Convert the model again.`,
    );
  }
  const tensors = countOf(c, "a count of tensors", 24);
  const keys = countOf(c, "a count of metadata", 13);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keys; i++) {
    const key = nameOf(c, `key ${i} of its metadata`);
    if (metadata.has(key)) throw bad(file, `must have each key once, got ${key} twice.`);
    metadata.set(key, valueOf(c, c.view.getUint32(c.take(4, key), true), key, 0));
  }
  const alignment = metadata.get("general.alignment") ?? GGUF_ALIGNMENT;
  if (typeof alignment !== "number" || alignment < 8 || alignment > 1 << 20 || !isPowerOfTwo(alignment)) {
    throw bad(
      file,
      `must have a power of two from 8 to 2^20 as general.alignment, got ${String(alignment)}.`,
    );
  }
  const table = Array.from({ length: tensors }, (_, i) => tensorOf(c, i));
  const up = (at: number): number => Math.ceil(at / alignment) * alignment;
  const start = up(c.at());
  const entries = new Map<string, GgufEntry>();
  let end = 0; // of the tensors so far, from the first
  for (const { name, offset, ...tensor } of table) {
    if (entries.has(name)) throw bad(file, `must have each tensor once, got "${name}" twice.`);
    if (offset !== BigInt(end)) {
      throw bad(
        file,
        `must have tensor "${name}" at offset ${end}, behind the one before it, got ${offset}.`,
      );
    }
    const begin = start + end;
    if (begin + tensor.byteLength > c.fileBytes) {
      throw bad(
        file,
        `is truncated: tensor "${name}" ends at byte ${begin + tensor.byteLength}, the file at ${c.fileBytes}.`,
      );
    }
    entries.set(name, { ...tensor, begin });
    end = up(end + tensor.byteLength);
  }
  return { version, metadata, entries };
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(n) && (n & (n - 1)) === 0;
}

/** Row `i` of the table of tensors. */
function tensorOf(c: Cursor, i: number): Omit<GgufEntry, "begin"> & { name: string; offset: bigint } {
  const { file } = c;
  const name = nameOf(c, `a name of tensor ${i}`);
  const where = `the shape of tensor "${name}"`;
  const axes = c.view.getUint32(c.take(4, where), true);
  if (axes < 1 || axes > MOST_AXES) {
    throw bad(file, `must have 1 to ${MOST_AXES} axes for tensor "${name}", got ${axes}.`);
  }
  const sizes = Array.from({ length: axes }, () => c.view.getBigUint64(c.take(8, where), true));
  const number = c.view.getUint32(c.take(4, `the type of tensor "${name}"`), true);
  const type = GGUF_TYPES.get(number);
  if (type === undefined) {
    const known = [...GGUF_TYPES.values()].map((t) => t.name).join(", ");
    throw new FileError(
      `gguf: ${file}: tensor "${name}" must be of a type that is known (${known}), got type ${number}.`,
    );
  }
  const offset = c.view.getBigUint64(c.take(8, `the offset of tensor "${name}"`), true);
  const count = sizes.reduce((a, b) => a * b, 1n);
  const [row = 0n] = sizes;
  if (row % BigInt(type.block) !== 0n) {
    throw bad(
      file,
      `must have rows of whole blocks of ${type.block} in tensor "${name}" of ${type.name}, got ${row}.`,
    );
  }
  const length = (count / BigInt(type.block)) * BigInt(type.bytes);
  if (length > BigInt(c.fileBytes)) {
    throw bad(
      file,
      `is truncated: tensor "${name}" of ${type.name} [${sizes.toReversed().join(", ")}] takes ${length} bytes, the file has ${c.fileBytes}.`,
    );
  }
  return { name, type, shape: sizes.map(Number).reverse(), byteLength: Number(length), offset };
}

// The safetensors format: eight bytes of header length (little-endian), a JSON header, then the tensors' bytes.
// https://github.com/huggingface/safetensors#format
// Everything here works on bytes and runs anywhere; files are in node/safetensors.ts.
import { FileError, nearest, OptionError } from "../errors.ts";
import { DTYPES, type Dtype, type HostArray, roundBfloat16, widenBfloat16 } from "../graph/dtype.ts";

/** Element types of the format and their widths in bytes; those without `as` can be listed but not read. */
const STORED: Readonly<Record<string, { readonly bytes: number; readonly as?: Dtype }>> = {
  F64: { bytes: 8, as: "float64" },
  F32: { bytes: 4, as: "float32" },
  F16: { bytes: 2, as: "float16" },
  BF16: { bytes: 2, as: "float32" },
  I64: { bytes: 8, as: "int64" },
  I32: { bytes: 4, as: "int32" },
  U8: { bytes: 1, as: "uint8" },
  BOOL: { bytes: 1, as: "bool" },
  I16: { bytes: 2 },
  I8: { bytes: 1 },
  U16: { bytes: 2 },
  U32: { bytes: 4 },
  U64: { bytes: 8 },
  F8_E4M3: { bytes: 1 },
  F8_E5M2: { bytes: 1 },
};

/** What a file may be written in: the types of tensors, and float32 rounded to its upper half. */
export type WrittenDtype = Dtype | "bfloat16";

const NAMES: Readonly<Record<WrittenDtype, string>> = {
  bfloat16: "BF16",
  float64: "F64",
  float32: "F32",
  float16: "F16",
  int64: "I64",
  int32: "I32",
  uint8: "U8",
  bool: "BOOL",
};

/** Headers longer than this are refused, as by the reference implementation. */
export const LONGEST_HEADER = 100_000_000;
const PREFIX = 8;

/** A tensor on the host. `BF16` is handed over as float32. */
export interface StoredTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: HostArray;
}

/** Where one tensor lies. */
export interface StoredEntry {
  /** Name of the element type in the file, such as `BF16`. */
  readonly stored: string;
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly begin: number;
  readonly byteLength: number;
}

/** What a file holds. */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the order of their bytes. */
  readonly entries: ReadonlyMap<string, StoredEntry>;
}

/** A file that breaks the format. */
function bad(file: string, what: string): FileError {
  return new FileError(`safetensors: ${file} ${what} Fetch or save it again.`);
}

/**
 * Length of the header, from the first eight bytes of a file of `fileBytes` bytes.
 * @throws FileError when the file cannot hold it.
 */
export function headerLength(prefix: Uint8Array, fileBytes: number, file: string): number {
  if (prefix.length < PREFIX) throw bad(file, `must hold at least ${PREFIX} bytes, got ${fileBytes}.`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX);
  const length = Number(view.getBigUint64(0, true));
  if (length > LONGEST_HEADER) {
    throw bad(file, `must have a header of at most ${LONGEST_HEADER} bytes, got a length of ${length}.`);
  }
  if (PREFIX + length > fileBytes) {
    throw bad(file, `is truncated: its header ends at byte ${PREFIX + length}, the file at ${fileBytes}.`);
  }
  return length;
}

/**
 * Reads and checks a header: types known, sizes equal to element width times shape, and the tensors' bytes filling
 * the file without holes or overlaps.
 * @param json The header's bytes. @param fileBytes Size of the whole file. @param file Its name, for errors.
 * @throws FileError that names the file, the tensor and both numbers.
 */
export function parseHeader(json: Uint8Array, fileBytes: number, file: string): SafetensorsHeader {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch (error) {
    throw new FileError(
      `safetensors: ${file} must start with a JSON header, got ${json.length} bytes that are none. Is it a safetensors file?`,
      { cause: error },
    );
  }
  if (!isRecord(header)) throw bad(file, "must have a JSON object as header, got another value.");
  const start = PREFIX + json.length;
  const metadata: Record<string, string> = {};
  const entries: [string, StoredEntry][] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") {
      if (value === null) continue; // mlx writes so where there is none
      if (!isRecord(value)) throw bad(file, "must have an object as __metadata__, got another value.");
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== "string")
          throw bad(file, `must have text as metadata "${key}", got ${typeof text}.`);
        metadata[key] = text;
      }
    } else entries.push([name, parseEntry(name, value, start, fileBytes, file)]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.byteLength - b.byteLength);
  let end = start;
  for (const [name, entry] of entries) {
    if (entry.begin !== end) {
      const wrong = entry.begin < end ? "overlaps the tensor before it" : "leaves a hole before it";
      throw bad(file, `has a tensor "${name}" that ${wrong}: it starts at byte ${entry.begin}, not ${end}.`);
    }
    end += entry.byteLength;
  }
  if (end !== fileBytes) {
    throw bad(file, `must end with its last tensor at byte ${end}, but the file has ${fileBytes} bytes.`);
  }
  return { metadata, entries: new Map(entries) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseEntry(
  name: string,
  value: unknown,
  start: number,
  fileBytes: number,
  file: string,
): StoredEntry {
  const where = `has a tensor "${name}"`;
  if (!isRecord(value)) throw bad(file, `${where} that is no object.`);
  const { dtype, shape, data_offsets: offsets } = value;
  const info = typeof dtype === "string" && Object.hasOwn(STORED, dtype) ? STORED[dtype] : undefined;
  if (typeof dtype !== "string" || info === undefined) {
    const known = Object.keys(STORED).join(", ");
    throw bad(file, `${where} whose dtype must be one of ${known}, got ${JSON.stringify(dtype)}.`);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw bad(file, `${where} whose shape must be whole numbers ≥ 0, got ${JSON.stringify(shape)}.`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw bad(file, `${where} whose data_offsets must be two whole numbers, got ${JSON.stringify(offsets)}.`);
  }
  const [begin = 0, end = 0] = offsets;
  const needed = shape.reduce((a, b) => a * b, info.bytes);
  if (end - begin !== needed) {
    throw bad(
      file,
      `${where} of type ${dtype} and shape [${shape.join(", ")}] that needs ${needed} bytes, got ${end - begin}.`,
    );
  }
  if (start + end > fileBytes) {
    throw bad(file, `is truncated: tensor "${name}" ends at byte ${start + end}, the file at ${fileBytes}.`);
  }
  return { stored: dtype, shape, begin: start + begin, byteLength: end - begin };
}

/** The entry called `name`. @throws FileError with the nearest names and how many there are. */
export function findEntry(header: SafetensorsHeader, name: string, file: string): StoredEntry {
  const entry = header.entries.get(name);
  if (entry !== undefined) return entry;
  const near = nearest(name, header.entries.keys());
  const hint = near.length > 0 ? ` Nearest: ${near.join(", ")}.` : "";
  throw new FileError(
    `safetensors: ${file} must hold a tensor "${name}", got ${header.entries.size} others.${hint}`,
  );
}

/**
 * A tensor from its bytes, without copying when they start at a multiple of the element width. Little-endian
 * hosts only, which is every host that Node and browsers run on.
 */
export function decodeTensor(
  entry: StoredEntry,
  bytes: Uint8Array,
  name: string,
  file: string,
): StoredTensor {
  const dtype = STORED[entry.stored]?.as;
  if (dtype === undefined) {
    const readable = Object.keys(STORED).filter((k) => STORED[k]?.as !== undefined);
    throw new FileError(
      `safetensors: tensor "${name}" in ${file} must be ${readable.join(", ")} to be read, got ${entry.stored}.`,
    );
  }
  if (entry.stored === "BF16")
    return { dtype, shape: entry.shape, data: bfloat16ToFloat32(aligned(bytes, 2)) };
  const { array, bytes: width } = DTYPES[dtype];
  const own = aligned(bytes, width);
  const View = array as new (buffer: ArrayBufferLike, offset: number, length: number) => HostArray;
  return { dtype, shape: entry.shape, data: new View(own.buffer, own.byteOffset, own.length / width) };
}

function aligned(bytes: Uint8Array, width: number): Uint8Array {
  return bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
}

/** bfloat16 is the upper half of a float32: shifted up, its value is kept exactly. */
export function bfloat16ToFloat32(bytes: Uint8Array): Float32Array {
  return widenBfloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2));
}

/** A safetensors file in memory, checked; `read` gives views into `bytes` where alignment allows. */
export function parseSafetensors(
  bytes: Uint8Array,
  file = "bytes",
): SafetensorsHeader & { read(name: string): StoredTensor } {
  const length = headerLength(bytes.subarray(0, PREFIX), bytes.length, file);
  const header = parseHeader(bytes.subarray(PREFIX, PREFIX + length), bytes.length, file);
  return {
    ...header,
    read: (name) => {
      const entry = findEntry(header, name, file);
      return decodeTensor(entry, bytes.subarray(entry.begin, entry.begin + entry.byteLength), name, file);
    },
  };
}

/** Type and shape of a tensor to be written; numbers for `bfloat16` are given as float32. */
export interface TensorSpec {
  readonly dtype: WrittenDtype;
  readonly shape: readonly number[];
}

/** Bytes of one element. */
const widthOf = (dtype: WrittenDtype): number => (dtype === "bfloat16" ? 2 : DTYPES[dtype].bytes);

/** The start of a file and the order in which the tensors' bytes follow. */
export interface SafetensorsPlan {
  /** Length prefix and padded header. */
  readonly head: Uint8Array;
  /** Names, widest elements first so that every tensor is aligned. */
  readonly order: readonly string[];
  /** Size of the whole file. */
  readonly byteLength: number;
}

/** Lays out a file. @throws OptionError for a name that the format reserves. */
export function planSafetensors(
  tensors: ReadonlyMap<string, TensorSpec>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsPlan {
  const width = ([, t]: readonly [string, TensorSpec]): number => widthOf(t.dtype);
  const order = [...tensors].sort((a, b) => width(b) - width(a));
  // A list of members keeps the order of the bytes even for names that look like numbers.
  const members = Object.keys(metadata).length > 0 ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  let at = 0;
  for (const [name, { dtype, shape }] of order) {
    if (name === "__metadata__") throw new OptionError(`safetensors: a tensor cannot be called "${name}".`);
    const end = at + shape.reduce((a, b) => a * b, widthOf(dtype));
    const entry = { dtype: NAMES[dtype], shape, data_offsets: [at, end] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    at = end;
  }
  const json = new TextEncoder().encode(`{${members.join(",")}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(PREFIX + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, PREFIX);
  return { head, order: order.map(([name]) => name), byteLength: head.length + at };
}

/**
 * The bytes of a tensor as they stand in a file, copied for `bfloat16` only.
 * @throws OptionError when they do not fit `spec`.
 */
export function tensorBytes(name: string, spec: TensorSpec, given: HostArray): Uint8Array {
  const data = spec.dtype === "bfloat16" ? roundBfloat16(given as ArrayLike<number>) : given;
  const needed = spec.shape.reduce((a, b) => a * b, widthOf(spec.dtype));
  if (data.byteLength !== needed) {
    throw new OptionError(
      `safetensors: tensor "${name}" of shape [${spec.shape.join(", ")}] must have ${needed} bytes, got ${data.byteLength}.`,
    );
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

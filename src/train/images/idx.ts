// Files of the MNIST family: a magic number, sizes, bytes. http://yann.lecun.com/exdb/mnist/
import { FileError } from "../../errors.ts";

/** Bytes of one shape. */
export interface Idx {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Elements that one file may have: 2³¹ bytes. */
const MOST = 2 ** 31;

/**
 * Reads an idx file of unsigned bytes.
 * @param name For errors. @throws FileError for another magic number, element type or length.
 */
export function readIdx(bytes: Uint8Array, name: string): Idx {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (must: string, got: string): never => {
    throw new FileError(`images: ${name} must ${must}, got ${got}.`);
  };
  if (bytes.length < 4 || view.getUint16(0) !== 0) refuse("begin with 00 00 as idx files do", start(bytes));
  const [type = 0, rank = 0] = [bytes[2], bytes[3]];
  if (type !== 8) refuse("hold unsigned bytes (type 08)", `type ${type.toString(16).padStart(2, "0")}`);
  if (rank === 0 || bytes.length < 4 + 4 * rank) refuse("say its sizes", `${bytes.length} bytes`);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((a, b) => a * b, 1);
  const data = bytes.subarray(4 + 4 * rank);
  if (size > MOST) refuse(`have at most ${MOST} elements`, `[${shape.join(", ")}]`);
  if (data.length !== size) refuse(`hold ${size} bytes for [${shape.join(", ")}]`, String(data.length));
  return { shape, data };
}

function start(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  return [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
}

/** The bytes of a file, unpacked where it is a gzip. @throws FileError for a broken one. */
export async function unpacked(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    throw new FileError(`images: ${name} must be a whole gzip file, got one that breaks off.`, { cause });
  }
}

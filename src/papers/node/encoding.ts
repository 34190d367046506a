// In which encoding a file of records is: by its mark, by what its head declares, or by its bytes.
import { isUtf8 } from "node:buffer";

/** How to read a file's bytes. */
export interface Decoding {
  /** A label that `TextDecoder` knows. */
  readonly encoding: string;
  /**
   * Whether the bytes are not all of that encoding: what could not be read stands as U+FFFD, and whoever reads
   * records must refuse those that have one.
   */
  readonly damaged: boolean;
}

/** What bytes a file has, seen in one walk. */
interface Census {
  readonly high: number;
  /** High bytes beside another one: in Western texts accented letters stand alone. */
  readonly beside: number;
  /** Bytes that Windows-1252 does not use. */
  readonly unused: number;
}

/** Decides from a file's bytes; `bytes` begins at the first one each time it is called. @throws what reading throws. */
export async function decodingOf(bytes: () => AsyncIterable<Uint8Array>): Promise<Decoding> {
  const head = await headOf(bytes());
  const marked = markedEncoding(head) ?? evenZeros(head);
  if (marked !== undefined) return { encoding: marked, damaged: false };
  if (await allUtf8(bytes())) return { encoding: "utf-8", damaged: false };
  const declared = declaredEncoding(head);
  if (declared !== undefined && declared !== "utf-8") return { encoding: declared, damaged: false };
  const { high, beside, unused } = await census(bytes());
  const western = declared === undefined && unused === 0 && beside < 0.3 * high;
  return western ? { encoding: "windows-1252", damaged: false } : { encoding: "utf-8", damaged: true };
}

const headSize = 4096;

async function headOf(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const chunk of bytes) if (chunk.length > 0) return chunk.subarray(0, headSize);
  return new Uint8Array();
}

function markedEncoding([a, b]: Uint8Array): string | undefined {
  if (a === 0xff && b === 0xfe) return "utf-16le";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  return undefined;
}

/** UTF-16 without a mark: of Western text every other byte is zero, which no other encoding of text has. */
function evenZeros(head: Uint8Array): string | undefined {
  const zeros = [0, 0];
  for (const [i, byte] of head.entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (even + odd < 0.2 * head.length) return undefined;
  return odd > even ? "utf-16le" : "utf-16be";
}

/** Names that bibliographies and TeX give encodings, where `TextDecoder` has another. */
const names: Readonly<Record<string, string>> = {
  ansinew: "windows-1252",
  applemac: "macintosh",
  cp1252: "windows-1252",
  cp936: "gbk",
  cp1251: "windows-1251",
  latin9: "iso-8859-15",
  utf8x: "utf-8",
};

/** What JabRef (`% Encoding: …`), TeX editors and Emacs write into the first lines. */
function declaredEncoding(head: Uint8Array): string | undefined {
  const text = new TextDecoder("latin1").decode(head);
  const name =
    /^%+\s*encoding\s*[:=]\s*([\w-]+)/im.exec(text)?.[1] ??
    /^%+\s*!tex\s+encoding\s*=\s*([\w-]+)/im.exec(text)?.[1] ??
    /-\*-.*?\bcoding\s*:\s*([\w-]+).*?-\*-/i.exec(text)?.[1] ??
    /x-kbibtex-encoding\s*=\s*([\w-]+)/i.exec(text)?.[1];
  if (name === undefined) return undefined;
  const lower = name.toLowerCase();
  for (const label of [
    names[lower],
    lower,
    lower.replaceAll("_", "-"),
    lower.replace(/^iso(?=8859)/, "iso-").replaceAll("_", "-"),
  ])
    if (label !== undefined && isLabel(label)) return new TextDecoder(label).encoding;
  return undefined;
}

function isLabel(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== "";
  } catch {
    return false;
  }
}

async function allUtf8(bytes: AsyncIterable<Uint8Array>): Promise<boolean> {
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of bytes) {
    const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const whole = all.length - unfinished(all);
    if (!isUtf8(all.subarray(0, whole))) return false;
    rest = all.slice(whole);
  }
  return rest.length === 0;
}

/** How many of the last bytes begin a character that is not all there. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

async function census(bytes: AsyncIterable<Uint8Array>): Promise<Census> {
  const unusedBytes = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);
  let [high, beside, unused, before] = [0, 0, 0, 0];
  for await (const chunk of bytes)
    for (const byte of chunk) {
      if (byte >= 0x80) {
        high++;
        if (before >= 0x80) beside += 1;
        if (unusedBytes.has(byte)) unused++;
      }
      before = byte;
    }
  return { high, beside, unused };
}

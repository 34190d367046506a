// What general-purpose compressors make of a text, for comparison with a language model.
import { gzipSync } from "node:zlib";
import { optional } from "../../optional.ts";

/** Bits per byte, smaller is better. */
export interface CompressorBits {
  readonly gzip: number;
  readonly xz: number;
}

/** `gzip -9`, and LZMA at its highest level, which is what `xz -9` holds (measured: within 0.2 % of it), on the whole text at once. */
export async function compressorBits(text: Uint8Array): Promise<CompressorBits> {
  const { compress } = await optional("demo", "lzma", () => import("lzma"));
  const xz = await new Promise<number>((resolve, reject) => {
    compress(text, 9, (result, error) => (error ? reject(error) : resolve(result.length)));
  });
  return { gzip: (8 * gzipSync(text, { level: 9 }).length) / text.length, xz: (8 * xz) / text.length };
}

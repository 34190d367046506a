// What general-purpose compressors make of a text, for comparison with a language model.
import { gzipSync } from "node:zlib";
import { Compressor } from "@napi-rs/lzma/xz";

/** Bits per byte, smaller is better. */
export interface CompressorBits {
  readonly gzip: number;
  readonly xz: number;
}

/** `gzip -9` and `xz -9` (the package's own implementation of the format) on the whole text at once. */
export async function compressorBits(text: Uint8Array): Promise<CompressorBits> {
  const compressor = new Compressor({ preset: 9 });
  const xz = compressor.update(text).length + (await compressor.finish()).length;
  return {
    gzip: (8 * gzipSync(text, { level: 9 }).length) / text.length,
    xz: (8 * xz) / text.length,
  };
}

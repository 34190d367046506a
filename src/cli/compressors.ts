// What general-purpose compressors make of a text, for comparison with a language model.
import { gzipSync } from "node:zlib";
import { compress } from "@napi-rs/lzma/xz";

/** Bits per byte, smaller is better. */
export interface CompressorBits {
  readonly gzip: number;
  readonly xz: number;
}

/**
 * `gzip -9` and `xz` (the package's own implementation of the format) on the whole text at once. xz's levels 6 to 9
 * differ in the size of the dictionary only, 8 MB and more, which a shorter text does not notice.
 */
export async function compressorBits(text: Uint8Array): Promise<CompressorBits> {
  return {
    gzip: (8 * gzipSync(text, { level: 9 }).length) / text.length,
    xz: (8 * (await compress(text)).length) / text.length,
  };
}

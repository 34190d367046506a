// PNG files of 8 bits a channel: https://www.w3.org/TR/png-3/
import { crc32 } from "./crc32.ts";

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

/** Colour types of the format by channels. */
const COLOUR: Readonly<Record<1 | 3 | 4, number>> = { 1: 0, 3: 2, 4: 6 };

/** Size of a picture in pixels; 1 channel is grey, 3 are red, green and blue, a fourth is alpha. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

/** Bytes of a PNG file. @param pixels `[height, width, channels]`, 0 to 255. */
export async function encodePng(
  pixels: Uint8Array,
  { width, height, channels }: PictureSize,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, COLOUR[channels], 0, 0, 0], 8);
  const stride = width * channels;
  // Every row begins with the number of its filter, 0 for none.
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++)
    rows.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return joined([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", await deflated(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
}

/** A zlib stream, as pages and Node both make it. */
async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

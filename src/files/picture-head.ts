// What a picture's file says of itself before it is decoded: format and size. So a file of a few bytes that would unpack
// to gigabytes is refused unopened, in Node and in a page alike.
// PNG: https://www.w3.org/TR/png-3/ JPEG: ITU-T T.81, annex B. WebP: https://www.rfc-editor.org/rfc/rfc9649

/** Format and size in pixels, before any rotation. */
export interface PictureHead {
  readonly format: "png" | "jpeg" | "webp";
  readonly width: number;
  readonly height: number;
}

/** Reads the head of a file; nothing where it is no picture of these formats, or ends before it says its size. */
export function pictureHead(bytes: Uint8Array): PictureHead | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = startsWith(bytes, 0, "\x89PNG\r\n\x1a\n")
    ? png(bytes, view)
    : startsWith(bytes, 0, "\xff\xd8\xff")
      ? jpeg(view)
      : startsWith(bytes, 0, "RIFF") && startsWith(bytes, 8, "WEBP")
        ? webp(bytes, view)
        : undefined;
  return head !== undefined && head.width > 0 && head.height > 0 ? head : undefined;
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  if (bytes.length < at + text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function png(bytes: Uint8Array, view: DataView): PictureHead | undefined {
  if (bytes.length < 24 || !startsWith(bytes, 12, "IHDR")) return undefined;
  return { format: "png", width: view.getUint32(16), height: view.getUint32(20) };
}

/** Walks from marker to marker to the start of the frame. */
function jpeg(view: DataView): PictureHead | undefined {
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    // Fill bytes, and markers without a length.
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    // All frames but tables of Huffman codes, extensions and arithmetic conditions.
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (frame) return { format: "jpeg", width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function webp(bytes: Uint8Array, view: DataView): PictureHead | undefined {
  if (bytes.length < 30) return undefined;
  const size = (width: number, height: number): PictureHead => ({ format: "webp", width, height });
  const three = (at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  if (startsWith(bytes, 12, "VP8X")) return size(three(24) + 1, three(27) + 1);
  if (startsWith(bytes, 12, "VP8L")) {
    const bits = view.getUint32(21, true);
    return size((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
  }
  if (!startsWith(bytes, 12, "VP8 ")) return undefined;
  return size(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
}

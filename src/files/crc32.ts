// CRC-32 as in gzip and PNG (ISO 3309): every single flipped bit, and every burst of up to 32 bits, changes it.

/** Eight tables: the first is the classical one, table k is for a byte that has k others behind it. */
const TABLES: readonly Uint32Array[] = makeTables();

function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  const tables = [first];
  for (let k = 1; k < 8; k++) {
    const before = tables[k - 1] ?? first;
    tables.push(before.map((c) => (first[c & 255] ?? 0) ^ (c >>> 8)));
  }
  return tables;
}

/** The checksum of `bytes`, eight at a time, as a whole number from 0 to 2³² − 1. */
export function crc32(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let c = 0xffffffff;
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    const a = c ^ view.getInt32(i, true);
    const b = view.getInt32(i + 4, true);
    c =
      (t7[a & 255] ?? 0) ^
      (t6[(a >>> 8) & 255] ?? 0) ^
      (t5[(a >>> 16) & 255] ?? 0) ^
      (t4[a >>> 24] ?? 0) ^
      (t3[b & 255] ?? 0) ^
      (t2[(b >>> 8) & 255] ?? 0) ^
      (t1[(b >>> 16) & 255] ?? 0) ^
      (t0[b >>> 24] ?? 0);
  }
  for (; i < bytes.length; i++) c = (t0[(c ^ (bytes[i] ?? 0)) & 255] ?? 0) ^ (c >>> 8);
  return ~c >>> 0;
}

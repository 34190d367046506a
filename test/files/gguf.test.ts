// GGUF: a file that another program wrote, blocks of every quantisation against goldens and a slow reader, and files
// that lie.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FileError } from "../../src/errors.ts";
import { isGguf, parseGguf } from "../../src/files/gguf.ts";
import { dequantise, READABLE } from "../../src/files/gguf-blocks.ts";
import { readGguf } from "../../src/files/gguf-file.ts";
import { GGUF_TYPES, type GgufHeader } from "../../src/files/gguf-types.ts";
import golden from "../golden/gguf.json" with { type: "json" };
import { REFERENCE } from "../reference/gguf-blocks.ts";

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(base64, "base64"));
const floatsOf = (base64: string): Float32Array => new Float32Array(bytesOf(base64).buffer);
const small = bytesOf(golden.small.bytes);

/** A whole file, parsed. */
function parse(bytes: Uint8Array, fileBytes = bytes.length): GgufHeader {
  const header = parseGguf(bytes, fileBytes, "m.gguf");
  if (header === undefined) throw new Error("a whole file must be enough");
  return header;
}

describe("a file of the Python package", () => {
  test("its metadata, of every type", () => {
    const { version, metadata } = parse(small);
    expect(version).toBe(3);
    expect(isGguf(small)).toBe(true);
    expect(Object.fromEntries(metadata)).toEqual({
      "general.architecture": "llama",
      "a.u8": 200,
      "a.i8": -100,
      "a.u16": 60_000,
      "a.i16": -30_000,
      "a.u32": 4_000_000_000,
      "a.i32": -2_000_000_000,
      "a.f32": 0.5,
      "a.f64": 0.1,
      "a.u64": 2n ** 63n + 1n,
      "a.i64": -5,
      "a.bool": true,
      "a.text": "明月 ünï",
      "a.words": ["one", "", "drei"],
      "a.numbers": [1, -2, 3],
      "a.nested": [[1, 2], [3]],
    });
  });

  test("its tensors", () => {
    const { entries } = parse(small);
    expect([...entries].map(([name, { type, shape }]) => [name, type.name, shape])).toEqual([
      ["plain", "F32", [3, 64]],
      ["half", "F16", [3, 64]],
      ["eight", "Q8_0", [3, 64]],
      ["row", "F32", [5]],
    ]);
    const read = (name: string): Float32Array => {
      const entry = entries.get(name);
      if (entry === undefined) throw new Error(name);
      const { begin, byteLength } = entry;
      return dequantise(small.slice(begin, begin + byteLength), name, entry, "m.gguf");
    };
    const plain = floatsOf(golden.small.plain);
    expect(read("plain")).toEqual(plain);
    expect(read("half")).toEqual(Float32Array.from(plain, Math.f16round));
    expect(read("eight")).toEqual(floatsOf(golden.small.eight));
    expect(read("row")).toEqual(plain.slice(0, 5));
  });

  test("a beginning of it says that more is needed, and the reader fetches it", async () => {
    for (let length = 0; length < 600; length += 7) {
      expect(parseGguf(small.subarray(0, length), small.length, "m.gguf")).toBeUndefined();
    }
    const reads: number[] = [];
    const many = 5 << 20; // a vocabulary longer than the first read
    const long = build({
      metadata: (w) => w.key("words").u32(8).u64(many).raw(new Uint8Array(many)),
      keys: 1,
    });
    const file = await readGguf({
      path: "m.gguf",
      byteLength: long.length,
      read: (begin, end) => {
        reads.push(end - begin);
        return Promise.resolve(long.slice(begin, end));
      },
      close: () => Promise.resolve(),
    });
    expect(String(file.metadata.get("words")).length).toBe(many);
    expect(reads.length).toBe(2);
  });
});

describe.each(Object.entries(golden.blocks))("%s", (name, { bytes, values }) => {
  const raw = bytesOf(bytes);
  const kind = [...GGUF_TYPES.values()].find((t) => t.name === name);
  if (kind === undefined) throw new Error(name);
  const entry = { type: kind, shape: [1], begin: 0, byteLength: raw.length };

  test("is what the Python package says, bit by bit", () => {
    expect(READABLE).toContain(name);
    expect(dequantise(raw, "w", entry, "m.gguf")).toEqual(floatsOf(values));
  });

  const slow = REFERENCE[name];
  if (slow === undefined) return; // numbers without blocks
  test("random blocks are what a slow reader says", () => {
    expect([slow.block, slow.bytes]).toEqual([kind.block, kind.bytes]);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: slow.bytes, maxLength: slow.bytes }), (block) => {
        const got = dequantise(block, "w", entry, "m.gguf");
        const most = Math.max(...slow.read(block).map(Math.abs));
        slow.read(block).forEach((x, i) => {
          // A difference of two products, each rounded.
          if (Number.isFinite(x))
            expect(Math.abs((got[i] ?? 0) - x)).toBeLessThanOrEqual(2e-6 * most + 1e-45);
          else expect(Number.isFinite(got[i])).toBe(false);
        });
      }),
      { numRuns: 15, seed: 3 },
    );
  });
});

/** Bytes one after the other. */
class Writer {
  readonly #parts: Uint8Array[] = [];
  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }
  u32(n: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, n, true);
    return this.raw(bytes);
  }
  u64(n: number | bigint): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(n), true);
    return this.raw(bytes);
  }
  key(name: string): this {
    const bytes = new TextEncoder().encode(name);
    return this.u64(bytes.length).raw(bytes);
  }
  tensor(name: string, sizes: readonly (number | bigint)[], type: number, offset: number | bigint): this {
    this.key(name).u32(sizes.length);
    for (const n of sizes) this.u64(n);
    return this.u32(type).u64(offset);
  }
  done(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.#parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

interface Built {
  version?: number;
  tensors?: number | bigint;
  keys?: number | bigint;
  metadata?: (w: Writer) => void;
  table?: (w: Writer) => void;
  data?: number;
}

/** A file with one tensor `w` of 4 F32, unless told otherwise. */
function build({ version = 3, tensors, keys = 0, metadata, table, data }: Built): Uint8Array<ArrayBuffer> {
  const w = new Writer().u32(0x46554747).u32(version);
  w.u64(tensors ?? (table ? 1 : 0)).u64(keys);
  metadata?.(w);
  table?.(w);
  const head = w.done();
  const padded = new Uint8Array(Math.ceil(head.length / 32) * 32 + (data ?? 0));
  padded.set(head);
  return data === undefined ? head : padded;
}

describe("a file that lies is refused by the name of what lies", () => {
  const cases: readonly [what: string, bytes: Uint8Array, message: RegExp][] = [
    ["no GGUF", new TextEncoder().encode("PK\u0003\u0004 and more"), /must begin with "GGUF"/],
    ["nothing", new Uint8Array(0), /inside its first bytes/],
    ["version 1", build({ version: 1 }), /got version 1\. Convert/],
    ["big-endian", build({ version: 0x03000000 }), /got big-endian order/],
    ["tensors", build({ tensors: 2n ** 60n }), /a count of tensors that fits the \d+ bytes/],
    ["keys", build({ keys: 2n ** 63n }), /a count of metadata that fits/],
    [
      "a key's length",
      build({
        keys: 1,
        metadata: (w) =>
          w
            .u64(2n ** 40n)
            .u32(0)
            .u64(9),
      }),
      /length of key 0/,
    ],
    [
      "an empty key",
      build({ keys: 1, metadata: (w) => w.u64(0).u32(0).u64(9) }),
      /key 0 of its metadata of 1 to/,
    ],
    [
      "a key in another encoding",
      build({ keys: 1, metadata: (w) => w.u64(1).raw(Uint8Array.of(0xff)).u32(0).u64(9) }),
      /key 0 of its metadata in UTF-8/,
    ],
    [
      "one key twice",
      build({ keys: 2, metadata: (w) => w.key("a").u32(4).u32(1).key("a").u32(4).u32(1) }),
      /each key once, got a twice/,
    ],
    [
      "a type",
      build({ keys: 1, metadata: (w) => w.key("k").u32(13).u64(0) }),
      /type from 0 to 12 for k, got 13/,
    ],
    [
      "a truth",
      build({ keys: 1, metadata: (w) => w.key("k").u32(7).raw(Uint8Array.of(2)) }),
      /0 or 1 as k, got 2/,
    ],
    [
      "a text's length",
      build({
        keys: 1,
        metadata: (w) =>
          w
            .key("k")
            .u32(8)
            .u64(2n ** 33n),
      }),
      /a length of k that fits the 0 bytes behind it, got 8589934592/,
    ],
    [
      "a list's count",
      build({ keys: 1, metadata: (w) => w.key("k").u32(9).u32(8).u64(100).u64(0) }),
      /a count of elements of k that fits the 8 bytes/,
    ],
    [
      "a list's type",
      build({ keys: 1, metadata: (w) => w.key("k").u32(9).u32(99).u64(0) }),
      /for elements of k, got 99/,
    ],
    [
      "lists in lists without end",
      build({
        keys: 1,
        metadata: (w) => {
          w.key("k").u32(9);
          for (let i = 0; i < 2000; i++) w.u32(9).u64(1);
        },
      }),
      /arrays 8 deep at most, got more in k/,
    ],
    [
      "an alignment",
      build({ keys: 1, metadata: (w) => w.key("general.alignment").u32(4).u32(0) }),
      /as general.alignment, got 0/,
    ],
    [
      "an alignment of text",
      build({ keys: 1, metadata: (w) => w.key("general.alignment").u32(8).key("32") }),
      /as general.alignment, got 32/,
    ],
    [
      "axes",
      build({ table: (w) => w.tensor("w", [1, 1, 1, 1, 1], 0, 0), data: 4 }),
      /1 to 4 axes for tensor "w", got 5/,
    ],
    ["no axes", build({ table: (w) => w.tensor("w", [], 0, 0), data: 4 }), /axes for tensor "w", got 0/],
    [
      "a type of tensor",
      build({ table: (w) => w.tensor("w", [4], 77, 0), data: 16 }),
      /of a type that is known .* got type 77/,
    ],
    [
      "a size",
      build({ table: (w) => w.tensor("w", [2n ** 62n, 8n], 0, 0), data: 16 }),
      /tensor "w" of F32 .* takes \d+ bytes/,
    ],
    [
      "half a block",
      build({ table: (w) => w.tensor("w", [33], 8, 0), data: 68 }),
      /whole blocks of 32 in tensor "w" of Q8_0, got 33/,
    ],
    [
      "an offset",
      build({ table: (w) => w.tensor("w", [4], 0, 32), data: 64 }),
      /tensor "w" at offset 0, .* got 32/,
    ],
    [
      "an offset outside",
      build({ table: (w) => w.tensor("w", [4], 0, 2n ** 64n - 32n), data: 16 }),
      /at offset 0/,
    ],
    [
      "one tensor over the other",
      build({ tensors: 2, table: (w) => w.tensor("v", [4], 0, 0).tensor("w", [4], 0, 0), data: 64 }),
      /tensor "w" at offset 32/,
    ],
    [
      "one tensor twice",
      build({ tensors: 2, table: (w) => w.tensor("w", [4], 0, 0).tensor("w", [4], 0, 32), data: 64 }),
      /each tensor once, got "w" twice/,
    ],
    [
      "a cut file",
      build({ table: (w) => w.tensor("w", [4], 0, 0), data: 15 }),
      /is truncated: tensor "w" ends at byte \d+/,
    ],
  ];
  test.each(cases)("%s", (_, bytes, message) => {
    expect(() => parse(bytes)).toThrow(FileError);
    expect(() => parse(bytes)).toThrow(message);
  });

  test("a quantisation that nobody reads is listed, and refused by name when it is read", () => {
    const bytes = build({ table: (w) => w.tensor("w", [256], 21, 0), data: 110 });
    const entry = parse(bytes).entries.get("w");
    if (entry === undefined) throw new Error("w");
    expect(() => dequantise(bytes.slice(entry.begin), "w", entry, "m.gguf")).toThrow(
      /tensor "w" must be one of .*Q6_K to be read, got IQ3_S/,
    );
  });
});

test("2,000 mutations and cuts: refused by name, or read inside the file", () => {
  const random = fc.sample(
    fc.tuple(
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(), { freq: 4 }),
    ),
    { numRuns: 2000, seed: 7 },
  );
  const table = 900; // mutations where the format is, not among weights
  let refused = 0;
  for (const [changes, cut] of random) {
    const bytes = small.slice(0, cut === null ? small.length : cut % small.length);
    for (const [at, value] of changes)
      if (bytes.length > 0) bytes[at % Math.min(table, bytes.length)] = value;
    try {
      for (const [name, entry] of parse(bytes).entries) {
        const { begin, byteLength } = entry;
        expect(begin + byteLength, name).toBeLessThanOrEqual(bytes.length);
        dequantise(bytes.slice(begin, begin + byteLength), name, entry, "m.gguf");
      }
    } catch (error) {
      expect(error).toBeInstanceOf(FileError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1000);
  expect(refused).toBeLessThan(2000);
});

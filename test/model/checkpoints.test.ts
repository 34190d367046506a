// Folders of every family as their authors leave them, against what transformers computes of them
// (test/golden/families.py): the whole text, token by token, from float16 and bfloat16, and written again.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseSafetensors, type WrittenDtype } from "../../src/files/safetensors.ts";
import { safetensorsChunks, type TensorToWrite } from "../../src/files/safetensors-file.ts";
import { hostArray } from "../../src/graph/dtype.ts";
import { causalLM, createDecoder } from "../../src/model/index.ts";
import { loadModel, type StoredModel } from "../../src/model/load.ts";
import { saveModel } from "../../src/model/save.ts";
import { flattenTree, tensor } from "../../src/tensor/index.ts";
import { expectClose } from "../support/check.ts";
import { weightOf } from "../support/named-weights.ts";

interface Golden {
  readonly config: Readonly<Record<string, unknown>>;
  readonly ids: readonly number[];
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly logits: readonly (readonly number[])[];
  readonly float16: readonly number[];
  readonly bfloat16: readonly number[];
}

const folder = new URL("../golden/families/", import.meta.url);
const cases = await Promise.all(
  (await readdir(folder)).sort().map(async (file): Promise<[string, Golden]> => {
    return [file.replace(".json", ""), JSON.parse(await readFile(new URL(file, folder), "utf8")) as Golden];
  }),
);

/** Logits here are up to 40; float32 on both sides. */
const NEAR = 2e-4;

let work = "";
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "athanor-checkpoints-"));
});
afterAll(() => rm(work, { recursive: true }));

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

/** A folder as its author left it, with weights of `dtype`. */
async function folderOf(name: string, golden: Golden, dtype: WrittenDtype): Promise<string> {
  const at = await mkdtemp(join(work, `${name}-`));
  const tensors = Object.entries(golden.tensors).map(([key, shape]): [string, TensorToWrite] => {
    const data = weightOf(key, shape);
    return [key, { dtype, shape, data: dtype === "float16" ? hostArray(data, dtype) : data }];
  });
  await writeFile(join(at, "model.safetensors"), await bytesOf(safetensorsChunks(new Map(tensors))));
  await writeFile(join(at, "config.json"), JSON.stringify(golden.config));
  return at;
}

async function logitsOf({ config, params }: StoredModel, ids: readonly number[]): Promise<Float32Array> {
  const all = causalLM(config, params, tensor([[...ids]], { dtype: "int32" })).logits;
  return (await all.data()) as Float32Array;
}

describe.each(cases)("%s", (name, golden) => {
  const { ids, logits } = golden;

  test("the whole text gives the logits of transformers", async () => {
    const got = await logitsOf(await loadModel(await folderOf(name, golden, "float32")), ids);
    expectClose(got, logits.flat(), NEAR);
  });

  test("token by token they are the same", async () => {
    const { config, params } = await loadModel(await folderOf(name, golden, "float32"));
    const decoder = createDecoder(config, params);
    let state = await decoder.start();
    // LongRoPE changes its frequencies with the length: what came before is another text to a shorter one.
    const size = name === "phi3-long" ? ids.length : 1;
    for (let at = 0; at < ids.length; at += size) {
      const out = await decoder.advance(state, [ids.slice(at, at + size)]);
      state = out.state;
      expectClose(out.logits, logits[at + size - 1] ?? [], NEAR, `row ${at}`);
    }
    await decoder.release();
  });

  test.each(["float16", "bfloat16"] as const)("from weights in %s", async (dtype) => {
    const model = await loadModel(await folderOf(name, golden, dtype));
    expect(model.dtype).toBe(dtype);
    const got = await logitsOf(model, ids);
    expectClose(got.subarray(-model.config.vocabulary), golden[dtype], NEAR);
  });

  test.each(["float32", "float16", "bfloat16"] as const)("written again in %s", async (dtype) => {
    const model = await loadModel(await folderOf(name, golden, dtype));
    const at = await mkdtemp(join(work, `${name}-again-`));
    await saveModel(at, model.config, model.params, model.tokens, { dtype, family: model.family ?? "" });
    const again = await loadModel(at);
    expect(again.config).toEqual(model.config);
    expect(again.dtype).toBe(dtype);
    const before = new Map(flattenTree(model.params));
    for (const [key, after] of flattenTree(again.params)) {
      const was = (await before.get(key)?.data()) as Float32Array;
      // A gain that acts as 1 + w is rounded once on its way: half a unit of the sum.
      expectClose((await after.data()) as Float32Array, was, dtype === "bfloat16" ? 4e-3 : dtype === "float16" ? 5e-4 : 1e-7, key);
    }
    // Under the names and shapes of transformers, whose families share a block now and then.
    const header = parseSafetensors(await readFile(join(at, "model.safetensors")));
    const written = Object.fromEntries([...header.entries].map(([key, { shape }]) => [key, [...shape]]));
    expect(written).toEqual(golden.tensors);
  });
});

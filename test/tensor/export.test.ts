// Exported models, opened by plain ONNX Runtime with nothing of ours beside it.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import { saveOnnx } from "../../src/tensor/node/export.ts";
import * as t from "../../src/tensor/index.ts";
import { readModel } from "../reference/onnx.ts";
import { CONFIGS, exportable, gap, idsOf, LENGTHS } from "../support/exported.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "athanor-export-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the file says for every length, against our own evaluation. */
async function check(session: InferenceSession, logits: (ids: t.Tensor) => t.Tensor): Promise<void> {
  for (const [batch, time] of LENGTHS) {
    const ids = idsOf(batch, time);
    const feeds = { input_ids: new OrtTensor("int32", ids, [batch, time]) };
    const { logits: got } = await session.run(feeds);
    const want = await logits(t.tensor(ids, { shape: [batch, time] })).data();
    expect(got?.dims).toEqual([batch, time, 31]);
    expect(gap(got?.data as Float32Array, want as Float32Array)).toBeLessThan(2e-5);
  }
}

describe.each(Object.entries(CONFIGS))("%s", (_, config) => {
  const { logits, example, options } = exportable(config);

  test.each([false, true])("runs at every batch and length, portable: %s", async (portable) => {
    const path = join(folder, `model-${portable}.onnx`);
    const saved = await saveOnnx(path, logits, [example], { ...options, portable });
    expect(saved).toEqual({ path, bytes: (await stat(path)).size });
    const session = await InferenceSession.create(path);
    expect(session.inputMetadata[0]).toMatchObject({
      name: "input_ids",
      type: "int32",
      shape: ["batch", "time"],
    });
    expect(session.outputMetadata[0]).toMatchObject({ name: "logits", shape: ["batch", "time", 31] });
    await check(session, logits);
    await session.release();
  });

  test("a portable model imports the standard operator set and nothing else", async () => {
    const { bytes } = await t.exportOnnx(logits, [example], { ...options, portable: true });
    const model = readModel(bytes);
    expect(model.opsets).toEqual({ "": 21 });
    expect(model.graph.nodes.filter((n) => n.domain !== "" || n.opType.startsWith("Simplified"))).toEqual([]);
    const names = model.graph.initializers.map((i) => i.name);
    expect(names).toContain("model.layers.1.self_attn.q_proj.weight");
  });

  test("large weights go to a file beside the model, and back when they are small again", async () => {
    const path = join(folder, "large.onnx");
    const saved = await saveOnnx(path, logits, [example], { ...options, dataFromBytes: 1000 });
    expect(saved.dataPath).toBe(`${path}.data`);
    expect((await stat(`${path}.data`)).size).toBe(saved.dataBytes);
    expect((await readFile(path)).length).toBe(saved.bytes);
    const session = await InferenceSession.create(path);
    await check(session, logits);
    await session.release();
    await saveOnnx(path, logits, [example], options);
    expect((await readdir(folder)).filter((f) => f.startsWith("large"))).toEqual(["large.onnx"]);
  });
});

describe("exportOnnx", () => {
  const add = (a: t.Tensor, b: { readonly x: t.Tensor }): object => ({ sum: a.add(b.x), twice: a.mul(2) });
  const x = t.tensor([1, 2, 3]);

  test("names inputs and outputs after the trees they stand in", async () => {
    const { graph } = readModel((await t.exportOnnx(add, [x, { x }])).bytes);
    expect(graph.inputs.map((p) => p.name)).toEqual(["input_0", "x"]);
    expect(graph.outputs.map((p) => p.name)).toEqual(["sum", "twice"]);
    const plain = readModel((await t.exportOnnx((a: t.Tensor) => a.add(1), [x])).bytes);
    expect(plain.graph.outputs.map((p) => p.name)).toEqual(["output_0"]);
  });

  test("keeps a shape symbolic through sums and products of sizes", async () => {
    const rows = (a: t.Tensor): t.Tensor => t.reshape(t.concat([a, a], 1), [-1]);
    const { bytes } = await t.exportOnnx(rows, [t.ones([2, 3])], { symbolic: () => ["B", "T"] });
    const session = await InferenceSession.create(bytes);
    for (const [B, T] of [
      [1, 1],
      [3, 4],
    ] as const) {
      const feeds = { input_0: new OrtTensor("float32", new Float32Array(B * T), [B, T]) };
      const { output_0: out } = await session.run(feeds);
      expect(out?.dims).toEqual([2 * B * T]);
    }
    await session.release();
  });

  test("says which names do not fit", async () => {
    await expect(t.exportOnnx(add, [x, { x }], { inputNames: ["a"] })).rejects.toThrow(
      new OptionError("exportOnnx: inputNames must hold 2 names, got 1 (a)."),
    );
    await expect(t.exportOnnx(add, [x, { x }], { outputNames: ["y", "y"] })).rejects.toThrow(
      new OptionError('exportOnnx: output name must be unique, got "y" twice.'),
    );
    await expect(t.exportOnnx(add, [x, { x }], { outputNames: ["y", "x"] })).rejects.toThrow(
      new OptionError('exportOnnx: "x" must name an input or an output, got both.'),
    );
  });

  test("an unwritable place keeps what was there", async () => {
    const file = join(folder, "plain-file");
    await writeFile(file, "kept");
    await expect(saveOnnx(join(file, "model.onnx"), add, [x, { x }])).rejects.toThrow(/EEXIST|ENOTDIR/);
    expect(await readFile(file, "utf8")).toBe("kept");
  });
});

// mlx-lm's folders both ways: adapters made there give its logits here, ours gave the same there; bad folders are told.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Adapter, withAdapter } from "../../src/adapt/index.ts";
import { fromHuggingFace } from "../../src/model/hugging-face.ts";
import {
  causalLM,
  type CausalLMParams,
  loadAdapter,
  saveAdapter,
  saveMlxAdapter,
} from "../../src/model/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { adaptersHere, baseHere, mlxAdapters } from "../support/adapter-here.ts";
import { expectClose, list } from "../support/check.ts";

interface Golden {
  readonly cases: Record<
    string,
    { readonly config: Record<string, unknown>; readonly file: string; readonly logits: number[][] }
  >;
}
interface Back {
  readonly cases: Record<string, { readonly files: Record<string, string>; readonly logits: number[][] }>;
}
const golden = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, "../golden", name), "utf8"));
const there = golden("mlx-adapters.json") as Golden;
const back = golden("mlx-adapters-back.json") as Back;
const tiny = golden("lora.json") as { config: Record<string, unknown>; ids: number[] };

const folder = mkdtempSync(join(tmpdir(), "athanor-mlx-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { config } = fromHuggingFace(tiny.config, "lora.json");
const base = baseHere(config);
const ids = tensor([tiny.ids], { dtype: "int32" });
const logits = (params: CausalLMParams) => list(causalLM(config, params, ids).logits);

function put(name: string, changes: Record<string, unknown> = {}, spoil = (b: Buffer) => b): string {
  const made = there.cases[name];
  if (made === undefined) throw new Error(`no case ${name}`);
  const at = mkdtempSync(join(folder, "made-"));
  writeFileSync(join(at, "adapter_config.json"), JSON.stringify({ ...made.config, ...changes }));
  writeFileSync(join(at, "adapters.safetensors"), spoil(Buffer.from(made.file, "base64")));
  return at;
}

test.each(Object.keys(there.cases))("made by mlx-lm, read here: %s", async (name) => {
  const adapted = withAdapter(base, await loadAdapter(put(name), base));
  expectClose(await logits(adapted), there.cases[name]?.logits.flat() ?? [], 1e-5);
});

describe("made here", () => {
  const ours = mlxAdapters(base);
  test.each(Object.keys(ours))("read by mlx-lm, and here again: %s", async (name) => {
    const at = join(folder, name);
    mkdirSync(at);
    await saveMlxAdapter(at, ours[name] ?? {}, base);
    for (const [file, hash] of Object.entries(back.cases[name]?.files ?? {}))
      expect(
        createHash("sha256")
          .update(readFileSync(join(at, file)))
          .digest("hex"),
        file,
      ).toBe(hash);
    const expected = back.cases[name]?.logits.flat() ?? [];
    expectClose(await logits(withAdapter(base, ours[name] ?? {})), expected, 1e-5);
    expectClose(await logits(withAdapter(base, await loadAdapter(at, base))), expected, 1e-5);
  });

  test.each(["attention", "DoRA"])("from mlx-lm to PEFT and back, %s gives what it gave", async (name) => {
    const adapter = await loadAdapter(put(name), base);
    const peft = mkdtempSync(join(folder, "peft-"));
    await saveAdapter(peft, adapter, base);
    const mlx = mkdtempSync(join(folder, "mlx-"));
    await saveMlxAdapter(mlx, await loadAdapter(peft, base), base);
    const again = withAdapter(base, await loadAdapter(mlx, base));
    expectClose(await logits(again), there.cases[name]?.logits.flat() ?? [], 1e-5);
  });

  test("what the layout has not is refused", async () => {
    const at = mkdtempSync(join(folder, "none-"));
    const { whole = {}, tables = {}, dora = {}, mixed = {} } = adaptersHere(base);
    await expect(saveMlxAdapter(at, whole, base)).rejects.toThrow(
      "the adapter must be of factors of matrices, got lm_head.weight trained whole. Use PEFT.",
    );
    const { lm_head: _, ...tied } = base;
    await expect(saveMlxAdapter(at, tables, tied)).rejects.toThrow(
      "got the table model.embed_tokens of a model whose head it is",
    );
    const some: Adapter = {
      ...mixed,
      ...Object.fromEntries(Object.entries(dora).filter(([n]) => n.includes("layers.0.mlp.up_proj"))),
    };
    await expect(saveMlxAdapter(at, some, base)).rejects.toThrow("got magnitudes of some of them");
    await expect(saveAdapter(at, some, base)).rejects.toThrow(
      "saveAdapter: all matrices must have magnitudes or none",
    );
  });
});

describe("bad folders", () => {
  const rename = (from: string, to: string) => (b: Buffer) => {
    if (from.length !== to.length || !b.includes(from)) throw new Error(`${from} cannot become ${to}`);
    return Buffer.from(b.toString("latin1").replace(from, to), "latin1");
  };
  test.each<[string, Record<string, unknown>, (b: Buffer) => Buffer, RegExp | string]>([
    ["full fine-tuning", { fine_tune_type: "full" }, (b) => b, 'must be lora or dora, got "full".'],
    ["no scale", { lora_parameters: { rank: 2, alpha: 4 } }, (b) => b, "must have a scale, got none."],
    ["another leaf", {}, rename("q_proj.lora_a", "q_proj.lora_q"), "must hold lora_a, lora_b, m of matrices"],
    [
      "another layer",
      {},
      rename("layers.0.self_attn.q_proj.lora_a", "layers.7.self_attn.q_proj.lora_a"),
      "must hold both factors of model.layers.0.self_attn.q_proj, got lora_B alone.",
    ],
    ["cut short", {}, (b) => b.subarray(0, b.length - 9), /adapters\.safetensors/],
    [
      "a lying shape",
      {},
      rename("[16,3]", "[3,16]"),
      /must be \[r, 16\] for a base of \[8, 16\], got \[16, 3\]/,
    ],
  ])("%s", async (_, changes, spoil, message) => {
    await expect(loadAdapter(put("attention", changes, spoil), base)).rejects.toThrow(message);
  });
});

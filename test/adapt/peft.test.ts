// PEFT folders both ways: adapters made by peft give its logits here, ours gave the same there; bad folders are told.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withAdapter } from "../../src/adapt/index.ts";
import { fromHuggingFace } from "../../src/model/hugging-face.ts";
import { causalLM, type CausalLMParams, loadAdapter, saveAdapter } from "../../src/model/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { adaptersHere, baseHere } from "../support/adapter-here.ts";
import { expectClose, list } from "../support/check.ts";

interface Golden {
  readonly config: Record<string, unknown>;
  readonly ids: number[];
  readonly base: number[][];
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
const there = golden("lora.json") as Golden;
const back = golden("adapters-back.json") as Back;

const folder = mkdtempSync(join(tmpdir(), "athanor-peft-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { config } = fromHuggingFace(there.config, "lora.json");
const base = baseHere(config);
const ids = tensor([there.ids], { dtype: "int32" });
const logits = (params: CausalLMParams) => list(causalLM(config, params, ids).logits);

/** A folder of peft's own making. */
function put(name: string, changes: Record<string, unknown> = {}): string {
  const made = there.cases[name];
  if (made === undefined) throw new Error(`no case ${name}`);
  const at = mkdtempSync(join(folder, "made-"));
  writeFileSync(join(at, "adapter_config.json"), JSON.stringify({ ...made.config, ...changes }));
  writeFileSync(join(at, "adapter_model.safetensors"), Buffer.from(made.file, "base64"));
  return at;
}

test("the base gives what it gives in transformers", async () => {
  expectClose(await logits(base), there.base.flat(), 1e-5);
});

test.each(Object.keys(there.cases))("made by peft, read here: %s", async (name) => {
  const adapted = withAdapter(base, await loadAdapter(put(name), base));
  expectClose(await logits(adapted), there.cases[name]?.logits.flat() ?? [], 1e-5);
});

describe("made here", () => {
  const ours = adaptersHere(base);
  test.each(Object.keys(ours))("read by peft, and here again: %s", async (name) => {
    const at = join(folder, name);
    mkdirSync(at);
    await saveAdapter(at, ours[name] ?? {}, base);
    // The logits below are peft's for files of these very bytes (golden/adapters.py).
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
});

describe("bad folders", () => {
  let good = "";
  beforeAll(() => {
    good = put("every projection");
  });
  const spoilt = (spoil: (bytes: Buffer) => Buffer): string => {
    const at = mkdtempSync(join(folder, "bad-"));
    cpSync(good, at, { recursive: true });
    const path = join(at, "adapter_model.safetensors");
    writeFileSync(path, spoil(readFileSync(path)));
    return at;
  };

  test.each([
    [{ peft_type: undefined }, "must have a peft_type, got none. Is it the folder of an adapter?"],
    [{ peft_type: "IA3" }, 'must be one of LORA, got "IA3".'],
    [
      { use_dora: true },
      "must hold a magnitude beside each matrix where use_dora is on, and none elsewhere, got none of",
    ],
    [{ use_qalora: true }, "must leave use_qalora off, got true."],
    [{ bias: "all" }, 'must be "none", got "all".'],
    [{ init_lora_weights: "pissa" }, 'got init_lora_weights "pissa", which changed it.'],
    [{ r: 3 }, "must be of rank 3 by adapter_config.json, got [4, 24]."],
    [{ r: "4" }, 'must be a number above 0, got "4".'],
    [{ alpha_pattern: { q_proj: -1 } }, "must give numbers above 0 by pattern"],
  ])("%j", async (changes, message) => {
    await expect(loadAdapter(put("every projection", changes), base)).rejects.toThrow(message);
  });

  test("files that are missing, cut short, lying, or no JSON", async () => {
    const empty = mkdtempSync(join(folder, "none-"));
    await expect(loadAdapter(empty, base)).rejects.toThrow(
      "must hold adapter_config.json, got nothing of that name.",
    );
    writeFileSync(join(empty, "adapter_config.json"), "[1");
    await expect(loadAdapter(empty, base)).rejects.toThrow('must be a JSON object, got "[1".');
    writeFileSync(join(empty, "adapter_config.json"), JSON.stringify(there.cases["rsLoRA"]?.config));
    await expect(loadAdapter(empty, base)).rejects.toThrow("must exist, got nothing there.");
    for (const length of [0, 7, 100, 2000])
      await expect(
        loadAdapter(
          spoilt((b) => b.subarray(0, length)),
          base,
        ),
      ).rejects.toThrow(/adapter_model\.safetensors/);
    const renamed = (from: string, to: string) =>
      spoilt((b) => Buffer.from(b.toString("latin1").replace(from, to), "latin1"));
    await expect(loadAdapter(renamed("[4,24]", "[8,12]"), base)).rejects.toThrow(
      /rank 4 by adapter_config.json|\[r, 24\]/,
    );
    await expect(
      loadAdapter(
        renamed(
          "base_model.model.model.layers.0.mlp.down_proj.lora_A",
          "base_model.model.model.layers.9.mlp.down_proj.lora_A",
        ),
        base,
      ),
    ).rejects.toThrow('adapts "model.layers.9.mlp.down_proj" [4, 24], which the model has not.');
    await expect(
      loadAdapter(renamed("down_proj.lora_B.weight", "down_proj.lora_Q.weight"), base),
    ).rejects.toThrow("belongs to no method that is known here.");
  });

  test("an adapter of another base names the shapes of both", async () => {
    const other = fromHuggingFace({ ...there.config, intermediate_size: 20 }, "x").config;
    await expect(loadAdapter(good, baseHere(other))).rejects.toThrow(
      "must be [r, 20] for a base of [16, 20], got [4, 24]. Is it an adapter of another base?",
    );
  });
});

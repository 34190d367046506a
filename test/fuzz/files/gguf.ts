// A small model with its tokenizer as a GGUF file, and how it is read back.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { causalLMConfig, initCausalLM } from "../../../src/model/index.ts";
import { loadGguf } from "../../../src/model/gguf.ts";
import { saveGguf } from "../../../src/model/gguf-write.ts";
import { flattenTree, random } from "../../../src/tensor/index.ts";
import { createTokenizer } from "../../../src/tokenizer/index.ts";
import { GPT2_SPLIT } from "../../../src/tokenizer/pipeline/pre-tokenizers.ts";

const SIZES = { vocabulary: 264, context: 16, width: 32, layers: 1, heads: 2, hidden: 32 };

async function file(): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "athanor-fuzz-"));
  const none = new Uint8Array(0);
  const tokenizer = createTokenizer({
    kind: "bpe",
    pieces: [...Array.from({ length: 256 }, (_, b) => Uint8Array.of(b)), Uint8Array.of(116, 104), none, none],
    merges: Int32Array.of(116, 104, 256),
    specials: [
      { id: 257, text: "<s>", role: "bos" },
      { id: 258, text: "</s>", role: "eos" },
    ],
    split: GPT2_SPLIT,
  });
  try {
    const path = join(folder, "model.gguf");
    const config = causalLMConfig({ ...SIZES, position: { type: "rope", base: 5000 } });
    const options = { tokens: { bos: 257, eos: [258] }, tokenizer, addBos: true, bits: 8 } as const;
    await saveGguf(path, config, initCausalLM(config, random.key(1)), options);
    return new Uint8Array(readFileSync(path));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const GGUF: Uint8Array = await file();

/** Config, weights and ids, as far as the file gives them. */
export async function readModel(bytes: Uint8Array): Promise<unknown> {
  const { config, params, tokens, addBos, tokenizer } = await loadGguf({
    path: "fuzz.gguf",
    byteLength: bytes.length,
    read: (begin, end) => Promise.resolve(new Uint8Array(bytes.subarray(begin, end))),
    close: () => Promise.resolve(),
  });
  const weights = await Promise.all(flattenTree(params).map(async ([name, t]) => [name, await t.data()]));
  return { config, tokens, addBos, weights, ids: (await tokenizer()).encode("the thé <s>") };
}

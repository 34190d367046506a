// llama2.c's checkpoint, version 0: seven int32 (little-endian), then float32 tensors back to back.
// https://github.com/karpathy/llama2.c (export.py, run.c). There, neighbouring numbers of a head pair up; here the rows
// of the query and key matrices are put into halves, which gives the same scores and Llama's layout.
import { FileError } from "../errors.ts";
import { type Tensor, tensor } from "../tensor/index.ts";
import type { BlockParams, CausalLMParams } from "./causal-lm.ts";
import { causalLMConfig } from "./check-config.ts";
import type { CausalLMConfig } from "./config.ts";

const HEADER_BYTES = 28;

/** Model and parameters of a `.bin` file; the tensors are views of `bytes`. @throws FileError naming both sizes. */
export function readLlama2c(
  bytes: Uint8Array,
  file: string,
): { config: CausalLMConfig; params: CausalLMParams } {
  if (bytes.length < HEADER_BYTES) {
    throw new FileError(`${file} must hold a llama2.c header of ${HEADER_BYTES} bytes, got ${bytes.length}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const [C, F, L, H, G, signedV, context] = Array.from({ length: 7 }, (_, i) =>
    view.getInt32(4 * i, true),
  ) as [number, number, number, number, number, number, number];
  const sizes = [C, F, L, H, G, Math.abs(signedV), context];
  if (sizes.some((n) => n < 1 || n > 1 << 24) || L > 1024 || C % H !== 0 || H % G !== 0) {
    throw new FileError(`${file} must begin with the sizes of a llama2.c model, got ${sizes.join(", ")}.`);
  }
  const V = Math.abs(signedV);
  const D = C / H;
  const config = causalLMConfig({
    vocabulary: V,
    context,
    width: C,
    layers: L,
    heads: H,
    keyValueHeads: G,
    hidden: F,
    tieEmbeddings: signedV > 0,
    position: { type: "rope", base: 10_000 },
  });
  // Per kind, all layers together; the two tables of angles are not needed.
  const perLayer = 2 * C + C * C * 2 + 2 * C * G * D + 3 * C * F;
  const expected = HEADER_BYTES + 4 * (V * C + L * perLayer + C + context * D + (signedV > 0 ? 0 : V * C));
  if (bytes.length !== expected) {
    throw new FileError(
      `${file} must be ${expected} bytes for these sizes, got ${bytes.length}. Fetch it again.`,
    );
  }
  let at = HEADER_BYTES;
  const take = (...shape: number[]): Tensor => {
    const count = shape.reduce((a, b) => a * b, 1);
    const start = bytes.byteOffset + at;
    const data =
      start % 4 === 0
        ? new Float32Array(bytes.buffer, start, count)
        : new Float32Array(new Uint8Array(bytes.subarray(at, at + 4 * count)).buffer);
    at += 4 * count;
    return tensor(data, { shape, lend: true });
  };
  const each = (...shape: number[]): Tensor[] => Array.from({ length: L }, () => take(...shape));
  const embedding = take(V, C);
  const attentionNorm = each(C);
  const q = each(H * D, C).map((w) => halves(w, H));
  const k = each(G * D, C).map((w) => halves(w, G));
  const v = each(G * D, C);
  const o = each(C, H * D);
  const mlpNorm = each(C);
  const gate = each(F, C);
  const down = each(C, F);
  const up = each(F, C);
  const norm = take(C);
  at += 4 * context * D;
  const pick = (list: Tensor[], i: number): { weight: Tensor } => {
    const weight = list[i];
    if (weight === undefined) throw new FileError(`${file}: layer ${i} is missing.`);
    return { weight };
  };
  const layers = Array.from(
    { length: L },
    (_, i): BlockParams => ({
      input_layernorm: pick(attentionNorm, i),
      self_attn: { q_proj: pick(q, i), k_proj: pick(k, i), v_proj: pick(v, i), o_proj: pick(o, i) },
      post_attention_layernorm: pick(mlpNorm, i),
      mlp: { gate_proj: pick(gate, i), up_proj: pick(up, i), down_proj: pick(down, i) },
    }),
  );
  const head = signedV > 0 ? {} : { lm_head: { weight: take(V, C) } };
  return {
    config,
    params: { model: { embed_tokens: { weight: embedding }, layers, norm: { weight: norm } }, ...head },
  };
}

/** Rows of each head from neighbouring pairs to halves: `[heads, D/2, 2]` to `[heads, 2, D/2]`. */
function halves(weight: Tensor, heads: number): Tensor {
  const data = weight.storage?.host;
  const [rows, C] = weight.shape as [number, number];
  if (!(data instanceof Float32Array)) throw new Error("llama2.c weights are float32 on the host");
  const D = rows / heads;
  const out = new Float32Array(data.length);
  for (let h = 0; h < heads; h++) {
    for (let r = 0; r < D; r++) {
      const from = (h * D + r) * C;
      const to = (h * D + (r % 2) * (D / 2) + (r >> 1)) * C;
      out.set(data.subarray(from, from + C), to);
    }
  }
  return tensor(out, { shape: [rows, C], lend: true });
}

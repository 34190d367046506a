// Codebooks among the parameters: they are saved and loaded with them, but learn by moving averages, not by gradient.
import { type CodebookState, dealUnusedCodes, updateCodebook } from "../attention/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import type { Seen } from "./causal-lm.ts";

/** Codebooks by layer; empty for a model without. */
export type Codebooks = Readonly<Record<string, CodebookState>>;

/** The parameters that gradients train, and the codebooks. */
export function splitCodebooks(params: CausalLMParams): {
  readonly trained: CausalLMParams;
  readonly codebooks: Codebooks;
} {
  const codebooks: Record<string, CodebookState> = {};
  const layers = params.model.layers.map((layer, i) => {
    if (!("codebook" in layer.self_attn)) return layer;
    const { codebook, ...rest } = layer.self_attn;
    codebooks[i] = codebook;
    return { ...layer, self_attn: rest };
  });
  return { trained: { ...params, model: { ...params.model, layers } }, codebooks };
}

/** The inverse of `splitCodebooks`. */
export function joinCodebooks(trained: CausalLMParams, codebooks: Codebooks): CausalLMParams {
  const layers = trained.model.layers.map((layer, i) => {
    const codebook = codebooks[i];
    return codebook ? { ...layer, self_attn: { ...layer.self_attn, codebook } } : layer;
  });
  return { ...trained, model: { ...trained.model, layers } };
}

/** Codebooks after one batch. */
export function learnCodebooks(codebooks: Codebooks, seen: Seen): Codebooks {
  return Object.fromEntries(
    Object.entries(codebooks).map(([layer, state]) => {
      const sums = seen[layer];
      if (sums === undefined) throw new Error(`codebook of layer ${layer} saw no keys`);
      return [layer, dealUnusedCodes(updateCodebook(state, sums))];
    }),
  );
}

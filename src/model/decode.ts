// Generation's inner loop: one compiled program for every length, weights inside it as constants.
import {
  compile,
  type Compiled,
  type Device,
  type Dim,
  evaluate,
  type Shape,
  type Tensor,
  tensor,
  zeros,
} from "../tensor/index.ts";
import { causalLM, type CausalLMParams } from "./causal-lm.ts";
import type { CausalLMConfig } from "./config.ts";
import { cacheShapes, type LayerCache } from "./mixer.ts";

export interface DecoderOptions {
  readonly device?: Device;
  /** Threads of one operator (default: all cores). */
  readonly threads?: number;
  /** Bits a weight, in blocks of 32 with a scale each; default: as they are. */
  readonly weightBits?: 4 | 8;
  /** Prefix of a profile (Node only). */
  readonly profile?: string;
}

/** What is known after some tokens: immutable, so that several continuations may share it. */
export interface DecodeState {
  readonly length: number;
  readonly cache: readonly LayerCache[];
}

/** A model ready to read and write tokens. */
export interface Decoder {
  readonly config: CausalLMConfig;
  /** The state before any token, for `batch` texts of equal length (default 1). */
  start(batch?: number): Promise<DecodeState>;
  /**
   * Reads `T` tokens a text and returns the logits after the last `rows` of them (default 1).
   * @param ids `[B][T]`. @returns `logits` row-major `[B, rows, V]`.
   */
  advance(
    state: DecodeState,
    ids: readonly (readonly number[])[],
    rows?: number,
  ): Promise<{ logits: Float32Array; state: DecodeState }>;
  release(): Promise<void>;
}

/** Tokens that one pass over a prompt takes at most, so that memory does not grow with its square. */
export const PREFILL_BLOCK = 128;

/** Compiles `config` with `params` as constants. */
export function createDecoder(
  config: CausalLMConfig,
  params: CausalLMParams,
  options: DecoderOptions = {},
): Decoder {
  type Cache = readonly LayerCache[];
  const layers = Array.from({ length: config.layers }, (_, i) => cacheShapes(config, i));
  // Batch `B`, new tokens `T`, earlier tokens `S` and wanted rows `R` differ from call to call.
  const symbolic = (name: string): Shape | undefined => {
    const [input, layer, part] = name.split(".");
    if (input === "0") return ["B", "T"];
    if (input === "1") return ["R"];
    return input === "2" ? ["S"] : layers[Number(layer)]?.[part ?? ""];
  };
  const program: Compiled<[Tensor, Tensor, Tensor, Cache], { logits: Tensor; cache: Cache }> = compile(
    (ids: Tensor, rows: Tensor, past: Tensor, cache: Cache) =>
      causalLM(config, params, ids, { cache, past: past.shape[0] ?? 0, rows }),
    { ...options, symbolic },
  );
  const step = async (state: DecodeState, ids: readonly (readonly number[])[], rows: number) => {
    const T = ids[0]?.length ?? 0;
    const flat = Int32Array.from(ids.flat());
    const wanted = tensor(Int32Array.from({ length: rows }, (_, i) => T - rows + i));
    // How many tokens went before is told by a length, so that models without growing caches know it too.
    const past = tensor(new Uint8Array(state.length));
    const out = await program(tensor(flat, { shape: [ids.length, T] }), wanted, past, state.cache);
    return { logits: out.logits, state: { length: state.length + T, cache: out.cache } };
  };
  return {
    config,
    async start(batch = 1) {
      const size = (d: Dim): number => (d === "B" ? batch : d === "S" ? 0 : Number(d));
      const cache = layers.map((shapes) =>
        Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, zeros(shape.map(size))])),
      );
      return { length: 0, cache: await evaluate(cache) };
    },
    async advance(state, ids, rows = 1) {
      const T = ids[0]?.length ?? 0;
      let at = 0;
      let now = state;
      // All but the last block only fill the cache; the last keeps every row that was asked for.
      for (; T - at > Math.max(PREFILL_BLOCK, rows); at += PREFILL_BLOCK) {
        now = (
          await step(
            now,
            ids.map((t) => t.slice(at, at + PREFILL_BLOCK)),
            1,
          )
        ).state;
      }
      const last = await step(
        now,
        ids.map((t) => t.slice(at)),
        rows,
      );
      return { logits: (await last.logits.data()) as Float32Array, state: last.state };
    },
    release: () => program.release(),
  };
}

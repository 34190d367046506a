// Generation's inner loop: one compiled program for every length, weights inside it as constants.
import {
  compile,
  type Compiled,
  type Device,
  evaluate,
  type Shape,
  type Tensor,
  tensor,
  zeros,
} from "../tensor/index.ts";
import { causalLM, type CausalLMParams, type LayerCache } from "./causal-lm.ts";
import type { CausalLMConfig } from "./config.ts";

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
  const program: Compiled<
    [Tensor, Tensor, readonly LayerCache[]],
    { logits: Tensor; cache: readonly LayerCache[] }
  > = compile(
    (ids: Tensor, rows: Tensor, cache: readonly LayerCache[]) =>
      causalLM(config, params, ids, { cache, rows }),
    { ...options, symbolic: symbolicShape },
  );
  const step = async (state: DecodeState, ids: readonly (readonly number[])[], rows: number) => {
    const T = ids[0]?.length ?? 0;
    const flat = Int32Array.from(ids.flat());
    const wanted = tensor(Int32Array.from({ length: rows }, (_, i) => T - rows + i));
    const out = await program(tensor(flat, { shape: [ids.length, T] }), wanted, state.cache);
    return { logits: out.logits, state: { length: state.length + T, cache: out.cache } };
  };
  return {
    config,
    async start(batch = 1) {
      const empty = zeros([batch, config.keyValueHeads, 0, config.headWidth]);
      const cache = Array.from({ length: config.layers }, () => ({ key: empty, value: empty }));
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

/** Batch `B`, new tokens `T`, earlier tokens `S` and wanted rows `R` differ from call to call. */
function symbolicShape(name: string, shape: Shape): Shape | undefined {
  if (name === "0") return ["B", "T"];
  if (name === "1") return ["R"];
  return ["B", shape[1] ?? 1, "S", shape[3] ?? 1];
}

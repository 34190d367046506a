// Generation's inner loop: one compiled program for every length, weights inside it as constants.
import { addDims, compile, type Device, type Shape, type Tensor, tensor } from "../tensor/index.ts";
import { causalLM, type CausalLMParams } from "./causal-lm.ts";
import { cacheShapes, type CausalLMConfig } from "./config.ts";
import { inputShape, SIZES } from "./cache.ts";
import { addedTo, cacheInputs, keep, type Kept, nothingKept, withoutRoom } from "./kept.ts";
import type { State } from "./mixer.ts";

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
export type DecodeState = Kept;

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
  const shapes = cacheShapes(config);
  const symbolic = (name: string, [batch = 1]: Shape): Shape | undefined => {
    const [input, layer, part] = name.split(".");
    if (input === "0") return [batch === 1 ? 1 : SIZES.texts, SIZES.fresh];
    if (input === "1") return [SIZES.wanted];
    if (input === "2") return [SIZES.tokens];
    const shape = shapes[Number(layer)]?.[part ?? ""];
    return shape && inputShape(shape, batch);
  };
  const program = compile(
    (ids: Tensor, rows: Tensor, past: Tensor, inputs: readonly State[]) => {
      const [S = 0] = past.shape;
      const end = addDims(S, ids.shape[1] ?? 1);
      const cache = withoutRoom(shapes, inputs, S);
      const out = causalLM(config, params, ids, { cache, past: S, rows });
      return { logits: out.logits, added: addedTo(shapes, out.cache, S, end) };
    },
    { ...options, symbolic },
  );
  const step = async (state: DecodeState, ids: readonly (readonly number[])[], rows: number) => {
    const T = ids[0]?.length ?? 0;
    const flat = tensor(Int32Array.from(ids.flat()), { shape: [ids.length, T] });
    const wanted = tensor(Int32Array.from({ length: rows }, (_, i) => T - rows + i));
    // How many tokens went before is told by a length, so that models without growing caches know it too.
    const past = tensor(new Uint8Array(state.length));
    const { logits, added } = await program(flat, wanted, past, cacheInputs(shapes, state));
    const news = ((await added.rows?.data()) ?? new Float32Array()) as Float32Array;
    return { logits, state: keep(state, shapes, T, news, added.fixed) };
  };
  return {
    config,
    async start(batch = 1) {
      return nothingKept(shapes, batch);
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

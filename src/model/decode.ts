// Generation's inner loop: one compiled program for every length, weights inside it as constants.
import { type Adapter, withAdapter } from "../adapt/index.ts";
import { OptionError, unreachable } from "../errors.ts";
import { addDims, compile, type Device, type Shape, type Tensor, tensor } from "../tensor/index.ts";
import { causalLM, type CausalLMParams } from "./causal-lm.ts";
import { cacheShapes, type CausalLMConfig, layerOf } from "./config.ts";
import { inputShape, SIZES } from "./cache.ts";
import { inBits } from "./in-bits.ts";
import { addedTo, cacheInputs, keep, type Kept, nothingKept, withoutRoom } from "./kept.ts";
import { positionOf, type State } from "./mixer.ts";

export interface DecoderOptions {
  readonly device?: Device;
  /** Threads of one operator (default: all cores). */
  readonly threads?: number;
  /** Bits a weight of the linear maps, in blocks of 32 with a scale each (`inBits`); default: as they are. */
  readonly weightBits?: 4 | 8;
  /**
   * The parameters are the decoder's alone, for one text at a time: their memory is freed once the runtime has them
   * (`CompileOptions.handOver`), so that weights are held once.
   */
  readonly handOver?: boolean;
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

/** Whether the scores of some layer follow the length of the whole text, which then must be read at once. */
function needsWhole(config: CausalLMConfig): boolean {
  return Array.from({ length: config.layers }, (_, i) => positionOf(layerOf(config, i))).some((p) => p.whole);
}

/**
 * @throws OptionError for texts of no or unequal length, another number of them, texts longer than the model has places
 * for, and rows that are not there.
 */
function checkCall(
  config: CausalLMConfig,
  { batch, length }: DecodeState,
  ids: readonly (readonly number[])[],
  rows: number,
): void {
  const T = ids[0]?.length ?? 0;
  const most = longestText(config);
  if (ids.length !== batch || T === 0 || ids.some((text) => text.length !== T)) {
    throw new OptionError(
      `decode: ids must be ${batch} texts of one length ≥ 1, got lengths ${ids.map((t) => t.length).join(", ") || "of none"}.`,
    );
  }
  if (length + T > most) {
    throw new OptionError(
      `decode: text must fit the ${most} learned positions of this model, got ${length + T} tokens. Ask for fewer.`,
    );
  }
  if (!(Number.isInteger(rows) && rows >= 1 && rows <= T)) {
    throw new OptionError(`decode: rows must be 1 to the ${T} tokens that are read, got ${rows}.`);
  }
}

/** Rows of logits of consecutive blocks, `[B, rows, V]` each, as one. */
function joinRows(parts: readonly Float32Array[], batch: number): Float32Array {
  const [first = new Float32Array(), ...more] = parts;
  if (more.length === 0) return first;
  const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (let b = 0; b < batch; b++) {
    for (const part of parts) {
      const size = part.length / batch;
      all.set(part.subarray(b * size, (b + 1) * size), at);
      at += size;
    }
  }
  return all;
}

/** Longest text that a model has places for: its table of learned positions, or no limit. */
export function longestText({ position, context }: CausalLMConfig): number {
  return position.type === "learned" ? context : Infinity;
}

/** Compiles `config` with `params` as constants. */
export function createDecoder(
  config: CausalLMConfig,
  params: CausalLMParams,
  options: DecoderOptions = {},
): Decoder {
  return decoders(config, options, params).of(undefined);
}

/** Decoders of one program for parameters that change, as those of a model in training do. */
export interface Decoders {
  /** A decoder that reads `params`; the program is compiled once for all, at the first token. */
  of(params: CausalLMParams): Decoder;
  release(): Promise<void>;
}

/** Compiles `config` with its parameters as inputs: slower a token than constants, but never compiled anew. */
export function lendingDecoder(
  config: CausalLMConfig,
  options: Omit<DecoderOptions, "weightBits"> = {},
): Decoders {
  return decoders(config, options);
}

/** Decoders of one base that stays inside the program, for adapters that are inputs; the names and shapes of their leaves
 * decide whether there is a program already. */
export interface AdaptedDecoders {
  of(adapter: Adapter): Decoder;
  release(): Promise<void>;
}

/** Compiles `config` with `base` as constants, which adapters are worn beside. See `adapterSwitch`. */
export function adaptedDecoders(
  config: CausalLMConfig,
  base: CausalLMParams,
  options: Omit<DecoderOptions, "weightBits"> = {},
): AdaptedDecoders {
  return decoders<Adapter>(config, options, undefined, (adapter) => withAdapter(base, adapter));
}

function decoders<G = CausalLMParams>(
  config: CausalLMConfig,
  options: DecoderOptions,
  closed?: CausalLMParams,
  join: (given: G) => CausalLMParams = (given) => given as unknown as CausalLMParams,
): { of(given: G | undefined): Decoder; release(): Promise<void> } {
  const { weightBits, ...rest } = options;
  const shapes = cacheShapes(config);
  const block = needsWhole(config) ? Infinity : PREFILL_BLOCK;
  const symbolic = (name: string, given: Shape): Shape | undefined => {
    const [batch = 1] = given;
    const [input, layer, part] = name.split(".");
    // Parameters are of fixed sizes, but for adapters of which every text has one.
    if (input === "4")
      return /lora_\w+$/.test(name) && given.length === 3 ? [SIZES.texts, ...given.slice(1)] : undefined;
    if (input === "0") return [batch === 1 ? 1 : SIZES.texts, SIZES.fresh];
    if (input === "1") return [SIZES.wanted];
    if (input === "2") return [SIZES.tokens];
    const shape = shapes[Number(layer)]?.[part ?? ""];
    return shape && inputShape(shape, batch);
  };
  // What is closed over; made of few bits before the first token is read.
  let constants = weightBits === undefined ? closed : undefined;
  let few: Promise<CausalLMParams> | undefined;
  const program = compile(
    (ids: Tensor, rows: Tensor, past: Tensor, inputs: readonly State[], given: G | undefined) => {
      const params =
        given === undefined ? (constants ?? unreachable("a decoder without parameters")) : join(given);
      const [S = 0] = past.shape;
      const end = addDims(S, ids.shape[1] ?? 1);
      const cache = withoutRoom(shapes, inputs, S);
      const out = causalLM(config, params, ids, { cache, past: S, rows });
      return { logits: out.logits, added: addedTo(shapes, out.cache, S, end) };
    },
    { ...rest, symbolic },
  );
  const step = async (
    given: G | undefined,
    state: DecodeState,
    ids: readonly (readonly number[])[],
    rows: number,
  ) => {
    if (closed && weightBits) constants ??= await (few ??= inBits(config, closed, weightBits));
    const T = ids[0]?.length ?? 0;
    const flat = tensor(Int32Array.from(ids.flat()), { shape: [ids.length, T] });
    const wanted = tensor(Int32Array.from({ length: rows }, (_, i) => T - rows + i));
    // How many tokens went before is told by a length, so that models without growing caches know it too.
    const past = tensor(new Uint8Array(state.length));
    const { logits, added } = await program(flat, wanted, past, cacheInputs(shapes, state), given);
    const news = ((await added.rows?.data()) ?? new Float32Array()) as Float32Array;
    return { logits, state: keep(state, shapes, T, news, added.fixed) };
  };
  const of = (given: G | undefined): Decoder => ({
    config,
    async start(batch = 1) {
      return nothingKept(shapes, batch);
    },
    async advance(state, ids, rows = 1) {
      const T = ids[0]?.length ?? 0;
      checkCall(config, state, ids, rows);
      const parts: Float32Array[] = [];
      let now = state;
      for (let at = 0; at < T; at += block) {
        const end = Math.min(at + block, T);
        // A block that nobody asked anything of gives the row after its last token, which nobody reads.
        const wanted = Math.min(end - at, Math.max(0, rows - (T - end)));
        const texts = ids.map((text) => text.slice(at, end));
        const out = await step(given, now, texts, Math.max(1, wanted));
        now = out.state;
        if (wanted > 0) parts.push((await out.logits.data()) as Float32Array);
      }
      return { logits: joinRows(parts, ids.length), state: now };
    },
    release: () => program.release(),
  });
  return { of, release: () => program.release() };
}

// The contract of a mixer: how the tokens of one layer see one another. It knows no kind; `mixers/all.ts` lists them.
import { OptionError } from "../errors.ts";
import type { Maps, Parameter } from "../nn/index.ts";
import { createPosition, noPosition, type Position, type PositionSpec } from "../position/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { CacheShape } from "./cache.ts";
import type { FieldsOf } from "./fields.ts";

/** How positions enter the model: a way of scoring, or a table of learned positions added to the embeddings. */
export type PositionConfig = PositionSpec | { readonly type: "learned" };

/**
 * Which maps have biases: all of a model and its layer norms (`all`), the four of attention (`attention`), those of
 * queries, keys and values (`qkv`, Qwen2), those of the MLP (`mlp`), or none.
 */
export type Bias = "all" | "attention" | "qkv" | "mlp" | "none";

/** What one norm of queries or keys runs over: one head, or all heads of a token. */
export type HeadNormOver = "head" | "all";

/** All that a mixer may know of its model. Widths in numbers of elements. */
export interface Layer {
  /** Place among the layers, from 0. */
  readonly index: number;
  /** Longest text of the training. */
  readonly context: number;
  /** Width `C` of the residual stream. */
  readonly width: number;
  /** Query heads `H`; key-value heads `G` divide them. */
  readonly heads: number;
  readonly keyValueHeads: number;
  /** Width `D` of a head. */
  readonly headWidth: number;
  readonly bias: Bias;
  /** RMS norm of queries and keys. */
  readonly headNorm: boolean;
  readonly headNormOver?: HeadNormOver;
  /** Factor of the scores; default `1/√D`. */
  readonly scoreScale?: number;
  readonly normEpsilon: number;
  readonly position: PositionConfig;
  /** How a linear map of any kind is applied: never multiply by a `weight` yourself. */
  readonly maps: Maps;
}

/** A linear map from `from` numbers to `out`. Its leaves are those of whatever kind the configuration chooses. */
export interface Matrix {
  readonly out: number;
  readonly from: number;
  readonly bias?: boolean;
  /** `residual`: it writes into the residual stream, and begins smaller the more layers do. Default `normal`. */
  readonly init?: "normal" | "residual";
}

/** What a layer keeps of the tokens so far, by name. */
export type State = Readonly<Record<string, Tensor>>;

/** Where the tokens are, and who may see whom. */
export interface Places {
  /** `[T]`, int32: places of the new tokens. */
  readonly queries: Tensor;
  /** `[S + T]`, int32: places of all tokens so far. The same tensor as `queries` where none went before. */
  readonly keys: Tensor;
  /**
   * True where a query may look, of a shape that broadcasts to `[B, H, T, S + T]`; default: at itself and what stands
   * before it. Only mixers that say so take another.
   */
  readonly mask?: Tensor;
  /**
   * `[B, T]`, int32: places of the new tokens in their own texts, where those begin with padding (`mask` hides it);
   * default: `queries`. Scores that follow from distances alone need none.
   */
  readonly own?: Tensor;
}

/** What a mixer gives. */
export interface Mixed<S, Seen> {
  /** `[B, T, C]`. */
  readonly y: Tensor;
  /** What is kept of all tokens so far; of the shapes that `cache` lists. */
  readonly cache: S;
  /** Scalar to add to a training loss, weighted already. */
  readonly loss?: Tensor;
  /** What `learn` is to be told of these tokens: sums, so that those of parts of a batch add up. */
  readonly seen?: Seen;
}

/**
 * A kind of mixer. `C` is what a configuration says of it, `P` its parameters, `S` what it keeps of the tokens so far,
 * `Seen` what its codebooks learn from. Its functions are pure: everything they need is given.
 */
export interface Mixer<C extends { readonly type: string }, P, S extends State = State, Seen = never> {
  readonly type: C["type"];
  /** Its fields: what each may hold. */
  readonly needs: FieldsOf<C>;
  /** How positions enter a model of this kind unless it says otherwise. */
  readonly usualPosition: "rope" | "learned" | "none";
  /** Whether it honours `Places.mask`. */
  readonly takesMask?: true;
  /** Whether it goes on from its state alone, wherever it is: `Places` are nothing to it. */
  readonly placeless?: true;
  /** Whether it honours `Layer.scoreScale`. */
  readonly takesScale?: true;
  /** @throws OptionError for a layer in which it means nothing, with the reason (`refuse`). */
  check?(config: C, layer: Layer): void;
  /** Its matrices and other parameters by name under `self_attn`, in the order of files. */
  parameters(config: C, layer: Layer): Readonly<Record<string, Matrix | Parameter>>;
  /** Shapes of what it keeps. All begin as zeros. */
  cache(config: C, layer: Layer): Readonly<Record<string, CacheShape>>;
  /**
   * Mixes `T` tokens: a text from its start if there is nothing `before`, else those that follow. Both give the same.
   * @param x `[B, T, C]`, normalised.
   */
  mix(config: C, layer: Layer, params: P, x: Tensor, before: S | undefined, at: Places): Mixed<S, Seen>;
  /**
   * Scores of a text of known length before their softmax, `[B, H, T, T]`, `OUT_OF_SIGHT` or less where a query may
   * not look; for pictures. Absent where there are none.
   */
  scores?(config: C, layer: Layer, params: P, x: Tensor): Tensor;
  /** Parameters after one batch, of those that no gradient moves. */
  learn?(params: P, seen: Seen): P;
}

/** Scores far below any that a model makes stand for keys out of sight. */
export const OUT_OF_SIGHT = -1e8;

/** How queries and keys of a layer score each other; learned positions were added to the embeddings. */
export function positionOf({ position }: Layer): Position {
  return position.type === "learned" ? noPosition() : createPosition(position);
}

/** @throws OptionError saying why a layer cannot be of this kind. */
export function refuse({ type }: { readonly type: string }, { index }: Layer, why: string): never {
  throw new OptionError(`causalLM: layer ${index}: ${type} attention ${why}.`);
}

/** Refuses positions that act on scores, for kinds that make none. @param instead What to do about it. */
export function refuseScores(config: { readonly type: string }, layer: Layer, instead: string): void {
  const { position } = layer;
  if (position.type === "learned") return;
  if (position.type !== "none") {
    refuse(config, layer, `has no scores for ${position.type} to act on; ${instead}`);
  }
  const more = Object.keys(position).filter((key) => key !== "type");
  if (more.length > 0) {
    refuse(config, layer, `has no scores for ${more.join(", ")} to act on; leave it out`);
  }
}

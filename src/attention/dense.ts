// Vaswani et al. 2017, section 3.2.1. https://arxiv.org/abs/1706.03762
// Grouped queries: Ainslie et al. 2023, "GQA". https://arxiv.org/abs/2305.13245
import { ShapeError } from "../errors.ts";
import { chooseByDistance, type Position, type Turns, type TurnsByDistance } from "../position/position.ts";
import {
  broadcastTo,
  checkShapes,
  concat,
  type Dim,
  divideDims,
  expandDims,
  matmul,
  mulDims,
  narrow,
  reshape,
  type Tensor,
} from "../tensor/index.ts";
import { causalMask, maskedSoftmax } from "./masked.ts";

export interface AttendOptions {
  /** How queries and keys score each other. */
  readonly position: Position;
  /** `[T]` and `[S]`, int32: where queries and keys stand. */
  readonly queryPositions: Tensor;
  readonly keyPositions: Tensor;
  /** `[T, S]`, true where a query may look; default causal: `keyPosition ≤ queryPosition`. */
  readonly mask?: Tensor;
  /** Factor of the scores; default `1/√D`. */
  readonly scale?: number;
}

/**
 * Scaled dot-product attention, `softmax(scores(q, k)) v`.
 * @param q Queries `[B, H, T, D]`. @param k Keys `[B, G, S, D]`, `G` divides `H`. @param v Values `[B, G, S, E]`.
 * @returns `[B, H, T, E]`. @throws ShapeError if one letter stands for two sizes.
 */
export function attend(q: Tensor, k: Tensor, v: Tensor, options: AttendOptions): Tensor {
  const { H, G, D } = checkShapes("attend", {
    q: [q, "B~ H T~ D"],
    k: [k, "B~ G S~ D"],
    v: [v, "B~ G S~ E"],
    queryPositions: [options.queryPositions, "T~"],
    keyPositions: [options.keyPositions, "S~"],
  });
  const { position, queryPositions, keyPositions, mask, scale = 1 / Math.sqrt(D) } = options;
  const R = H / G;
  if (!Number.isInteger(R)) {
    throw new ShapeError(`attend: key-value heads must divide the query heads, got ${G} and ${H}.`);
  }
  const [, , T = 1] = q.shape;
  const { turn, byDistance } = position;
  // Turned once where a key's turn depends on its own place alone; otherwise scored block by block.
  const turns = turn ? [turn] : byDistance && T !== 1 ? [byDistance.near, byDistance.far] : [];
  const turned = turns.map(({ query, key }) => [query(q, queryPositions), key(k, keyPositions)] as const);
  const repeated = turned.length > 0 ? k : repeatHeads(k, R);
  /** Queries `[from, to)` on the keys before `end`. */
  const part = (from: Dim, to: Dim, end: Dim, seen: Tensor): Tensor => {
    const i = narrow(queryPositions, 0, from, to);
    const j = narrow(keyPositions, 0, 0, end);
    const [near, far] = turned.map(([a, c]) =>
      groupedScores(narrow(a, 2, from, to), narrow(c, 2, 0, end), scale),
    );
    const scores = (): Tensor =>
      position.scores(narrow(q, 2, from, to), narrow(repeated, 2, 0, end), i, j, scale);
    const one = far && near && byDistance ? chooseByDistance(near, far, i, j, byDistance.window) : near;
    return mix(one ?? scores(), narrow(v, 2, 0, end), R, seen);
  };
  const [, , S = 1] = k.shape;
  const causal = mask === undefined && queryPositions === keyPositions;
  const blocks = causal && !position.whole ? causalBlocks(T) : [];
  if (blocks.length < 2) return part(0, T, S, mask ?? causalMask(queryPositions, keyPositions));
  return concat(
    blocks.map(([start, end]) =>
      part(
        start,
        end,
        end,
        causalMask(narrow(queryPositions, 0, start, end), narrow(keyPositions, 0, 0, end)),
      ),
    ),
    2,
  );
}

/** What attention is told of keys that a cache holds turned. */
export interface AttendTurnedOptions extends Omit<AttendOptions, "position"> {
  readonly byDistance: TurnsByDistance;
}

/**
 * `attend` for keys that were turned before, once for near and once for far queries.
 * @param keys Each `[B, G, S, D]`. Other shapes as for `attend`.
 */
export function attendByDistance(
  q: Tensor,
  keys: { readonly near: Tensor; readonly far: Tensor },
  v: Tensor,
  { byDistance, queryPositions, keyPositions, mask, scale }: AttendTurnedOptions,
): Tensor {
  const { H, G, D } = checkShapes("attendByDistance", {
    q: [q, "B~ H T~ D"],
    near: [keys.near, "B~ G S~ D"],
    far: [keys.far, "B~ G S~ D"],
    v: [v, "B~ G S~ E"],
  });
  const { near, far, window } = byDistance;
  const product = (turn: Turns, k: Tensor): Tensor =>
    groupedScores(turn.query(q, queryPositions), k, scale ?? 1 / Math.sqrt(D));
  const scores = chooseByDistance(
    product(near, keys.near),
    product(far, keys.far),
    queryPositions,
    keyPositions,
    window,
  );
  return mix(scores, v, H / G, mask ?? causalMask(queryPositions, keyPositions));
}

/** `scale · q kᵀ`. @param q `[B, H, T, D]`. @param k `[B, G, S, D]`. @returns `[B, H, T, S]`. */
function groupedScores(q: Tensor, k: Tensor, scale: number): Tensor {
  const R = Number(q.shape[1]) / Number(k.shape[1]);
  return ungroup(matmul(group(q, R), k, { transposeB: true, scale }), R);
}

/** `softmax(scores) v` where `mask` holds. @param scores `[B, H, T, S]`. @param v `[B, H/R, S, E]`. */
function mix(scores: Tensor, v: Tensor, R: number, mask: Tensor): Tensor {
  const weights = maskedSoftmax(scores, mask);
  return ungroup(matmul(group(weights, R), v), R);
}

/** The R query heads of a group as more rows of one product: `[B, G·R, T, X]` to `[B, G, R·T, X]`. */
function group(x: Tensor, R: number): Tensor {
  const [B = 1, H = 1, T = 1, X = 1] = x.shape;
  return R === 1 ? x : reshape(x, [B, Number(H) / R, mulDims(R, T), X]);
}

/** The inverse of `group`: `[B, G, R·T, X]` to `[B, G·R, T, X]`. */
function ungroup(x: Tensor, R: number): Tensor {
  const [B = 1, G = 1, rows = 1, X = 1] = x.shape;
  const T = divideDims(rows, R);
  if (T === undefined) throw new ShapeError(`attend: ${rows} rows must be a multiple of ${R}.`);
  return R === 1 ? x : reshape(x, [B, Number(G) * R, T, X]);
}

/**
 * Blocks of queries in which a causal row sees only keys up to its block's end: with n blocks the work falls from
 * T² to T²(n + 1)/2n. At least 64 rows each, so that products stay worthwhile; none for an unknown length.
 */
function causalBlocks(T: number | string | undefined): [start: number, end: number][] {
  if (typeof T !== "number" || T < 128) return [];
  const size = Math.max(64, Math.ceil(T / 8));
  return Array.from({ length: Math.ceil(T / size) }, (_, i) => [i * size, Math.min(T, (i + 1) * size)]);
}

/** Each key-value head repeated for the `times` query heads of its group: `[B, G, S, D]` to `[B, G·times, S, D]`. */
export function repeatHeads(x: Tensor, times: number): Tensor {
  const [B = 1, G = 1, S = 1, D = 1] = x.shape;
  if (times === 1) return x;
  return reshape(broadcastTo(expandDims(x, 2), [B, G, times, S, D]), [B, Number(G) * times, S, D]);
}

// Su 2023, "Transformer upgrade path 15: key normalisation helps length extrapolation". https://kexue.fm/archives/9859
import { checkOptions, OptionError } from "../errors.ts";
import { add, cast, expandDims, log, sqrt, square, sum, type Tensor } from "../tensor/index.ts";
import { type Position, rescored } from "./position.ts";

/** Added to a squared length: a zero vector stays zero, and its derivative finite. */
const SMALLEST = 1e-20;

/** `x / ‖x‖` over the last axis. */
function unit(x: Tensor): Tensor {
  return x.div(sqrt(add(sum(square(x), { axis: -1, keep: true }), SMALLEST)));
}

/** Keys of length one and no `1/√D`: `q·k/‖k‖` under `inner`. For models trained with it. */
export function keyNormalised(inner: Position): Position {
  return rescored(inner, (q, k, i, j) => inner.scores(q, unit(k), i, j, 1));
}

/** Queries of length one and no `1/√D`: the counterpart that the article tries beside it, and that does not help. */
export function queryNormalised(inner: Position): Position {
  return rescored(inner, (q, k, i, j) => inner.scores(unit(q), k, i, j, 1));
}

/**
 * Cosine attention: queries and keys of length one, scores times `4 ln n`.
 * @param options `count` is `n`: a number (half the training length), or `causal` for position plus one.
 */
export function cosineAttention(inner: Position, options: { readonly count: number | "causal" }): Position {
  checkOptions("cosineAttention", options, ["count"]);
  const { count } = options;
  if (count !== "causal" && !(count > 1)) {
    throw new OptionError(`cosineAttention: count must be "causal" or a number above 1, got ${count}.`);
  }
  return rescored(inner, (q, k, i, j) => {
    if (count !== "causal") return inner.scores(unit(q), unit(k), i, j, 4 * Math.log(count));
    const wide = q.dtype === "float16" ? "float32" : q.dtype;
    const n = cast(expandDims(log(add(cast(i, wide), 1)), 1), q.dtype); // [T, 1]
    return inner.scores(unit(q).mul(n), unit(k), i, j, 4);
  });
}

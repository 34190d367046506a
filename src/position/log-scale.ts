// Entropy-invariant softmax: Su 2021, https://kexue.fm/archives/8823 (with κ), and 2022,
// https://kexue.fm/archives/9034 (a shorter derivation). Post-hoc form: Su 2023, https://kexue.fm/archives/9706
import { checkOptions, OptionError } from "../errors.ts";
import { add, cast, checkShapes, expandDims, log, maximum, max, type Tensor } from "../tensor/index.ts";
import { type Position, productPosition, rescored, type Turns } from "./position.ts";

/** How many keys a query is said to see: `causal` its position plus one, `all` every key (bidirectional). */
export type KeyCount = "causal" | "all";

export interface LogScaleOptions {
  /** Length `N` at which the factor is one: that of training. */
  readonly trainingLength: number;
  /** Default `causal`. */
  readonly count?: KeyCount;
}

/** `ln n` of each query, `[T, 1]`. */
function logCount(
  dtype: Tensor["dtype"],
  queryPositions: Tensor,
  keyPositions: Tensor,
  count: KeyCount,
): Tensor {
  const wide = dtype === "float16" ? "float32" : dtype;
  const last = count === "causal" ? queryPositions : queryPositions.mul(0).add(max(keyPositions));
  return expandDims(log(add(cast(last, wide), 1)), 1);
}

function check(where: string, { trainingLength, count = "causal" }: LogScaleOptions): void {
  if (!Number.isInteger(trainingLength) || trainingLength < 2) {
    throw new OptionError(`${where}: trainingLength must be a whole number ≥ 2, got ${trainingLength}.`);
  }
  if (count !== "causal" && count !== "all") {
    throw new OptionError(`${where}: count must be "causal" or "all", got ${String(count)}.`);
  }
}

/** `inner` with queries multiplied by a factor `[T, 1]`, from `ln n`. */
function withFactor(inner: Position, count: KeyCount, factor: (logCount: Tensor) => Tensor): Position {
  const scaled = (q: Tensor, i: Tensor, j: Tensor): Tensor => {
    checkShapes("logScaled", { q: [q, "B~ H~ T~ D"], queryPositions: [i, "T~"] });
    return q.mul(cast(factor(logCount(q.dtype, i, j, count)), q.dtype));
  };
  const { turn, byDistance } = inner;
  const scaledTurns = ({ query, key }: Turns): Turns => ({ query: (q, i) => query(scaled(q, i, i), i), key });
  // A count of all keys is not known from a query's place alone.
  if (turn && count === "causal") return productPosition(scaledTurns(turn));
  if (byDistance && count === "causal") {
    const { near, far, window } = byDistance;
    return {
      scores: (q, k, i, j, scale) => inner.scores(scaled(q, i, j), k, i, j, scale),
      byDistance: { near: scaledTurns(near), far: scaledTurns(far), window },
    };
  }
  const plain = rescored(inner, (q, k, i, j, scale) => inner.scores(scaled(q, i, j), k, i, j, scale));
  return count === "all" ? { ...plain, whole: true } : plain;
}

/**
 * Trained in: queries times `ln n / ln N`, so that attention keeps its focus as keys are added. Train and run with
 * it. A lone key gives factor 0, which its softmax ignores.
 */
export function logScaled(inner: Position, options: LogScaleOptions): Position {
  checkOptions("logScaled", options, ["trainingLength", "count"]);
  check("logScaled", options);
  const { trainingLength: N, count = "causal" } = options;
  return withFactor(inner, count, (ln) => ln.mul(1 / Math.log(N)));
}

/** After training: queries times `max(1, ln n / ln N)`, which changes nothing up to `N`. */
export function logScaledAfter(inner: Position, options: LogScaleOptions): Position {
  checkOptions("logScaledAfter", options, ["trainingLength", "count"]);
  check("logScaledAfter", options);
  const { trainingLength: N, count = "causal" } = options;
  return withFactor(inner, count, (ln) => maximum(ln.mul(1 / Math.log(N)), 1));
}

/**
 * The derived form, scores `κ ln n / D · q kᵀ` in place of the caller's scale. `κ = √D / ln 512` equals the usual
 * scale at n = 512; `1/0.24` holds the entropy of random unit-variance heads constant.
 */
export function entropyInvariant(
  inner: Position,
  { kappa, count = "causal" }: { readonly kappa: number; readonly count?: KeyCount },
): Position {
  if (!(kappa > 0)) throw new OptionError(`entropyInvariant: kappa must be above 0, got ${kappa}.`);
  check("entropyInvariant", { trainingLength: 2, count });
  const plain = rescored(inner, (q, k, i, j) => {
    const { D } = checkShapes("entropyInvariant", { q: [q, "B~ H~ T~ D"], queryPositions: [i, "T~"] });
    const factor = logCount(q.dtype, i, j, count);
    return inner.scores(q.mul(cast(factor, q.dtype)), k, i, j, kappa / D);
  });
  return count === "all" ? { ...plain, whole: true } : plain;
}

// Sliding window: Beltagy et al. 2020, "Longformer", section 3.1. https://arxiv.org/abs/2004.05150
// Λ-mask: Han et al. 2023, "LM-Infinite", section 3.2, https://arxiv.org/abs/2308.16137; Xiao et al. 2023,
// "StreamingLLM", section 3.2, https://arxiv.org/abs/2309.17453
import { checkOptions, OptionError } from "../errors.ts";
import {
  and,
  checkShapes,
  expandDims,
  full,
  greaterEqual,
  less,
  or,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { type Position, rescored } from "./position.ts";
import { checkWhole } from "./scale.ts";

export interface WindowOptions {
  /** A query sees the keys at distances `0 ≤ D < window`. */
  readonly window: number;
  /** How many of the first tokens stay visible for ever (the other leg of Λ); default 0. */
  readonly sinks?: number;
}

/** What a hidden score becomes: far below any other, yet finite. */
const HIDDEN = -1e9;

function checked(where: string, options: WindowOptions): Required<WindowOptions> {
  checkOptions(where, options, ["window", "sinks"]);
  const { window, sinks = 0 } = options;
  checkWhole(where, "window", window);
  if (!Number.isInteger(sinks) || sinks < 0) {
    throw new OptionError(`${where}: sinks must be a whole number ≥ 0, got ${sinks}.`);
  }
  return { window, sinks };
}

/**
 * The causal sliding window, with `sinks` the Λ-mask.
 * @param queryPositions `[T]`, int32. @param keyPositions `[S]`, int32.
 * @returns `[T, S]`, true where a query may look.
 */
export function windowMask(queryPositions: Tensor, keyPositions: Tensor, options: WindowOptions): Tensor {
  const { window, sinks } = checked("windowMask", options);
  checkShapes("windowMask", { queryPositions: [queryPositions, "T~"], keyPositions: [keyPositions, "S~"] });
  const distance = expandDims(queryPositions, 1).sub(expandDims(keyPositions, 0)); // [T, S]
  const inside = less(distance, window);
  const visible = sinks > 0 ? or(inside, expandDims(less(keyPositions, sinks), 0)) : inside;
  return and(visible, greaterEqual(distance, 0));
}

/**
 * `inner` with the scores outside the window hidden: a layer that sees `window` tokens (and the first `sinks`),
 * wherever scores are used. LM-Infinite is `windowed(rerope({ window: N }), { window: N, sinks: 4 })`, which clips
 * the distance of the first tokens.
 */
export function windowed(inner: Position, options: WindowOptions): Position {
  checked("windowed", options);
  return rescored(inner, (q, k, queryPositions, keyPositions, scale) => {
    const scores = inner.scores(q, k, queryPositions, keyPositions, scale);
    const seen = windowMask(queryPositions, keyPositions, options);
    return scores.add(where(seen, full([], 0, { dtype: q.dtype }), HIDDEN));
  });
}

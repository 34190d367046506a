// Losses over token predictions.
import {
  addAlongAxis,
  cast,
  customGradient,
  exp,
  expandDims,
  logSoftmax,
  mean,
  squeeze,
  sum,
  takeAlongAxis,
  type Tensor,
} from "../tensor/index.ts";

/** Log-probability of each target, and a derivative that reuses the log-probabilities' memory. */
const targetLogProb = customGradient(
  (logits: Tensor, targets: Tensor) => {
    const logProbs = logSoftmax(logits);
    return [squeeze(takeAlongAxis(logProbs, expandDims(targets, -1)), -1), logProbs];
  },
  ({ cotangents: [g], inputs: [, targets], results: [, logProbs] }) => {
    if (!g || !logProbs) throw new Error("crossEntropy: cotangent missing");
    // ∂ log p(target) / ∂ logits = onehot − softmax. The cotangent is one number a row.
    const column = expandDims(g, -1);
    const spread = exp(logProbs).mul(column.neg());
    return [addAlongAxis(spread, expandDims(targets, -1), column), null];
  },
);

/**
 * Cross-entropy in nats, `mean(−log softmax(logits)[target])`. Besides the logits it holds one array of their size.
 * @param logits `[…, V]`. @param targets `[…]`, int32 in `[0, V)`.
 * @param options `mask` `[…]`: weights of the positions (default all 1); the mean is over their sum.
 */
export function crossEntropy(logits: Tensor, targets: Tensor, { mask }: { mask?: Tensor } = {}): Tensor {
  const [logProbs] = targetLogProb(logits, targets);
  if (logProbs === undefined) throw new Error("crossEntropy: result missing");
  if (mask === undefined) return mean(logProbs).neg();
  const weights = cast(mask, logits.dtype);
  return sum(logProbs.mul(weights)).div(sum(weights)).neg();
}

// Losses over token predictions.
import {
  addAlongAxis,
  cast,
  customGradient,
  expandDims,
  full,
  log,
  max,
  mean,
  softmax,
  squeeze,
  sum,
  takeAlongAxis,
  type Tensor,
} from "../tensor/index.ts";

/**
 * Log-probability of each target. The softmax is kept instead of its logarithm, because its derivative needs it:
 * with `m` the largest logit and `p_max` the largest probability (never below 1/V), `log Σ e^x = m − log p_max`.
 */
const targetLogProb = customGradient(
  (logits: Tensor, targets: Tensor) => {
    const probabilities = softmax(logits);
    const logSum = max(logits, { axis: -1 }).sub(log(max(probabilities, { axis: -1 })));
    const chosen = squeeze(
      takeAlongAxis(logits, expandDims(targets, -1), -1, { what: "crossEntropy: targets" }),
      -1,
    );
    return [chosen.sub(logSum), probabilities];
  },
  ({ cotangents: [g], inputs: [, targets], results: [, probabilities] }) => {
    if (!g || !targets || !probabilities) throw new Error("crossEntropy: cotangent missing");
    // ∂ log p(target) / ∂ logits = onehot − p, times one cotangent a row. A constant cotangent (that of a mean)
    // then passes into the products behind it.
    const index = expandDims(targets, -1);
    const minusOnes = full(index.shape, -1, { dtype: probabilities.dtype });
    return [addAlongAxis(probabilities, index, minusOnes).mul(expandDims(g, -1).neg()), null];
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

// Losses of predictions beside targets of the same shape. A target of another shape is refused: that it would broadcast is
// seldom what is meant.
import { OptionError, ShapeError } from "../errors.ts";
import { type Tensor } from "../tensor/index.ts";

function requireAlike(where: string, prediction: Tensor, target: Tensor): void {
  const fine = prediction.rank === target.rank && prediction.shape.every((d, i) => d === target.shape[i]);
  if (fine) return;
  throw new ShapeError(
    `${where}: target must be [${prediction.shape.join(", ")}] as the prediction, got [${target.shape.join(", ")}].`,
  );
}

/** Mean squared error, `mean((prediction − target)²)`. */
export function meanSquaredError(prediction: Tensor, target: Tensor): Tensor {
  requireAlike("meanSquaredError", prediction, target);
  return prediction.sub(target).square().mean();
}

/**
 * Huber's loss: `½ d²` where `|d| ≤ δ` for `d = prediction − target`, else `δ (|d| − ½ δ)`; the mean over all elements.
 * Huber 1964, https://doi.org/10.1214/aoms/1177703732
 * @param options `delta` δ > 0; default 1.
 */
export function huber(prediction: Tensor, target: Tensor, { delta = 1 }: { delta?: number } = {}): Tensor {
  requireAlike("huber", prediction, target);
  if (!(delta > 0)) throw new OptionError(`huber: delta must be above 0, got ${delta}.`);
  const size = prediction.sub(target).abs();
  // q (|d| − ½ q) with q = min(|d|, δ) is either.
  const q = size.clip(0, delta);
  return q.mul(size.sub(q.mul(0.5))).mean();
}

/**
 * Binary cross-entropy of probabilities in nats, `−mean(z log p + (1 − z) log(1 − p))`. A probability of 0 counts as the
 * least number of its type; where logits are at hand, `binaryCrossEntropyWithLogits` loses nothing.
 * @param p Probabilities. @param z Targets in `[0, 1]`, like `p`.
 */
export function binaryCrossEntropy(p: Tensor, z: Tensor): Tensor {
  requireAlike("binaryCrossEntropy", p, z);
  const least = p.dtype === "float16" ? 2 ** -14 : 2 ** -126;
  const logOf = (q: Tensor): Tensor => q.clip(least, 1).log();
  const other = p.neg().add(1);
  return z
    .mul(logOf(p))
    .add(z.neg().add(1).mul(logOf(other)))
    .mean()
    .neg();
}

/** Binary cross-entropy of `sigmoid(logits)`, `mean(log(1 + eˣ) − z x)`, exact at any size. @param z Targets in `[0, 1]`. */
export function binaryCrossEntropyWithLogits(logits: Tensor, z: Tensor): Tensor {
  requireAlike("binaryCrossEntropyWithLogits", logits, z);
  return logits.softplus().sub(z.mul(logits)).mean();
}

// How well pictures come back.
import { binaryCrossEntropyWithLogits, meanSquaredError } from "../../nn/index.ts";
import { sigmoid, type Tensor } from "../../tensor/index.ts";
import type { ImageSpace } from "./method.ts";

/**
 * Trained on the binary cross-entropy of each channel as if its brightness were a probability, which is steeper than the
 * squared error where a pixel is black or white; the squared error is shown.
 */
export function pixelLoss(logits: Tensor, pixels: Tensor): { readonly loss: Tensor; readonly shown: Tensor } {
  return {
    loss: binaryCrossEntropyWithLogits(logits, pixels),
    shown: meanSquaredError(sigmoid(logits), pixels),
  };
}

/** Numbers of a picture. */
export function pixelCount({ channels, height, width }: ImageSpace): number {
  return channels * height * width;
}

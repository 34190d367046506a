// How well a model predicts text it was not trained on, in nats per token and bits per byte.
import { causalLM, type CausalLMConfig, type CausalLMParams } from "../model/index.ts";
import { crossEntropy } from "../nn/index.ts";
import { compile, type Device, type Tensor, tensor } from "../tensor/index.ts";
import { emptyBatch, fillRow, tensorsOf } from "./batches.ts";
import type { Ids } from "./corpus.ts";

/** A sequence of a text: the tokens from `start` on predict those after them, scored from the `from`-th on. */
export interface Window {
  readonly start: number;
  readonly from: number;
}

/** Sums over the scored tokens. */
export interface Score {
  readonly nats: number;
  readonly tokens: number;
  /** Bytes of text that the tokens stand for. */
  readonly bytes: number;
}

/** Mean loss in nats per token. */
export function natsPerToken({ nats, tokens }: Score): number {
  return nats / tokens;
}

/** `nats / (ln 2 · bytes)`: independent of the tokenizer, and what a compressor's output divided by its input is. */
export function bitsPerByte({ nats, bytes }: Score): number {
  return nats / (Math.LN2 * bytes);
}

/** At most `most` windows of `context` tokens that do not overlap, evenly spread over `length` tokens. */
export function spreadWindows(length: number, context: number, most: number): Window[] {
  const all = Math.floor((length - 1) / context);
  const count = Math.min(all, most);
  return Array.from({ length: count }, (_, i) => ({
    start: Math.floor((i * all) / count) * context,
    from: 0,
  }));
}

/**
 * Windows that score every token of a text but the first exactly once, each after at least `context − stride` others
 * (but for the beginning).
 */
export function slidingWindows(length: number, context: number, stride: number): Window[] {
  const windows: Window[] = [{ start: 0, from: 0 }];
  for (let scored = context; scored < length - 1; ) {
    const start = Math.min(scored + stride, length - 1) - context;
    windows.push({ start, from: scored - start });
    scored = start + context;
  }
  return windows;
}

/** A compiled validation. */
export interface Validator {
  /** Scores `windows` of `ids`. @param bytesOf Bytes that each id stands for. */
  score(params: CausalLMParams, ids: Ids, windows: readonly Window[], bytesOf: Int32Array): Promise<Score>;
  release(): Promise<void>;
}

/** Compiles the validation of a model, `batch` windows of `context` tokens at a time; default the model's context. */
export function validator(
  config: CausalLMConfig,
  {
    batch,
    context = config.context,
    device,
  }: { readonly batch: number; readonly context?: number; readonly device?: Device },
): Validator {
  const loss = compile(
    (params: CausalLMParams, ids: Tensor, targets: Tensor, mask: Tensor) =>
      crossEntropy(causalLM(config, params, ids).logits, targets, { mask }),
    device === undefined ? {} : { device },
  );
  return {
    async score(params, ids, windows, bytesOf) {
      const total = { nats: 0, tokens: 0, bytes: 0 };
      for (let first = 0; first < windows.length; first += batch) {
        const part = emptyBatch(batch, context);
        const mask = new Float32Array(batch * context);
        let scored = 0;
        windows.slice(first, first + batch).forEach(({ start, from }, row) => {
          fillRow(part, row, ids, start, context);
          const end = Math.min(context, ids.length - 1 - start);
          mask.fill(1, row * context + from, row * context + end);
          scored += end - from;
          for (let i = from; i < end; i++) total.bytes += bytesOf[ids[start + 1 + i] ?? 0] ?? 0;
        });
        const [inputs, targets] = tensorsOf(part);
        const mean = await loss(params, inputs, targets, tensor(mask, { shape: [batch, context] }));
        total.nats += (await mean.item()) * scored;
        total.tokens += scored;
      }
      return total;
    },
    release: () => loss.release(),
  };
}

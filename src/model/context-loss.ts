// How a model uses context: the same last tokens scored under growing context. Su 2023, https://kexue.fm/archives/9948
import { OptionError } from "../errors.ts";
import type { Decoder } from "./decode.ts";

/** Mean loss at one length of context. */
export interface ContextLoss {
  /** Tokens fed in all, the scored ones included. */
  readonly context: number;
  /** Nats per token over the scored tokens. */
  readonly loss: number;
  /** Share of scored tokens that were the most probable. */
  readonly accuracy: number;
  readonly tokens: number;
}

/** Last tokens of stretches of `text` that end at the same places for every context. */
export interface ContextLossOptions {
  /** Lengths of context, tokens. */
  readonly contexts: readonly number[];
  /** How many last tokens are scored; default: all that every context predicts. */
  readonly last?: number;
  /** Stretches of text, evenly spread; default 4. */
  readonly stretches?: number;
  /** Token put before each stretch, as at the start of a text. */
  readonly bos?: number | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Scores the same tokens of `ids` with each length of context before them.
 * @param reader The model; or one for each length, where its positions follow the length. @throws OptionError when the text is shorter than the longest context.
 */
export async function contextLoss(
  reader: Decoder | ((context: number) => Decoder),
  ids: ArrayLike<number>,
  options: ContextLossOptions,
): Promise<ContextLoss[]> {
  const { contexts, stretches = 4, bos, onProgress } = options;
  const shortest = Math.min(...contexts);
  const longest = Math.max(...contexts);
  // Without a BOS token nothing stands before the first token of a context.
  const most = bos === undefined ? shortest - 1 : shortest;
  const last = options.last ?? most;
  if (contexts.length === 0 || contexts.some((c) => !Number.isInteger(c) || c < 2)) {
    throw new OptionError(`eval: contexts must be whole numbers ≥ 2, got ${contexts.join(", ")}.`);
  }
  if (!(Number.isInteger(last) && last >= 1 && last <= most)) {
    throw new OptionError(
      `eval: last must be between 1 and ${most}, which the shortest context predicts, got ${last}.`,
    );
  }
  if (ids.length < longest + 1) {
    throw new OptionError(
      `eval: the text must hold more than ${longest} tokens, got ${ids.length}. Give more text or a shorter context.`,
    );
  }
  const room = ids.length - longest;
  const count = Math.min(stretches, room);
  // Every stretch ends at the same token whatever the context.
  const ends = Array.from({ length: count }, (_, i) => longest + Math.floor(((i + 1) * room) / count));
  const results: ContextLoss[] = [];
  for (const context of contexts) {
    const decoder = typeof reader === "function" ? reader(context) : reader;
    let loss = 0;
    let right = 0;
    for (const end of ends) {
      const stretch = Array.from({ length: context }, (_, i) => ids[end - context + i] ?? 0);
      // Targets are the last tokens; each is predicted from what stands before it.
      const inputs = bos === undefined ? stretch.slice(0, -1) : [bos, ...stretch.slice(0, -1)];
      const { logits } = await decoder.advance(await decoder.start(), [inputs], last);
      const V = decoder.config.vocabulary;
      for (let r = 0; r < last; r++) {
        const { nats, best } = score(logits.subarray(r * V, (r + 1) * V), stretch[context - last + r] ?? 0);
        loss += nats / last / ends.length;
        right += Number(best) / last / ends.length;
      }
      onProgress?.(results.length * ends.length + ends.indexOf(end) + 1, contexts.length * ends.length);
    }
    results.push({ context, loss, accuracy: right, tokens: last * ends.length });
  }
  return results;
}

function score(logits: Float32Array, target: number): { nats: number; best: boolean } {
  let top = -Infinity;
  for (const x of logits) if (x > top) top = x;
  let sum = 0;
  for (const x of logits) sum += Math.exp(x - top);
  const x = logits[target] ?? -Infinity;
  return { nats: top + Math.log(sum) - x, best: x === top };
}

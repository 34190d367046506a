// How much memory a training needs at least, before anything is built.
import { type CausalLMConfig, parameterCount } from "../model/index.ts";

/**
 * Bytes that a training step holds at least: parameters, gradients and two moments, and for each token what the
 * backward pass reads of every layer, with the logits and their gradient. Real steps need more: products' own buffers
 * and the scores of attention are left out.
 * @param tokens Tokens computed at once.
 */
export function leastTrainingBytes(config: CausalLMConfig, tokens: number): number {
  const { width, hidden, layers, vocabulary } = config;
  const perToken = layers * (8 * width + 3 * hidden) + 2 * vocabulary;
  return 4 * (4 * parameterCount(config) + tokens * perToken);
}

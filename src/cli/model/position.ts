// What `--position` means: a way of scoring in place of a model's own, or what a plan that it was trained with runs with.
import { OptionError } from "../../errors.ts";
import { layerPosition } from "../../model/config.ts";
import { parametersOf } from "../../model/parameters.ts";
import { type CausalLMConfig, checkConfig } from "../../model/index.ts";
import {
  farthestDistance,
  inferencePlan,
  leakFor,
  parsePosition,
  type PositionSpec,
  readPlan,
} from "../../position/index.ts";
import { say } from "../command.ts";

/** One line for `--help`. */
export const POSITION_HELP =
  "score positions another way, e.g. yarn:scale=4, or run a plan it was trained with, e.g. hwfa2";

/**
 * `config` with its positions scored another way; base, layout and training length stay the model's. A plan (`hwfa2`,
 * `inverse-leaky-rerope`) gives its layers what a model trained with it runs with.
 * @param length Tokens that the text will have at most, where that is known: `scale=auto` is then `max(1, length/N)`, one
 *   scale for the whole text, and distances beyond those of the training are told.
 */
export function withPosition(config: CausalLMConfig, text: string, length?: number): CausalLMConfig {
  const own = Array.from({ length: config.layers }, (_, i) => layerPosition(config, i));
  if (own.some((position) => position.type === "learned")) {
    throw new OptionError(`position: a model with learned positions has no other scores, got "${text}".`);
  }
  const plan = readPlan(text);
  const changed = plan
    ? planned(
        config,
        inferencePlan(plan, own as PositionSpec[], {
          layers: config.layers,
          trainingLength: config.context,
        }),
      )
    : { ...config, position: scored(config, text, length) };
  checkConfig(changed);
  checkSameParameters(config, changed, text);
  return changed;
}

/** @throws OptionError where the model would want parameters that it was not trained with, or leave some unread. */
function checkSameParameters(own: CausalLMConfig, changed: CausalLMConfig, text: string): void {
  const [before, after] = [own, changed].map((config) => new Set(parametersOf(config).keys()));
  if (before === undefined || after === undefined) return;
  const extra = [...before].filter((name) => !after.has(name));
  const missing = [...after].filter((name) => !before.has(name));
  const [name] = [...extra, ...missing];
  if (name === undefined) return;
  throw new OptionError(
    `position: "${text}" is for a model trained ${extra.length > 0 ? "without" : "with"} ${name}, and this one was trained ${extra.length > 0 ? "with" : "without"} it. Train one with athanor train --position.`,
  );
}

/** One way of scoring for all layers. */
function scored(config: CausalLMConfig, text: string, length: number | undefined): PositionSpec {
  if (config.perLayer?.some((layer) => layer.position !== undefined)) {
    throw new OptionError(
      `position: a model whose layers have positions of their own keeps them, got "${text}". A plan that it was trained with (hwfa2) may be named.`,
    );
  }
  const { base, layout } = config.position as PositionSpec;
  const N = config.context;
  const defaults = {
    ...(base !== undefined && { base }),
    ...(layout !== undefined && { layout }),
    trainingLength: N,
  };
  const spec = parsePosition(withScale(text, N, length), defaults);
  if (length !== undefined) tellFar(spec, length, N);
  return spec;
}

/** Whether a way of scoring is another one for each length of text. */
export function followsLength(text: string): boolean {
  return /[:,]scale=auto(,|$)/.test(text);
}

/** `text` with its `scale=auto` as a number. */
function withScale(text: string, N: number, length: number | undefined): string {
  if (!followsLength(text)) return text;
  if (length === undefined) {
    throw new OptionError(
      `position: scale=auto needs a text whose length is known (generate, eval), got "${text}". Give a number.`,
    );
  }
  return text.replace("scale=auto", `scale=${Math.max(1, length / N)}`);
}

function tellFar(spec: PositionSpec, length: number, N: number): void {
  const { type, window } = spec;
  if (window === undefined || length <= N) return;
  const leak = type === "leaky-rerope" ? spec.leak : type === "self-extend" ? spec.group : Infinity;
  const farthest = Math.floor(farthestDistance(length, window, leak ?? Infinity));
  if (farthest < N) return;
  const enough = leakFor({ window, length, trainingLength: N });
  const field = type === "self-extend" ? "group" : "leak";
  const way =
    type === "rerope" || enough === Infinity
      ? `a window of at most ${Math.floor(N / 2)}`
      : `${field}=${Math.ceil(enough)}`;
  say(
    `position: ${type} shows distances up to ${farthest} in ${length} tokens, and the model was trained on ${N}: take ${way}.`,
  );
}

/** A model whose layers have these positions; alike ones make it a model of one. */
function planned(config: CausalLMConfig, plan: readonly PositionSpec[]): CausalLMConfig {
  const [first] = plan;
  const alike = plan.every((spec) => JSON.stringify(spec) === JSON.stringify(first));
  const { perLayer, ...rest } = config;
  if (alike && first && !perLayer?.some((layer) => layer.attention)) return { ...rest, position: first };
  return { ...config, perLayer: plan.map((position, i) => ({ ...perLayer?.[i], position })) };
}

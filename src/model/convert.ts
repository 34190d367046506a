// A model whose matrices take another form: projected to the nearest matrix of it, or made plain again.
import { checkOptions, OptionError } from "../errors.ts";
import { type MapParams, treeOf } from "../nn/index.ts";
import { projectMonarch } from "../structured/index.ts";
import { evaluate, flattenTree, type Tensor } from "../tensor/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import { checkConfig } from "./check-config.ts";
import type { CausalLMConfig } from "./config.ts";
import { type MapConfig, mapOf, maps } from "./linear.ts";
import { checkRules, mapConfigOf, type MapRule, matches } from "./map-rules.ts";
import { matrixNames } from "./parameters.ts";

/** Every matrix of the layers, and none of the head. */
const IN_LAYERS = "layers.*.*.*";

/** Fields of each kind that a matrix can be turned into, numbers all; an adapter is worn beside one instead. */
const FIELDS: Readonly<Record<Exclude<MapConfig["type"], "dora" | "frozen" | "lora">, readonly string[]>> = {
  dense: [],
  monarch: ["blocks", "leftBlocks"],
  nbit: ["bits"],
};

/**
 * A rule for matrices from text: the kind, then `field=number` after a colon, separated by commas; `match` says which
 * matrices (default: all of the layers).
 * @example
 * parseLinear("monarch:blocks=4,match=mlp.*");
 */
export function parseLinear(text: string): MapRule {
  const [type = "", rest = "", extra] = text.split(":");
  if (extra !== undefined) throw new OptionError(`linear: text must be kind:field=number,…, got "${text}".`);
  const { type: known } = mapOf({ type });
  const fields: Record<string, number> = {};
  let match = IN_LAYERS;
  for (const part of rest.split(",").filter((word) => word !== "")) {
    const [name = "", value = ""] = part.split("=").map((word) => word.trim());
    if (name === "match" && value !== "") match = value;
    else if (value !== "" && Number.isFinite(Number(value))) fields[name] = Number(value);
    else throw new OptionError(`linear: "${part}" of "${text}" must be field=number.`);
  }
  if (known === "lora" || known === "dora" || known === "frozen") {
    throw new OptionError(
      `linear: kind must be dense, monarch or nbit, got ${known}. An adapter is trained with: athanor adapt MODEL.`,
    );
  }
  checkOptions(`linear: ${known}`, fields, FIELDS[known]);
  return { ...fields, type: known, match } as MapRule;
}

/** What became of one matrix. */
export interface Converted {
  readonly name: string;
  /** Numbers before and after. */
  readonly before: number;
  readonly after: number;
  /** `‖W − W′‖ / ‖W‖`, by the sum of squares. */
  readonly lost: number;
}

/**
 * The model with the matrices that `rule` matches in its form. From any kind to Monarch by projection, and to plain ones
 * exactly; biases stay.
 * @throws OptionError for a kind that nothing projects to, and for sizes that it cannot have.
 */
export async function convertLinear(
  config: CausalLMConfig,
  params: CausalLMParams,
  rule: MapRule,
): Promise<{ config: CausalLMConfig; params: CausalLMParams; matrices: readonly Converted[] }> {
  if (rule.type === "nbit") {
    throw new OptionError("convert: linear must be monarch or dense, got nbit. Use generate --bits.");
  }
  const rules = [rule, ...(config.maps ?? [])];
  const names = matrixNames(config);
  checkRules([rule], names);
  const plain = names.every((name) => mapConfigOf(rules, name).type === "dense");
  const { maps: _, ...rest } = config;
  const next: CausalLMConfig = plain ? rest : { ...rest, maps: rules };
  checkConfig(next);
  const chosen = names.filter((name) => matches(rule.match, name));
  const ready = await evaluate(params);
  const leaves = new Map(flattenTree(ready));
  const size = (tensors: readonly Tensor[]): number =>
    tensors.reduce((n, { shape }) => n + shape.reduce((a: number, b) => a * Number(b), 1), 0);
  const matrices: Converted[] = [];
  for (const name of chosen) {
    const own = [...leaves].filter(([leaf]) => leaf.startsWith(`${name}.`) && leaf !== `${name}.bias`);
    const map: MapParams = Object.fromEntries(own.map(([leaf, x]) => [leaf.slice(name.length + 1), x]));
    const { weight } = await evaluate({ weight: maps.toDense(map) });
    const found =
      rule.type === "monarch"
        ? await projectMonarch(weight, rule)
        : { params: { weight }, lost: 0, total: 1 };
    for (const [leaf] of own) leaves.delete(leaf);
    for (const [leaf, x] of Object.entries(found.params)) leaves.set(`${name}.${leaf}`, x);
    matrices.push({
      name,
      before: size(own.map(([, x]) => x)),
      after: size(Object.values(found.params)),
      lost: found.total === 0 ? 0 : Math.sqrt(found.lost / found.total),
    });
  }
  return { config: next, params: treeOf(leaves) as CausalLMParams, matrices };
}

// Every matrix of a model goes through here: a map of any kind, known by the names of its leaves. A base that is not
// trained (an adapter's `weight`, quantised codes) is closed over, not passed as an argument: `splitParams` takes it out
// of the parameters, the compiled step joins it again inside, and the runtime packs it once as a constant.
import { doraGain, loraChange, tableChange } from "../adapt/index.ts";
import { nearest, OptionError } from "../errors.ts";
import { embedding, type LinearMap, type MapParams, type Maps } from "../nn/index.ts";
import { applyTwice } from "../quantize/index.ts";
import { checkShapes, type Tensor } from "../tensor/index.ts";
import * as all from "./maps.ts";

type Kind = (typeof all)[keyof typeof all];

/** What a configuration says of a map: one of the kinds of `maps.ts`. */
export type MapConfig = Parameters<Kind["parameters"]>[0];

/** Any kind, for who holds leaves that were made for it. */
type AnyMap = LinearMap<MapConfig, Parameters<Kind["apply"]>[0]>;

/** By name, the plain matrix last: a kind that holds a `weight` and more is known by what it has more. */
const KINDS: readonly AnyMap[] = Object.values<AnyMap>(all).sort((a, b) =>
  (a.type === "dense") === (b.type === "dense") ? (a.type < b.type ? -1 : 1) : a.type === "dense" ? 1 : -1,
);

/** Names of the kinds. */
export const MAP_TYPES: readonly string[] = KINDS.map(({ type }) => type);

/** The leaves by which maps that are no plain matrix are known. */
export const MAP_LEAVES: readonly string[] = KINDS.flatMap(({ type, leaf }) =>
  type === "dense" ? [] : [leaf],
);

/** Leaves of a map of any kind. */
type Leaves = Parameters<AnyMap["apply"]>[0];

/** Maps of every kind, with their biases. */
export const maps: Maps = {
  apply(params, x) {
    const y =
      params["lora_A"] && !params["weight"]
        ? besideAny(params, x)
        : withKind(params, (kind, leaves) => kind.apply(leaves, x));
    if (params.bias === undefined) return y;
    checkShapes("linear", { bias: [params.bias, String(y.shape.at(-1))] });
    return y.add(params.bias);
  },
  toDense: (params) => withKind(params, (kind, leaves) => kind.toDense(leaves)),
  rows(params, ids) {
    const rows = withKind(
      params,
      (kind, leaves) => kind.rows?.(leaves, ids) ?? embedding({ weight: kind.toDense(leaves) }, ids),
    );
    const change = tableChange(params, ids); // of an adapter beside the table
    return change ? rows.add(change) : rows;
  },
};

/** The logits of `x` by the table of a tied model. */
export function logitsOf(params: MapParams, x: Tensor): Tensor {
  const { codes, scales, offsets, bias } = params;
  // A table in codes comes from a file; `inBits` makes a head of its own.
  if (codes && scales && bias === undefined)
    return applyTwice({ codes, scales, ...(offsets && { offsets }) }, x);
  return maps.apply(params, x);
}

/** The kind called `type`. @throws OptionError with the nearest. */
export function mapOf(config: { readonly type: string }): AnyMap {
  const type: unknown = (config as { readonly type: string } | null | undefined)?.type; // a file may hold anything
  if (typeof type !== "string") {
    throw new OptionError(`maps: a rule must have a type, got ${JSON.stringify(config)}.`);
  }
  const kind = KINDS.find((m) => m.type === type);
  if (kind !== undefined) return kind;
  const near = nearest(type, MAP_TYPES, 1)[0];
  throw new OptionError(
    `maps: type must be one of ${MAP_TYPES.join(", ")}, got "${type}".${near ? ` Did you mean ${near}?` : ""}`,
  );
}

/** `x Wᵀ` of a matrix that is no plain one, with the adapter that it wears. */
function besideAny(params: MapParams, x: Tensor): Tensor {
  const { lora_A, lora_B, lora_scale, lora_A0, lora_B0, lora_magnitude } = params;
  const own: MapParams = Object.fromEntries(
    Object.entries(params).filter(([leaf]) => leaf !== "bias" && !leaf.startsWith("lora_")),
  );
  if (!lora_A || !lora_B || !lora_scale) {
    throw new OptionError("linear: an adapter must have both factors and a scale.");
  }
  const factors = { lora_A, lora_B, lora_scale, ...(lora_A0 && lora_B0 && { lora_A0, lora_B0 }) };
  const y = withKind(own, (kind, leaves) => kind.apply(leaves, x)).add(loraChange(factors, x));
  if (!lora_magnitude) return y;
  const weight = withKind(own, (kind, leaves) => kind.toDense(leaves));
  return y.mul(doraGain({ weight, ...factors, lora_magnitude }));
}

function withKind(params: MapParams, use: (kind: AnyMap, leaves: Leaves) => Tensor): Tensor {
  for (const kind of KINDS) if (holds(kind, params)) return use(kind, params);
  throw new OptionError(
    `linear: params must have one of ${KINDS.map(({ leaf }) => leaf).join(", ")}, got ${Object.keys(params).join(", ") || "nothing"}.`,
  );
}

function holds(kind: AnyMap, params: MapParams): params is MapParams & Leaves {
  return params[kind.leaf] !== undefined;
}

// `rope_theta`, `rope_scaling` and `rope_parameters` of config.json, both ways, as transformers 5 reads them.
import { OptionError } from "../errors.ts";
import type { PositionSpec } from "../position/index.ts";
import type { Keys } from "./family.ts";

const TYPES = ["default", "linear", "dynamic", "yarn", "llama3"] as const;

/**
 * How positions enter the layers of each kind in `layerTypes`: `rope_parameters` may hold one set of numbers for each.
 * Numbers inside it come before those beside it.
 */
export function ropeOf(
  keys: Keys,
  layerTypes: readonly string[] = [],
  base = 10_000,
): (layerType: string) => PositionSpec {
  const context = keys.number("max_position_embeddings", 2048);
  const beside: BesideRope = {
    base: keys.number("rope_theta", base),
    fraction: 1,
    original: keys.any("original_max_position_embeddings"),
    context,
  };
  // transformers 5 writes `rope_parameters`; older files have `rope_scaling`, which counts where both stand.
  const given = keys.under("rope_scaling") ?? keys.under("rope_parameters");
  keys.any("rope_parameters");
  wholeHeads(keys);
  const kinds = new Set(layerTypes);
  const nested = new Map([...kinds].map((kind) => [kind, given?.under(kind)] as const));
  if ([...nested.values()].every((k) => k === undefined)) {
    const one = specOf(given, beside, keys.file);
    return () => one;
  }
  given?.refuseUnread("rope by kind of layer", []);
  const specs = new Map([...nested].map(([kind, own]) => [kind, specOf(own, beside, keys.file)] as const));
  return (kind) => specs.get(kind) ?? specOf(undefined, beside, keys.file);
}

/** @throws OptionError for heads that turn in part, which transformers' models of these families do not. */
function wholeHeads(keys: Keys): void {
  const share = keys.number("partial_rotary_factor", 1);
  if (share === 1) return;
  throw new OptionError(
    `${keys.file}: partial_rotary_factor must be 1 in this family, whose heads turn as a whole, got ${share}.`,
  );
}

/** Numbers that stand beside the object, for what it leaves out. */
export interface BesideRope {
  readonly base: number;
  readonly fraction: number;
  readonly original: unknown;
  readonly context: number;
}

/** The position that one object of rope's numbers says. @param as Its type, where the family reads it otherwise. */
export function specOf(keys: Keys | undefined, beside: BesideRope, file: string, as?: string): PositionSpec {
  const base = keys?.number("rope_theta", beside.base) ?? beside.base;
  if (as === undefined && keys) wholeHeads(keys);
  const fraction = keys?.number("partial_rotary_factor", beside.fraction) ?? beside.fraction;
  const common = { base, ...(fraction !== 1 && { fraction }) };
  const type = as ?? keys?.word("rope_type", keys.word("type", "default")) ?? "default";
  keys?.any("rope_type");
  keys?.any("type");
  if (keys === undefined || type === "default") {
    keys?.refuseUnread("rope without scaling", ["original_max_position_embeddings", "factor"]);
    return { type: "rope", ...common };
  }
  const spec = as === "longrope" ? longOf(keys, beside, common) : scaledOf(type, keys, beside, common, file);
  keys.refuseUnread(`rope of type ${type}`, []);
  return spec;
}

function scaledOf(
  type: string,
  keys: Keys,
  { original, context }: BesideRope,
  common: { readonly base: number; readonly fraction?: number },
  file: string,
): PositionSpec {
  /** Length before the scaling; a key beside the object comes first. */
  const lengthBefore = (): number => {
    const own = keys.number("original_max_position_embeddings", context);
    return typeof original === "number" ? original : own;
  };
  switch (type) {
    case "linear":
      return { type: "pi", scale: keys.number("factor"), ...common };
    case "dynamic":
      keys.any("original_max_position_embeddings"); // the length of the configuration counts
      return { type: "ntk-dynamic", scale: keys.number("factor"), trainingLength: context, ...common };
    case "yarn": {
      const trainingLength = lengthBefore();
      // A factor that is there, but null, is the ratio of the lengths.
      const scale = keys.number("factor", keys.has("factor") ? context / trainingLength : undefined);
      const [fast, slow] = [keys.number("beta_fast", 0), keys.number("beta_slow", 0)];
      return {
        type: "yarn-index",
        scale,
        trainingLength,
        ...common,
        ...(fast !== 0 && { fast }),
        ...(slow !== 0 && { slow }),
        magnitude: magnitudeOf(keys, scale),
        ...(!keys.truth("truncate", true) && { truncate: false }),
      };
    }
    case "llama3":
      return {
        type: "llama3",
        scale: keys.number("factor"),
        trainingLength: lengthBefore(),
        ...common,
        fast: keys.number("high_freq_factor"),
        slow: keys.number("low_freq_factor"),
      };
    default:
      throw new OptionError(`${file}: rope_scaling type must be one of ${TYPES.join(", ")}, got "${type}".`);
  }
}

/** LongRoPE, whose magnitude is `√(1 + ln s / ln N)` of the growth `s` from the length `N` unless the file has one. */
function longOf(
  keys: Keys,
  { original, context }: BesideRope,
  common: { readonly base: number; readonly fraction?: number },
): PositionSpec {
  const own = keys.number("original_max_position_embeddings", context);
  const trainingLength = typeof original === "number" ? original : own;
  const scale = keys.number("factor", context / trainingLength);
  const magnitude = scale <= 1 ? 1 : Math.sqrt(1 + Math.log(scale) / Math.log(trainingLength));
  return {
    type: "longrope",
    trainingLength,
    ...common,
    shortFactors: keys.numbers("short_factor"),
    longFactors: keys.numbers("long_factor"),
    magnitude: keys.number("attention_factor", magnitude),
  };
}

/** YaRN's factor of cosine and sine: as given, or by `mscale` and `mscale_all_dim` if both are there, or of the scale. */
function magnitudeOf(keys: Keys, scale: number): number {
  const of = (weight: number): number => (scale <= 1 ? 1 : 0.1 * weight * Math.log(scale) + 1);
  const [one, all] = [keys.number("mscale", 0), keys.number("mscale_all_dim", 0)];
  const own = one !== 0 && all !== 0 ? of(one) / of(all) : of(1);
  return keys.number("attention_factor", own);
}

/**
 * The keys that say `position`; nothing where they cannot.
 * @param context Length of the model, which dynamic scaling counts from. @param layout Pairing that the family means.
 */
export function ropeKeys(
  position: PositionSpec,
  context: number,
  layout: PositionSpec["layout"] = "half",
): Readonly<Record<string, unknown>> | undefined {
  const { type, base = 10_000, layout: own = "half", fraction, scale, trainingLength, ...numbers } = position;
  const { fast, slow, magnitude, truncate, shortFactors, longFactors, ...more } = numbers;
  if (own !== layout || Object.keys(more).length > 0) return undefined;
  const share = fraction === undefined ? {} : { partial_rotary_factor: fraction };
  const scaling = (said: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
    rope_theta: base,
    ...share,
    rope_scaling: said,
  });
  // A magnitude of its own has a word in some kinds only.
  const plain = magnitude === undefined;
  switch (type) {
    case "rope":
      return plain ? { rope_theta: base, ...share } : undefined;
    case "pi":
      return plain ? scaling({ rope_type: "linear", factor: scale }) : undefined;
    case "ntk-dynamic":
      return trainingLength === context ? scaling({ rope_type: "dynamic", factor: scale }) : undefined;
    case "yarn-index":
      return scaling({
        rope_type: "yarn",
        original_max_position_embeddings: trainingLength,
        ...(fast !== undefined && { beta_fast: fast }),
        ...(slow !== undefined && { beta_slow: slow }),
        ...(!plain && { attention_factor: magnitude }),
        ...(truncate === false && { truncate }),
        factor: scale,
      });
    case "longrope":
      return scaling({
        rope_type: "longrope",
        original_max_position_embeddings: trainingLength,
        short_factor: shortFactors,
        long_factor: longFactors,
        attention_factor: magnitude ?? 1,
      });
    case "llama3":
      return plain
        ? scaling({
            rope_type: "llama3",
            original_max_position_embeddings: trainingLength,
            high_freq_factor: fast ?? 4,
            low_freq_factor: slow ?? 1,
            factor: scale,
          })
        : undefined;
    default:
      return undefined;
  }
}

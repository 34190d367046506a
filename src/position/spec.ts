// Positions as data: what a configuration file or a command line says, made into a `Position`.
import { checkOptions, nearest, OptionError } from "../errors.ts";
import { alibi } from "./alibi.ts";
import { dynamicNtk } from "./dynamic-ntk.ts";
import { dynamicYarn } from "./dynamic-yarn.ts";
import { cosineAttention, keyNormalised, queryNormalised } from "./key-norm.ts";
import { llama3 } from "./llama3.ts";
import { logScaled, logScaledAfter } from "./log-scale.ts";
import { longRope } from "./long-rope.ts";
import { windowed } from "./masks.ts";
import { noPosition } from "./none.ts";
import { ntkAware, ntkFixed, ntkMixed, ntkOld } from "./ntk.ts";
import type { Position } from "./position.ts";
import { positionInterpolation } from "./position-interpolation.ts";
import { leakyRerope, rerope } from "./rerope.ts";
import { rope } from "./rope.ts";
import type { Frequencies, RotaryLayout, RotaryOptions } from "./rotary.ts";
import { selfExtend } from "./self-extend.ts";
import { softCapped } from "./soft-cap.ts";
import { yarnByIndex, yarnByTurns, yarnMagnitude } from "./yarn.ts";

/** Names of the methods. */
export type PositionType =
  | "none"
  | "alibi"
  | "rope"
  | "pi"
  | "ntk-old"
  | "ntk-aware"
  | "ntk-fixed"
  | "ntk-mixed"
  | "ntk-dynamic"
  | "yarn"
  | "yarn-index"
  | "yarn-dynamic"
  | "llama3"
  | "longrope"
  | "rerope"
  | "leaky-rerope"
  | "self-extend";

/** A method, its numbers, and what is laid around it. Plain data. */
export interface PositionSpec {
  readonly type: PositionType;
  /** Base and pairing of the rotary methods; default 10000 and `half`. */
  readonly base?: number;
  readonly layout?: RotaryLayout;
  /** Share of a head that turns; default 1. */
  readonly fraction?: number;
  /** `s` of pi, ntk-*, yarn*, llama3; growth `F` of ntk-dynamic. */
  readonly scale?: number;
  /** `p` of ntk-mixed; default 0.625. */
  readonly power?: number;
  /** Turns at the ends of the ramps of yarn* and llama3. */
  readonly fast?: number;
  readonly slow?: number;
  /** Whether the ramp of yarn-index ends at whole pairs; default true. */
  readonly truncate?: boolean;
  /** Factor of cosine and sine; default that of the method. */
  readonly magnitude?: number;
  /** `w` of rerope, leaky-rerope and self-extend. */
  readonly window?: number;
  /** `k` of leaky-rerope. */
  readonly leak?: number;
  /** `g` of self-extend. */
  readonly group?: number;
  /** Length `N` of training: ntk-dynamic, yarn*, llama3 and `logScale` need it. */
  readonly trainingLength?: number;
  /** Queries times `ln n / ln N`: `trained` always, `after` only beyond `N`. */
  readonly logScale?: "trained" | "after";
  /** Divisors of the frequencies of longrope, one a pair: for texts up to `trainingLength`, and for longer ones. */
  readonly shortFactors?: readonly number[];
  readonly longFactors?: readonly number[];
  /** Scores are `cap · tanh(score / cap)`. */
  readonly cap?: number;
  /** `key`: keys of length one; `query`: queries; `cosine`: both, scores times `4 ln n`, n = N/2. */
  readonly normalise?: "key" | "query" | "cosine";
  /**
   * Only keys at distances below this are seen, and the first `sinks`. Rotary methods clip the distance of sinks to the
   * window, as LM-Infinite does: a true distance is one the model has never seen.
   */
  readonly slidingWindow?: number;
  readonly sinks?: number;
}

const COMMON = ["type", "trainingLength", "logScale", "normalise", "cap", "slidingWindow", "sinks"] as const;
const ROTARY = [...COMMON, "base", "layout", "fraction", "magnitude"] as const;
const RAMP = [...ROTARY, "scale", "fast", "slow"] as const;

/** How a method turns what it is told into scores. */
type Method = {
  /** The fields that mean something to it. */
  readonly fields: readonly (keyof PositionSpec)[];
} & (
  | {
      /** RoPE under frequencies of its own. */
      readonly turn: (given: Given) => RotaryOptions;
    }
  | {
      readonly make: (given: Given) => Position;
      /** Why far distances to sinks cannot be clipped; absent where they need not be. */
      readonly noSinks?: string;
    }
);

const GROWING = "its frequencies follow the length, so that a clipped distance means nothing";

/** A method by name. */
const METHODS: Readonly<Record<PositionType, Method>> = {
  none: { fields: COMMON, make: () => noPosition() },
  alibi: {
    fields: COMMON,
    make: () => alibi(),
    noSinks: "its scores fall with the distance, and the first tokens would soon count for nothing",
  },
  rope: { fields: ROTARY, turn: (g) => g.rotary },
  pi: {
    fields: [...ROTARY, "scale"],
    turn: (g) => g.turned(positionInterpolation({ scale: g.number("scale") })),
  },
  "ntk-old": { fields: [...ROTARY, "scale"], turn: (g) => g.turned(ntkOld({ scale: g.number("scale") })) },
  "ntk-aware": {
    fields: [...ROTARY, "scale"],
    turn: (g) => g.turned(ntkAware({ scale: g.number("scale") })),
  },
  "ntk-fixed": {
    fields: [...ROTARY, "scale"],
    turn: (g) => g.turned(ntkFixed({ scale: g.number("scale") })),
  },
  "ntk-mixed": {
    fields: [...ROTARY, "scale", "power"],
    turn: (g) => g.turned(ntkMixed({ scale: g.number("scale"), power: g.number("power", 0.625) })),
  },
  "ntk-dynamic": {
    fields: [...COMMON, "base", "layout", "fraction", "scale"],
    make: (g) =>
      dynamicNtk({ ...g.rotary, trainingLength: g.number("trainingLength"), factor: g.number("scale", 1) }),
    noSinks: GROWING,
  },
  yarn: {
    fields: RAMP,
    turn: (g) => g.turned(yarnByTurns(g.ramp(32)), { magnitude: yarnMagnitude(g.number("scale")) }),
  },
  "yarn-index": {
    fields: [...RAMP, "truncate"],
    turn: (g) =>
      g.turned(yarnByIndex({ ...g.ramp(32), truncate: g.truth("truncate", true) }), {
        magnitude: yarnMagnitude(g.number("scale")),
      }),
  },
  "yarn-dynamic": {
    fields: [...COMMON, "base", "layout", "fraction", "fast", "slow"],
    make: (g) =>
      dynamicYarn({
        ...g.rotary,
        trainingLength: g.number("trainingLength"),
        fast: g.number("fast", 32),
        slow: g.number("slow", 1),
      }),
    noSinks: GROWING,
  },
  longrope: {
    fields: [...ROTARY, "shortFactors", "longFactors"],
    make: (g) =>
      longRope({
        ...g.rotary,
        trainingLength: g.number("trainingLength"),
        shortFactors: g.numbers("shortFactors"),
        longFactors: g.numbers("longFactors"),
      }),
    noSinks: GROWING,
  },
  llama3: { fields: RAMP, turn: (g) => g.turned(llama3(g.ramp(4))) },
  rerope: {
    fields: [...ROTARY, "window"],
    make: (g) => rerope({ ...g.rotary, window: g.number("window") }),
  },
  "leaky-rerope": {
    fields: [...ROTARY, "window", "leak"],
    make: (g) => leakyRerope({ ...g.rotary, window: g.number("window"), leak: g.number("leak") }),
  },
  "self-extend": {
    fields: [...ROTARY, "window", "group"],
    make: (g) => selfExtend({ ...g.rotary, window: g.number("window"), group: g.number("group") }),
  },
};

/** All method names. */
export const POSITION_TYPES: readonly PositionType[] = Object.keys(METHODS) as PositionType[];

/** The scores that `spec` describes. @throws OptionError for unknown, missing or meaningless fields. */
export function createPosition(spec: PositionSpec): Position {
  const where = `position ${spec.type}`;
  const method = METHODS[spec.type] as Method | undefined;
  if (method === undefined) {
    const near = nearest(spec.type, POSITION_TYPES, 2);
    const hint =
      near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Known: ${POSITION_TYPES.join(", ")}.`;
    throw new OptionError(`position: type must be a known method, got "${spec.type}". ${hint}`);
  }
  checkOptions(where, spec, method.fields);
  checkSinks(where, spec, method);
  const given = new Given(where, spec);
  let position = made(method, given, spec);
  if (spec.normalise !== undefined) position = normalised(where, position, spec.normalise, given);
  if (spec.logScale !== undefined) {
    const trainingLength = given.number("trainingLength");
    if (spec.logScale !== "trained" && spec.logScale !== "after") {
      throw new OptionError(
        `${where}: logScale must be "trained" or "after", got "${String(spec.logScale)}".`,
      );
    }
    position = (spec.logScale === "trained" ? logScaled : logScaledAfter)(position, { trainingLength });
  }
  if (spec.cap !== undefined) position = softCapped(position, given.number("cap"));
  if (spec.slidingWindow === undefined) return position;
  return windowed(position, { window: spec.slidingWindow, sinks: spec.sinks ?? 0 });
}

/** A rotary method that keeps sinks is ReRoPE of its sliding window: what lies beyond is clipped. */
function made(method: Method, given: Given, { sinks = 0, slidingWindow }: PositionSpec): Position {
  if ("make" in method) return method.make(given);
  const turn = method.turn(given);
  return sinks > 0 && slidingWindow !== undefined ? rerope({ ...turn, window: slidingWindow }) : rope(turn);
}

/** @throws OptionError for first tokens kept where they mean nothing, or more of them than the window holds. */
function checkSinks(where: string, { sinks, slidingWindow }: PositionSpec, method: Method): void {
  if (sinks === undefined || sinks === 0) return;
  if (slidingWindow === undefined) {
    throw new OptionError(`${where}: sinks needs slidingWindow. Give the window they stand outside of.`);
  }
  if (sinks > slidingWindow) {
    throw new OptionError(
      `${where}: sinks must be at most slidingWindow, ${slidingWindow}, got ${sinks}. A few (4) are enough.`,
    );
  }
  if ("noSinks" in method && method.noSinks !== undefined) {
    throw new OptionError(`${where}: sinks cannot be kept: ${method.noSinks}. Leave sinks out.`);
  }
}

function normalised(where: string, inner: Position, what: unknown, given: Given): Position {
  if (what === "key") return keyNormalised(inner);
  if (what === "query") return queryNormalised(inner);
  if (what === "cosine") return cosineAttention(inner, { count: given.number("trainingLength") / 2 });
  throw new OptionError(`${where}: normalise must be "key", "query" or "cosine", got "${String(what)}".`);
}

/** The fields of one spec, as the methods ask for them. */
class Given {
  private readonly where: string;
  private readonly spec: PositionSpec;
  readonly rotary: RotaryOptions;

  constructor(where: string, spec: PositionSpec) {
    this.where = where;
    this.spec = spec;
    const { base, layout, fraction, magnitude } = spec;
    this.rotary = {
      ...(base !== undefined && { base }),
      ...(layout !== undefined && { layout }),
      ...(fraction !== undefined && { fraction }),
      ...(magnitude !== undefined && { magnitude }),
    };
  }

  /** A number. @throws OptionError when absent without `otherwise`. */
  number(field: NumberField, otherwise?: number): number {
    const value = this.spec[field] ?? otherwise;
    if (typeof value !== "number" || Number.isNaN(value)) {
      throw new OptionError(`${this.where}: ${field} must be a number, got ${value ?? "nothing"}.`);
    }
    return value;
  }

  /** A list of numbers. */
  numbers(field: "shortFactors" | "longFactors"): readonly number[] {
    const value: unknown = this.spec[field];
    if (Array.isArray(value) && value.every((x) => typeof x === "number" && x > 0)) return value;
    throw new OptionError(
      `${this.where}: ${field} must be a list of numbers above 0, got ${JSON.stringify(value) ?? "nothing"}.`,
    );
  }

  /** True or false; as text, too. */
  truth(field: "truncate", otherwise: boolean): boolean {
    const value: unknown = this.spec[field] ?? otherwise;
    if (value === true || value === "true") return true;
    if (value === false || value === "false") return false;
    throw new OptionError(`${this.where}: ${field} must be true or false, got ${JSON.stringify(value)}.`);
  }

  /** The ends of a ramp over turns, fastest by default `fast`. */
  ramp(fast: number): { scale: number; trainingLength: number; fast: number; slow: number } {
    return {
      scale: this.number("scale"),
      trainingLength: this.number("trainingLength"),
      fast: this.number("fast", fast),
      slow: this.number("slow", 1),
    };
  }

  /** RoPE under other frequencies; what the spec says of itself comes last. */
  turned(frequencies: Frequencies, more: RotaryOptions = {}): RotaryOptions {
    return { frequencies, ...more, ...this.rotary };
  }
}

type NumberField = Exclude<
  keyof PositionSpec,
  "type" | "layout" | "logScale" | "normalise" | "truncate" | "shortFactors" | "longFactors"
>;

/**
 * A spec from text: the method, then `field=value` after a colon, separated by commas. Fields that `defaults` holds
 * (base, layout and training length of a model, say) apply where the method knows them.
 * @example
 * parsePosition("rerope:window=128,logScale=after", { base: 10_000, trainingLength: 512 });
 */
export function parsePosition(text: string, defaults: Partial<PositionSpec> = {}): PositionSpec {
  const [type = "", rest = "", extra] = text.split(":");
  if (extra !== undefined) {
    throw new OptionError(`position: text must be method:field=value,…, got "${text}".`);
  }
  const meant = METHODS[type as PositionType]?.fields ?? COMMON;
  const given = rest
    .split(",")
    .filter((part) => part !== "")
    .map((part): [string, string | number] => {
      const [field = "", value] = part.split("=");
      if (value === undefined || value === "") {
        throw new OptionError(`position: "${part}" of "${text}" must be field=value.`);
      }
      return [field.trim(), Number.isNaN(Number(value)) ? value.trim() : Number(value)];
    });
  const known = Object.entries(defaults).filter(([field]) => meant.includes(field as keyof PositionSpec));
  const spec = { ...Object.fromEntries(known), ...Object.fromEntries(given), type } as PositionSpec;
  createPosition(spec); // complains about what does not fit
  return spec;
}

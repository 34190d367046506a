// Schedules as data: what a configuration file or a command line says of the learning rate, and the rate by the step.
import { checkOptions, nearest, OptionError } from "../errors.ts";
import { namedNumbers } from "./named-numbers.ts";
import { checkFields, type NumberField } from "./rule.ts";
import { causalRate, type GradientPart } from "./theory/rates.ts";

/** Half a cosine, nothing, a line, a line at the end, lines between knots, or what gradients were like. */
export type ScheduleConfig =
  | { readonly type: "cosine" | "constant" | "linear" }
  | { readonly type: "wsd"; readonly decay: number }
  | { readonly type: "piecewise"; readonly knots: Readonly<Record<string, number>> }
  | { readonly type: "gradient"; readonly part: number; readonly memory: number };

/** A schedule with the fields that differ from what they usually are. */
export type ScheduleChoice =
  | ScheduleConfig
  | { readonly type: "wsd"; readonly decay?: number }
  | { readonly type: "gradient"; readonly part?: number; readonly memory?: number };

/** Where a training stands. */
export interface RatePlace {
  /** Earlier updates, and updates in all. */
  readonly step: number;
  readonly steps: number;
  readonly warmup: number;
  /** Share of the time that is spent, where a training ends by the clock; else 0. */
  readonly time: number;
  /** Norms of the gradients of earlier updates, where the schedule asks for them. */
  readonly norms: readonly number[];
}

interface Shape {
  /** One line: what it is. */
  readonly about: string;
  readonly needs: Readonly<Record<string, NumberField>>;
  /** Where a training that says nothing ends, as a share of its highest rate. */
  readonly floor: number;
}

/** All schedules by name. */
export const SCHEDULES: Readonly<Record<ScheduleConfig["type"], Shape>> = {
  cosine: { about: "half a cosine down to a tenth", needs: {}, floor: 0.1 },
  constant: { about: "always the highest rate, after the warm-up", needs: {}, floor: 0 },
  linear: {
    about: "a line down to 0: the best there is for the last parameters of SGD",
    needs: {},
    floor: 0,
  },
  wsd: {
    about: "constant, then a line down to 0 over the last part (warm-up, stable, decay)",
    needs: { decay: { about: "that part, as a share of the steps", low: 1e-3, high: 1, usual: 0.2 } },
    floor: 0,
  },
  piecewise: {
    about: "lines between knots step=factor; from 0 at step 0, constant after the last",
    needs: {},
    floor: 0,
  },
  gradient: {
    about:
      "by the gradients so far; part=1 AdaGrad's norm, 2 warms up, 3 mostly recent ones, 4 warms up and decays",
    needs: {
      part: {
        about: "part of the theory whose bound it makes small",
        low: 1,
        high: 4,
        usual: 4,
        whole: true,
      },
      memory: {
        about: "decay of the mean that the next norm is foreseen by",
        low: 0,
        high: 0.999,
        usual: 0.9,
      },
    },
    floor: 0,
  },
};

/** A complete schedule. @throws OptionError for an unknown type or field, a number out of range, knots that are none. */
export function scheduleConfig(choice: ScheduleChoice): ScheduleConfig {
  const { type, ...given } = choice;
  if (!Object.hasOwn(SCHEDULES, type)) {
    const near = nearest(type, Object.keys(SCHEDULES), 1)[0];
    throw new OptionError(
      `schedule: type must be one of ${Object.keys(SCHEDULES).join(", ")}, got "${type}".${near ? ` Did you mean ${near}?` : ""}`,
    );
  }
  const where = `schedule: ${type}`;
  if (choice.type !== "piecewise")
    return { type, ...checkFields(where, SCHEDULES[type].needs, given) } as ScheduleConfig;
  checkOptions(where, given, ["knots"]);
  const knots = Object.entries(choice.knots ?? {});
  if (knots.length === 0) {
    throw new OptionError(
      `${where}: knots must be step=factor, one or more, got none. For example ${type}:100=1,1000=0.`,
    );
  }
  for (const [step, factor] of knots) {
    if (Number.isSafeInteger(Number(step)) && Number(step) >= 0 && Number.isFinite(factor) && factor >= 0)
      continue;
    throw new OptionError(
      `${where}: knots must be a whole step and a factor, both at least 0, got "${step}=${factor}".`,
    );
  }
  return { type: "piecewise", knots: Object.fromEntries(knots) };
}

/**
 * A schedule from text: its name, then `field=number` after a colon; of `piecewise` the fields are steps.
 * @throws OptionError as `scheduleConfig`.
 * @example
 * parseSchedule("piecewise:100=1,900=1,1000=0");
 */
export function parseSchedule(text: string): ScheduleConfig {
  const { type, fields } = namedNumbers("schedule", text);
  return scheduleConfig(
    (type === "piecewise" ? { type, knots: fields } : { type, ...fields }) as ScheduleChoice,
  );
}

/** A value by lines between knots `[step, value]`: from `[0, 0]` unless a knot is at 0, constant after the last. */
export function betweenKnots(knots: readonly (readonly [number, number])[], step: number): number {
  const sorted = [...knots].sort(([a], [b]) => a - b);
  const all = sorted[0]?.[0] === 0 ? sorted : [[0, 0] as const, ...sorted];
  const next = all.findIndex(([at]) => at > step);
  const [from = 0, low = 0] = all.at(next === -1 ? -1 : next - 1) ?? [];
  const [to = 0, high = 0] = all[next] ?? [];
  return next === -1 ? low : low + ((high - low) * (step - from)) / (to - from);
}

/**
 * Factor of the highest rate at a step, before warm-up and floor: 1 at first, but for knots. Schedules by the gradient
 * are in units of their first rate and may rise above 1.
 */
export function rateFactor(schedule: ScheduleConfig, place: RatePlace): number {
  const { step, steps, warmup, time, norms } = place;
  const left = Math.max(1, steps - warmup);
  const spent = Math.max(Math.min(1, Math.max(0, step - warmup) / left), time);
  switch (schedule.type) {
    case "cosine":
      return 0.5 * (1 + Math.cos(Math.PI * spent));
    case "constant":
      return 1;
    case "linear":
      // 1 − t/(T + 1) at t = step + 1.
      return ((1 - spent) * left) / (left + 1);
    case "wsd":
      return Math.min(1, (1 - spent) / schedule.decay);
    case "piecewise":
      return betweenKnots(
        Object.entries(schedule.knots).map(([at, factor]) => [Number(at), factor]),
        step,
      );
    default:
      return byGradient(schedule, norms, step, steps, time);
  }
}

/** η_t over η_1 where R is `η_1·G_1`; each step's norm is foreseen by a mean of those before it, the first by itself. */
function byGradient(
  { part, memory }: { readonly part: number; readonly memory: number },
  norms: readonly number[],
  step: number,
  steps: number,
  time: number,
): number {
  const fading = part === 4 ? 1 - Math.max(time, (step + 1) / (steps + 1)) : 1;
  const first = norms.find((G) => G > 0) ?? 1;
  const foreseen = [1];
  let mean = 1;
  for (const G of norms) {
    if (G > 0) mean = memory * mean + (1 - memory) * (G / first) ** 2;
    foreseen.push(Math.sqrt(mean));
  }
  return causalRate(part === 4 ? 2 : (part as GradientPart), foreseen, 1, 1) * fading;
}

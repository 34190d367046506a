// Plans by name: what the layers of a model are trained with, and what they run with. HWFA and HWFA2 (https://kexue.fm/archives/9603,
// https://kexue.fm/archives/9731) differ by layer; inverse Leaky ReRoPE (https://kexue.fm/archives/9728) by stage alone.
import { checkOptions, nearest, OptionError } from "../errors.ts";
import { hwfa2Inference, hwfa2Plan, hwfaPlan } from "./hwfa.ts";
import type { PositionSpec } from "./spec.ts";

/** What a plan is told of its model. */
export interface PlanModel {
  readonly layers: number;
  /** Length `N` of training. */
  readonly trainingLength: number;
  /** Base of the rotary layers; default 10000. */
  readonly base?: number;
}

/** A plan as text names it: `hwfa2:window=64,full=2`. */
export interface PlanText {
  readonly name: string;
  readonly options: Readonly<Record<string, number>>;
}

interface Plan {
  /** One line for `--help`. */
  readonly about: string;
  readonly training: readonly string[];
  readonly inference: readonly string[];
  /** One entry a layer, to train with. */
  train(model: PlanModel, options: Readonly<Record<string, number>>): PositionSpec[];
  /** What a model trained with it runs with, from what its layers have. */
  run(
    own: readonly PositionSpec[],
    model: PlanModel,
    options: Readonly<Record<string, number>>,
  ): PositionSpec[];
  /** Whether layers look as if they were trained with it. */
  knows(own: readonly PositionSpec[]): boolean;
}

const full = (spec: PositionSpec): boolean => spec.slidingWindow === undefined;

/** All of them. */
export const PLANS: Readonly<Record<string, Plan>> = {
  hwfa: {
    about: "windowed RoPE below one full layer without position, ln n trained in",
    training: ["window", "base"],
    inference: [],
    train: (model, options) => hwfaPlan({ ...model, ...options }),
    run: (own) => [...own],
    knows: (own) => own.length > 1 && own.every((spec, i) => full(spec) === (i === own.length - 1)),
  },
  hwfa2: {
    about: "wider windows around full layers with RoPE, which run with ReRoPE",
    training: ["window", "full", "base"],
    inference: ["window"],
    train: (model, options) => hwfa2Plan({ ...model, ...options, stage: "training" }),
    run: (own, { trainingLength }, { window }) => hwfa2Inference(own, trainingLength, window),
    knows: (own) => own.some((spec) => !full(spec)) && own.some((spec) => full(spec) && spec.type === "rope"),
  },
  "inverse-leaky-rerope": {
    about: "distances stretched beyond N/4 in training, plain RoPE afterwards, ln n trained in",
    training: ["scale", "window", "base"],
    inference: [],
    train: ({ layers, trainingLength, base = 10_000 }, options) => {
      const { scale = 8, window = Math.max(1, Math.round(trainingLength / 4)) } = options;
      if (!(scale >= 1)) {
        throw new OptionError(`position inverse-leaky-rerope: scale must be a number ≥ 1, got ${scale}.`);
      }
      const spec: PositionSpec = {
        type: "leaky-rerope",
        base: options["base"] ?? base,
        window,
        leak: 1 / (2 * scale),
        logScale: "trained",
        trainingLength,
      };
      return Array.from({ length: layers }, () => spec);
    },
    run: (own) =>
      own.map((spec) => {
        const { window: _, leak: __, ...rest } = spec;
        return { ...rest, type: "rope" };
      }),
    knows: (own) => own.every((spec) => spec.type === "leaky-rerope" && Number(spec.leak) < 1),
  },
};

/** The plan that `text` names; nothing where its first word is none. @throws OptionError for what it cannot read. */
export function readPlan(text: string): PlanText | undefined {
  const [name = "", rest = "", extra] = text.split(":");
  if (!Object.hasOwn(PLANS, name)) return undefined;
  if (extra !== undefined) {
    throw new OptionError(`position: text must be plan:field=value,…, got "${text}".`);
  }
  const options = rest
    .split(",")
    .filter((part) => part !== "")
    .map((part): [string, number] => {
      const [field = "", value = ""] = part.split("=");
      const number = value.trim() === "" ? Number.NaN : Number(value);
      if (Number.isFinite(number)) return [field.trim(), number];
      throw new OptionError(`position ${name}: ${field} must be a number, got "${value}".`);
    });
  return { name, options: Object.fromEntries(options) };
}

function planNamed(name: string): Plan {
  const plan = Object.hasOwn(PLANS, name) ? PLANS[name] : undefined;
  if (plan !== undefined) return plan;
  const near = nearest(name, Object.keys(PLANS), 1);
  const hint = near.length > 0 ? `Did you mean ${near[0]}?` : `Known: ${Object.keys(PLANS).join(", ")}.`;
  throw new OptionError(`position: plan must be a known one, got "${name}". ${hint}`);
}

/** What each layer is trained with. @throws OptionError for a plan the model cannot have. */
export function trainingPlan({ name, options }: PlanText, model: PlanModel): PositionSpec[] {
  const plan = planNamed(name);
  checkOptions(`position ${name}`, options, plan.training);
  return plan.train(model, options);
}

/**
 * What each layer runs with, for a model trained with the plan.
 * @param own What its layers have. @throws OptionError for one that was not.
 */
export function inferencePlan(
  { name, options }: PlanText,
  own: readonly PositionSpec[],
  model: PlanModel,
): PositionSpec[] {
  const plan = planNamed(name);
  checkOptions(`position ${name}`, options, plan.inference);
  if (!plan.knows(own)) {
    const kinds = [...new Set(own.map((s) => (full(s) ? s.type : `${s.type} in a window`)))].join(", ");
    throw new OptionError(
      `position: ${name} is for a model trained with it, got layers of ${kinds}. Train one with athanor train --position ${name}.`,
    );
  }
  return plan.run(own, model, options);
}

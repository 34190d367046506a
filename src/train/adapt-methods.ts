// Ways to fine-tune: what each trains, where it starts, how its gradients are corrected, and the rate that suits it.
import {
  type Adapter,
  type AdapterConfig,
  doraAdapter,
  type FactorGradients,
  freshAdapter,
  GA_INDICES,
  GA_SCALES,
  likeStarted,
  LORA_PLUS_RATIO,
  loraGaAdapter,
  type LoraGaOptions,
  loraPlusRate,
  loraPro,
  loraProAdam,
  type LoraProOptions,
  loraScale,
  pissaAdapter,
  PRO_CHOICES,
} from "../adapt/index.ts";
import { nearest, OptionError } from "../errors.ts";
import {
  addDecay,
  chain,
  type OptimizerConfig,
  partition,
  type Schedule,
  scaleByRate,
  type Transform,
} from "../optim/index.ts";
import { flattenTree, type random, type Tensor } from "../tensor/index.ts";

type Leaves = Readonly<Record<string, Tensor>>;
type Rule = Transform<Leaves, Record<string, unknown>>;

/** A way to fine-tune. */
export interface AdaptMethod {
  /** Learning rate where nothing is said. */
  readonly rate: number;
  /** Factor of the rate by the name of a leaf; default 1. */
  readonly factor?: (name: string) => number;
  /** Leaves of the names and shapes that `start` gives, at once. @throws OptionError for bad targets and ranks. */
  readonly like: (base: unknown, size: AdapterConfig, key: random.Key) => Adapter;
  /** What is trained, at its start; default `like`. @param gradients Of the base, over the first examples. */
  readonly start?: (
    base: unknown,
    size: AdapterConfig,
    key: random.Key,
    gradients: FactorGradients,
  ) => Promise<Adapter>;
  /** The rule of a training, made of the one that its settings name. */
  readonly rule?: (usual: Rule, rate: Schedule, optimizer: OptimizerConfig, size: AdapterConfig) => Rule;
}

/** A value that an option of a method may have: one of some words, or a number above 0. */
type Choices = readonly string[] | "number";
type Options = Readonly<Record<string, string>>;

/** A way to fine-tune before its options are known. */
interface Kind {
  /** One line for `--help`. */
  readonly about: string;
  readonly options?: Readonly<Record<string, Choices>>;
  readonly make: (options: Options) => AdaptMethod;
}

/** Adam of all parameters of a model that is trained already. */
const FULL_RATE = 5e-5;

/** All of them by name. */
export const ADAPT_METHODS: Readonly<Record<string, Kind>> = {
  lora: {
    about: "two thin matrices beside each target (Hu et al. 2021)",
    make: () => ({ rate: 5e-4, like: freshAdapter }),
  },
  "lora-plus": {
    about: "the same, the output side learning 16 times faster (Hayou et al. 2024)",
    options: { ratio: "number" },
    make: ({ ratio = LORA_PLUS_RATIO }) => ({
      rate: 2e-4,
      factor: loraPlusRate(Number(ratio)),
      like: freshAdapter,
    }),
  },
  "lora-ga": {
    about: "starts along the gradient of the base (Wang et al. 2024)",
    options: {
      indices: GA_INDICES,
      scale: GA_SCALES,
      gamma: "number",
      form: ["paper", "peft"],
      clip: ["yes", "no"],
    },
    make: ({ gamma, clip, ...words }) => {
      const options = {
        ...words,
        ...(gamma !== undefined && { gamma: Number(gamma) }),
        clip: clip === "yes",
      };
      return {
        rate: FULL_RATE,
        like: likeStarted,
        start: (base, size, key, gradients) =>
          loraGaAdapter(base, size, key, gradients, options as LoraGaOptions),
      };
    },
  },
  "lora-pro": {
    about: "steps that come nearest to those of full fine-tuning (Wang et al. 2024)",
    options: { choice: PRO_CHOICES, moments: ["factors", "full"] },
    make: ({ choice, moments = "factors" }) => ({
      rate: moments === "full" ? FULL_RATE : 5e-4,
      like: freshAdapter,
      rule: proRule((choice ?? "sylvester") as LoraProOptions["choice"], moments === "full"),
    }),
  },
  pissa: {
    about: "starts as the principal part of each matrix (Meng et al. 2024)",
    make: () => ({ rate: 1e-4, like: likeStarted, start: pissaAdapter }),
  },
  dora: {
    about: "direction and length of each row learn apart (Liu et al. 2024)",
    make: () => ({ rate: 5e-4, like: doraAdapter }),
  },
  full: {
    about: "every parameter of the model",
    make: () => ({ rate: FULL_RATE, like: (base) => Object.fromEntries(flattenTree(base)) }),
  },
};

/** The corrected gradient before the usual rule; or, with moments of full size, in its place for the pairs. */
function proRule(choice: LoraProOptions["choice"], full: boolean): NonNullable<AdaptMethod["rule"]> {
  return (usual, rate, optimizer, size) => {
    const options = { scale: loraScale(size), ...(choice && { choice }) };
    if (!full)
      return chain<Leaves, Record<string, Transform<Leaves, unknown>>>({ pro: loraPro(options), usual });
    if (optimizer.type !== "adamw") {
      throw new OptionError(
        `lora-pro: moments=full must go with adamw, got ${optimizer.type}. Leave moments out.`,
      );
    }
    const { beta1, beta2, epsilon, decay } = optimizer;
    const pro = chain<Leaves, Record<string, Transform<Leaves, unknown>>>({
      pro: loraProAdam({ ...options, beta1, beta2, epsilon }),
      ...(decay !== 0 && { decay: addDecay<Leaves>(decay) }),
      rate: scaleByRate<Leaves>(rate),
    });
    return partition<Leaves, Record<string, Rule>>(
      (name) => (/\.lora_[AB]$/.test(name) ? "pairs" : "others"),
      { pairs: pro, others: usual },
    );
  };
}

/**
 * The method of a text: its name, then `option=value` after a colon, separated by commas.
 * @throws OptionError with the nearest name, and for options that it has not.
 * @example
 * adaptMethod("lora-ga:scale=unit,indices=ArBr");
 */
export function adaptMethod(text: string): AdaptMethod {
  const [name = "", given] = text.split(/:(.*)/s);
  const found = Object.hasOwn(ADAPT_METHODS, name) ? ADAPT_METHODS[name] : undefined;
  if (found === undefined) {
    const known = Object.keys(ADAPT_METHODS);
    const near = nearest(name, known, 1)[0];
    throw new OptionError(
      `adapt: method must be one of ${known.join(", ")}, got "${name}".${near ? ` Did you mean ${near}?` : ""}`,
    );
  }
  const options = (given ?? "").split(",").filter((part) => part !== "");
  return found.make(Object.fromEntries(options.map((part) => optionOf(name, found.options ?? {}, part))));
}

function optionOf(method: string, known: Readonly<Record<string, Choices>>, part: string): [string, string] {
  const [option = "", value = ""] = part.split("=");
  const choices = Object.hasOwn(known, option) ? known[option] : undefined;
  if (choices === undefined) {
    const names = Object.keys(known).join(", ") || "none";
    throw new OptionError(`${method}: options are ${names}, got "${part}". Write ${method}:option=value.`);
  }
  const fine = choices === "number" ? value !== "" && Number(value) > 0 : choices.includes(value);
  if (!fine) {
    const must = choices === "number" ? "a number above 0" : `one of ${choices.join(", ")}`;
    throw new OptionError(`${method}: ${option} must be ${must}, got "${value}".`);
  }
  return [option, value];
}

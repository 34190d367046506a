// Ways to fine-tune: what each trains, and the rate that suits it.
import { type Adapter, type AdapterConfig, freshAdapter, loraPlusRate } from "../adapt/index.ts";
import { nearest, OptionError } from "../errors.ts";
import { flattenTree, type random } from "../tensor/index.ts";

/** A way to fine-tune. */
export interface AdaptMethod {
  /** One line for `--help`. */
  readonly about: string;
  /** Learning rate where nothing is said. */
  readonly rate: number;
  /** Factor of the rate by the name of a leaf; default 1. */
  readonly factor?: (name: string) => number;
  /** What is trained, at its start. */
  start(base: unknown, size: AdapterConfig, key: random.Key): Adapter;
}

/** All of them by name. */
export const ADAPT_METHODS: Readonly<Record<string, AdaptMethod>> = {
  lora: {
    about: "two thin matrices beside each target (Hu et al. 2021)",
    rate: 5e-4,
    start: freshAdapter,
  },
  "lora-plus": {
    about: "the same, the output side learning 16 times faster (Hayou et al. 2024)",
    rate: 2e-4,
    factor: loraPlusRate(),
    start: freshAdapter,
  },
  full: {
    about: "every parameter of the model",
    rate: 5e-5,
    start: (base) => Object.fromEntries(flattenTree(base)),
  },
};

/** The method called `name`. @throws OptionError with the nearest. */
export function adaptMethod(name: string): AdaptMethod {
  const found = Object.hasOwn(ADAPT_METHODS, name) ? ADAPT_METHODS[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(ADAPT_METHODS);
  const near = nearest(name, known, 1)[0];
  throw new OptionError(
    `adapt: method must be one of ${known.join(", ")}, got "${name}".${near ? ` Did you mean ${near}?` : ""}`,
  );
}

// Adapters in one form, so that one program can take any of a set: starts joined to their factors, ranks filled up.
import { OptionError } from "../errors.ts";
import { concat, reshape, stack, type Tensor, zeros } from "../tensor/index.ts";
import { type Adapter, isAdapterLeaf } from "./wrap.ts";

/** Matrices and tables that an adapter changes, and the largest rank among them. */
export interface AdapterSet {
  /** The leaves by name: adapters of one method and one set of targets have the same. */
  readonly names: readonly string[];
  readonly rank: number;
}

const FACTOR = /\.lora_(?:embedding_)?([AB])$/;

/**
 * `adapter` without a start to take off: `[lora_A; lora_A0]` and `[lora_B, −lora_B0]` give the same change.
 * @throws OptionError for leaves trained whole, which belong to no adapter that can be exchanged.
 */
export function joined(adapter: Adapter): Adapter {
  const whole = Object.keys(adapter).find((name) => !isAdapterLeaf(name));
  if (whole !== undefined) {
    throw new OptionError(
      `adapters: what is exchanged must be factors, got ${whole} trained whole. Wear that one with withAdapter.`,
    );
  }
  return Object.fromEntries(
    Object.entries(adapter).flatMap(([name, t]): [string, Tensor][] => {
      if (/\.lora_[AB]0$/.test(name)) return [];
      const start = adapter[`${name}0`];
      if (!start) return [[name, t]];
      return [[name, name.endsWith("A") ? concat([t, start], 0) : concat([t, start.neg()], 1)]];
    }),
  );
}

/** What a joined adapter needs of a program. */
export function setOf(adapter: Adapter): AdapterSet {
  const ranks = Object.entries(adapter).flatMap(([name, t]) =>
    name.endsWith("A") ? [Number(t.shape[0])] : [],
  );
  return { names: Object.keys(adapter).sort(), rank: Math.max(0, ...ranks) };
}

/** A joined adapter with every rank filled up to `rank` by zeros, its leaves in the order of their names. */
export function filledTo(adapter: Adapter, rank: number): Adapter {
  return Object.fromEntries(
    Object.keys(adapter)
      .sort()
      .map((name) => {
        const t = adapter[name] as Tensor;
        const side = FACTOR.exec(name)?.[1];
        if (side === undefined) return [name, t];
        const axis = side === "A" ? 0 : 1;
        const missing = rank - Number(t.shape[axis]);
        const shape = side === "A" ? [missing, Number(t.shape[1])] : [Number(t.shape[0]), missing];
        return [name, missing === 0 ? t : concat([t, zeros(shape, { dtype: t.dtype })], axis)];
      }),
  );
}

/** Adapters of one set as one, whose first axis is the text of the batch. @throws OptionError for tables and magnitudes. */
export function oneForEach(adapters: readonly Adapter[]): Adapter {
  const [first = {}] = adapters;
  return Object.fromEntries(
    Object.keys(first).map((name) => {
      if (!/\.lora_(A|B|scale)$/.test(name)) {
        throw new OptionError(
          `adapters: texts of one batch may wear different LoRA factors of matrices, got ${name}. Write the texts one after another.`,
        );
      }
      const all = stack(adapters.map((adapter) => adapter[name] as Tensor));
      return [name, name.endsWith("scale") ? reshape(all, [adapters.length, 1, 1]) : all];
    }),
  );
}

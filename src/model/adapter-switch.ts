// Several adapters, one base, no merge: what is exchanged are the few inputs of a program that holds the base.
import { type Adapter } from "../adapt/index.ts";
import { filledTo, joined, oneForEach, setOf } from "../adapt/exchange.ts";
import { OptionError } from "../errors.ts";
import { evaluate, mapTree, type Tensor, zeros } from "../tensor/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import type { CausalLMConfig } from "./config.ts";
import { adaptedDecoders, type Decoder, type DecoderOptions } from "./decode.ts";

/** A decoder that wears an adapter. */
export interface Worn {
  readonly decoder: Decoder;
  /** Whether its first token opens a program of its own, a copy of the base included, or an open one takes it. */
  readonly session: "new" | "open";
}

/** One base, and adapters that it wears in turn. */
export interface AdapterSwitch {
  /** Bare for `{}`. @throws OptionError for leaves trained whole; as `withAdapter` for an adapter of another base. */
  wear(adapter: Adapter): Promise<Worn>;
  /** A text each: for `decoder.start(adapters.length)`. @throws OptionError for adapters of several sets, tables, DoRA. */
  wearEach(adapters: readonly Adapter[]): Promise<Worn>;
  release(): Promise<void>;
}

/**
 * Decoders of `base` for any number of adapters. Those of one method and one set of targets share a program, whatever
 * their ranks up to the largest so far (`rank` makes room beforehand): changing them is loading a few megabytes. Another
 * set, or a larger rank, costs a session with the base in it, and `session` says so.
 * @example
 * const adapters = adapterSwitch(config, params, { rank: 16 });
 * const { decoder, session } = await adapters.wear(await loadAdapter("runs/mine/adapter", params));
 */
export function adapterSwitch(
  config: CausalLMConfig,
  base: CausalLMParams,
  { rank: room = 0, ...options }: Omit<DecoderOptions, "weightBits"> & { readonly rank?: number } = {},
): AdapterSwitch {
  const decoders = adaptedDecoders(config, base, options);
  /** Largest ranks by set, after `one` for all texts or `each`. */
  const open = new Map<string, { readonly rank: number; readonly like: Adapter }>();
  const place = (key: string, rank: number, like: Adapter): { rank: number; session: Worn["session"] } => {
    const found = open.get(key);
    if (found !== undefined && rank <= found.rank) return { rank: found.rank, session: "open" };
    const most = Math.max(rank, room);
    open.set(key, { rank: most, like: filledTo(like, most) });
    return { rank: most, session: "new" };
  };
  return {
    async wear(adapter) {
      const own = joined(adapter);
      if (Object.keys(own).length === 0) {
        // Factors of zeros in an open program are the base itself.
        const there = [...open].find(
          ([key]) => key.startsWith("one ") && !key.includes("lora_magnitude"),
        )?.[1];
        if (there === undefined) return { decoder: decoders.of({}), session: place("one ", 0, {}).session };
        const none = mapTree(there.like, (t) => zeros(t.shape, { dtype: t.dtype })) as Adapter;
        return { decoder: decoders.of(await evaluate(none)), session: "open" };
      }
      const { names, rank } = setOf(own);
      const { rank: filled, session } = place(`one ${names.join(" ")}`, rank, own);
      return { decoder: decoders.of(await evaluate(filledTo(own, filled))), session };
    },
    async wearEach(adapters) {
      const all = adapters.map(joined);
      const sets = all.map(setOf);
      const [first] = sets;
      const other = sets.findIndex(({ names }) => names.join() !== first?.names.join());
      if (first === undefined || other >= 0) {
        throw new OptionError(
          `adapters: those of one batch must be of one method and one set of targets, got ${first === undefined ? "none" : `others in place ${other}`}.`,
        );
      }
      const rank = Math.max(...sets.map((set) => set.rank));
      const { rank: filled, session } = place(`each ${first.names.join(" ")}`, rank, all[0] ?? {});
      const together = oneForEach(all.map((own) => filledTo(own, filled)));
      return { decoder: decoders.of(await evaluate<Record<string, Tensor>>({ ...together })), session };
    },
    release: () => decoders.release(),
  };
}

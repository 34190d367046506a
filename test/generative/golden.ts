// The golden of this room, read once.
import { readFileSync } from "node:fs";
import { type Tensor, tensor } from "../../src/tensor/index.ts";

export interface Leaf {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type Leaves = Readonly<Record<string, Leaf>>;

interface Golden {
  readonly bnVae: Leaves & { readonly gamma: number; readonly tau: number };
  readonly ign: {
    readonly params: Leaves;
    readonly x: Leaf;
    readonly z: Leaf;
    readonly rows: readonly {
      readonly distance: "l1" | "l2" | "squared";
      readonly rho: "data" | "noise" | "batch" | null;
      readonly through: boolean;
      readonly reconstruction: number;
      readonly idempotence: number;
      readonly tightness: number;
      readonly gradient: Leaves;
    }[];
  };
  readonly patches: {
    readonly image: Leaf;
    readonly patches: Leaf;
    readonly signal: Leaf;
    readonly eps: Leaf;
    readonly xt: Leaf;
    readonly mean: Leaf;
    readonly deviation: number;
    readonly t: number;
    readonly head: {
      readonly params: Leaves;
      readonly x: Leaf;
      readonly t: Leaf;
      readonly z: Leaf;
      readonly out: Leaf;
    };
  };
}

export const golden = JSON.parse(
  readFileSync(new URL("../golden/generative.json", import.meta.url), "utf8"),
) as Golden;

/** A float64 tensor of a golden. */
export const leaf = ({ shape, data }: Leaf): Tensor => tensor(Float64Array.from(data), { shape });

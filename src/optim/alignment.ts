// How well two trees of vectors agree, block by block and as a whole: Su 2024, "Local and global cosine",
// https://kexue.fm/archives/9931. The identity that joins them is ours: with `w_i = ‖x_i‖‖y_i‖ / (‖x‖‖y‖)` and `κ = Σ w_i`,
// global = κ · (Σ w_i cos_i / Σ w_i).
import { cast, flattenTree, square, stack, sum, type Tensor } from "../tensor/index.ts";

/** Sums over one block: `⟨x, y⟩`, `‖x‖²`, `‖y‖²`. */
export interface BlockSums {
  readonly name: string;
  readonly inner: number;
  readonly x: number;
  readonly y: number;
}

/** One block. */
export interface BlockAlignment {
  readonly name: string;
  /** Norms of both parts, and the cosine between them: null where one of them is zero. */
  readonly x: number;
  readonly y: number;
  readonly cosine: number | null;
  /** `w_i`, and `w_i cos_i`: contributions add up to the global cosine. */
  readonly weight: number;
  readonly contribution: number;
}

/** Two trees as a whole. */
export interface Alignment {
  readonly blocks: readonly BlockAlignment[];
  /** Cosine of the two trees as vectors: null where one of them is zero. */
  readonly global: number | null;
  /** Cosine of the two profiles of block norms, in [0, 1]: 1 when they are proportional. */
  readonly kappa: number;
  /** `Σ w_i cos_i / Σ w_i`: global = kappa · mean. */
  readonly mean: number | null;
  /** Least and largest cosine of a block. */
  readonly least: number | null;
  readonly largest: number | null;
  /** First-order change of a loss with gradient y when the parameters become `θ − rate·x`. */
  readonly predictedChange: number;
  /** Names of the blocks that go against y: `⟨x_i, y_i⟩ < 0`. */
  readonly against: readonly string[];
}

/** Blocks of a parameter's name: up to its first number, or without its last word: `model.layers.3`, `model.norm`. */
export function blockOf(name: string): string {
  const words = name.split(".");
  const number = words.findIndex((word) => /^\d+$/.test(word));
  if (number >= 0) return words.slice(0, number + 1).join(".");
  return words.length === 1 ? name : words.slice(0, -1).join(".");
}

/** How trees are cut, and how far a step goes. */
export interface AlignmentOptions {
  /** Block of each leaf by its name; default `blockOf`. */
  readonly block?: (name: string) => string;
  /** Default 1. */
  readonly rate?: number;
}

/** Names of blocks in order, and their sums `[3, blocks]` in float64: what a compiled step gives back. */
export function blockSums(
  x: unknown,
  y: unknown,
  block: (name: string) => string = blockOf,
): { readonly names: readonly string[]; readonly sums: Tensor } {
  const others = new Map(flattenTree(y));
  const found = new Map<string, [Tensor, Tensor, Tensor]>();
  for (const [name, leaf] of flattenTree(x)) {
    const other = others.get(name);
    if (other === undefined) throw new Error(`blockSums: both trees must have "${name}"`);
    const [a, b] = [cast(leaf, "float64"), cast(other, "float64")];
    const of = [sum(a.mul(b)), sum(square(a)), sum(square(b))] as const;
    const before = found.get(block(name));
    found.set(block(name), [
      before ? before[0].add(of[0]) : of[0],
      before ? before[1].add(of[1]) : of[1],
      before ? before[2].add(of[2]) : of[2],
    ]);
  }
  const all = [...found.values()];
  return {
    names: [...found.keys()],
    sums: stack([0, 1, 2].map((k) => stack(all.map((three) => three[k] as Tensor)))),
  };
}

/** The report of sums that were measured. @example alignmentOf([{ name: "a", inner: 2, x: 1, y: 4 }]).global; // 1 */
export function alignmentOf(sums: readonly BlockSums[], rate = 1): Alignment {
  const total = (of: (s: BlockSums) => number): number => sums.reduce((a, s) => a + of(s), 0);
  const size = Math.sqrt(total((s) => s.x)) * Math.sqrt(total((s) => s.y));
  const blocks = sums.map(({ name, inner, x, y }): BlockAlignment => {
    const own = Math.sqrt(x) * Math.sqrt(y);
    return {
      name,
      x: Math.sqrt(x),
      y: Math.sqrt(y),
      cosine: own > 0 ? inner / own : null,
      weight: size > 0 ? own / size : 0,
      contribution: size > 0 ? inner / size : 0,
    };
  });
  const cosines = blocks.flatMap(({ cosine }) => cosine ?? []);
  const kappa = blocks.reduce((a, b) => a + b.weight, 0);
  const global = size > 0 ? blocks.reduce((a, b) => a + b.contribution, 0) : null;
  return {
    blocks,
    global,
    kappa,
    mean: global !== null && kappa > 0 ? global / kappa : null,
    least: cosines.length > 0 ? Math.min(...cosines) : null,
    largest: cosines.length > 0 ? Math.max(...cosines) : null,
    predictedChange: -rate * total((s) => s.inner),
    against: sums.flatMap(({ name, inner }) => (inner < 0 ? [name] : [])),
  };
}

/** `[3, blocks]` as numbers, with the names of the blocks. */
export function sumsOf(names: readonly string[], data: ArrayLike<number | bigint>): BlockSums[] {
  const at = (row: number, i: number): number => Number(data[row * names.length + i]);
  return names.map((name, i) => ({ name, inner: at(0, i), x: at(1, i), y: at(2, i) }));
}

/**
 * How an update `x`, as it is subtracted, agrees with a gradient `y`; or any two trees of the same leaves. Sums are float64.
 * @example
 * const { global, kappa, blocks } = await alignmentReport(update, gradient);
 */
export async function alignmentReport(
  x: unknown,
  y: unknown,
  { block = blockOf, rate = 1 }: AlignmentOptions = {},
): Promise<Alignment> {
  const { names, sums } = blockSums(x, y, block);
  return alignmentOf(sumsOf(names, (await sums.data()) as Float64Array), rate);
}

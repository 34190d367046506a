// Any order of n = k·p numbers as two Monarch matrices: along rows, along columns, along rows again, as in Slepian and
// Duguid's theorem on three-stage switches (Beneš 1965, "Mathematical theory of connecting networks", chapter 3). Products of
// Monarch matrices as a class: Dao et al. 2022, section 3.2. https://arxiv.org/abs/2204.00595
import { OptionError } from "../errors.ts";
import { type Dtype, tensor } from "../tensor/index.ts";
import type { MonarchParams } from "./monarch.ts";

/**
 * Two matrices `M₁`, `M₂` of zeros and ones with `(M₂ M₁ x)ᵢ = x[order[i]]`. Numbers stand in `blocks` rows of `n / blocks`.
 * Which column a number crosses the rows in is a colour: those of one row, and those for one row, all have another, which
 * is as many perfect matchings as there are columns (König 1916).
 * @param order Each of 0 … n − 1 once. @throws OptionError for what is no permutation, and for blocks that do not divide n.
 * @example
 * const [first, second] = permutationFactors([3, 1, 0, 2], { blocks: 2 });
 */
export function permutationFactors(
  order: readonly number[],
  { blocks: k, dtype = "float32" }: { readonly blocks: number; readonly dtype?: Dtype },
): readonly [MonarchParams, MonarchParams] {
  const n = order.length;
  if (
    new Set(order).size !== n ||
    order.some((from) => !Number.isSafeInteger(from) || from < 0 || from >= n)
  ) {
    throw new OptionError(
      `permutationFactors: order must hold each of 0 to ${n - 1} once, got ${order.slice(0, 8).join(", ")}${n > 8 ? ", …" : ""}.`,
    );
  }
  if (!Number.isSafeInteger(k) || k < 1 || n % k !== 0) {
    throw new OptionError(`permutationFactors: blocks must divide the ${n} numbers, got ${k}.`);
  }
  const p = n / k;
  const rowOf = (i: number): number => Math.floor(i / p);
  const colours = coloured(
    order.map((from, to) => [rowOf(from), rowOf(to)] as const),
    k,
    p,
  );
  const [right, left, last] = [new Float64Array(n * p), new Float64Array(n * k), new Float64Array(n * p)];
  order.forEach((from, to) => {
    const colour = colours[to] ?? 0;
    right[(rowOf(from) * p + colour) * p + (from % p)] = 1; // to its column
    left[(colour * k + rowOf(to)) * k + rowOf(from)] = 1; // to its row
    last[(rowOf(to) * p + (to % p)) * p + colour] = 1; // to its place
  });
  const same = Float64Array.from({ length: n * k }, (_, i) => Number(i % k === Math.floor(i / k) % k));
  const rows = (data: Float64Array) => tensor(data, { shape: [k, p, p], dtype });
  const columns = (data: Float64Array) => tensor(data, { shape: [p, k, k], dtype });
  return [
    { left: columns(left), right: rows(right) },
    { left: columns(same), right: rows(last) },
  ];
}

/** A colour 0 … p − 1 for each edge between k and k nodes of p edges each, so that no node has one twice. */
function coloured(edges: readonly (readonly [number, number])[], k: number, p: number): number[] {
  const colours = edges.map(() => -1);
  for (let colour = 0; colour < p; colour++) {
    for (const edge of matching(edges, colours, k)) colours[edge] = colour;
  }
  return colours;
}

/** One edge without a colour for each node of either side: such edges are regular, so there is one (Hall 1935). */
function matching(
  edges: readonly (readonly [from: number, to: number])[],
  colours: readonly number[],
  k: number,
): number[] {
  const free: number[][] = Array.from({ length: k }, () => []);
  edges.forEach(([from], edge) => {
    if (colours[edge] === -1) free[from]?.push(edge);
  });
  const chosen = Array.from({ length: k }, () => -1); // by its end
  const augment = (from: number, seen: Set<number>): boolean => {
    for (const edge of free[from] ?? []) {
      const to = edges[edge]?.[1] ?? 0;
      if (seen.has(to)) continue;
      seen.add(to);
      const taken = chosen[to] ?? -1;
      if (taken === -1 || augment(edges[taken]?.[0] ?? 0, seen)) {
        chosen[to] = edge;
        return true;
      }
    }
    return false;
  };
  for (let from = 0; from < k; from++) augment(from, new Set());
  return chosen;
}

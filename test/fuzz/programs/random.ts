// Choices of a seeded generator.
import { numbers } from "../../support/numbers.ts";

export interface Random {
  /** A whole number in [0, n). */
  below(n: number): number;
  chance(p: number): boolean;
  of<T>(list: readonly T[]): T;
  /** A number in [−1, 1). */
  next(): number;
  shuffled<T>(list: readonly T[]): T[];
}

export function randomOf(seed: number): Random {
  const next = numbers(seed);
  // The first numbers of neighbouring seeds are alike.
  for (let i = 0; i < 8; i++) next();
  const below = (n: number): number => Math.min(n - 1, Math.floor(((next() + 1) / 2) * n));
  return {
    below,
    next,
    chance: (p) => (next() + 1) / 2 < p,
    of(list) {
      const chosen = list[below(list.length)];
      if (chosen === undefined) throw new Error("nothing to choose from");
      return chosen;
    },
    shuffled(list) {
      const rest = [...list];
      for (let i = rest.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [rest[i], rest[j]] = [rest[j] as (typeof rest)[0], rest[i] as (typeof rest)[0]];
      }
      return rest;
    },
  };
}

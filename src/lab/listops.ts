// ListOps: nested lists of digits under four operators. Nangia and Bowman 2018, https://arxiv.org/abs/1804.06028
import { random } from "../tensor/index.ts";

const OPERATORS = ["[MIN", "[MAX", "[MED", "[SM"] as const;

/** All tokens; the place of a token is its id. */
export const LISTOPS_TOKENS: readonly string[] = [...OPERATORS, "]", ..."0123456789"];

/** A list as tokens, and what it is worth. */
export interface ListOp {
  readonly tokens: readonly number[];
  readonly value: number;
}

/** The median of an even number of digits is the mean of both middle ones, cut to a digit; sums are modulo 10. */
function worth(operator: string, digits: readonly number[]): number {
  const sorted = [...digits].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  switch (operator) {
    case "[MIN":
      return sorted[0] ?? 0;
    case "[MAX":
      return sorted.at(-1) ?? 0;
    case "[MED":
      return sorted.length % 2 === 1
        ? (sorted[half] ?? 0)
        : Math.floor(((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2);
    default:
      return sorted.reduce((a, b) => a + b, 0) % 10;
  }
}

/** The list in text form, with or without the round brackets of the published files. @throws Error for what is none. */
export function parseListOp(text: string): ListOp {
  const words = text.split(/\s+/).filter((word) => word !== "" && word !== "(" && word !== ")");
  const tokens = words.map((word) => {
    const id = LISTOPS_TOKENS.indexOf(word);
    if (id < 0) throw new Error(`listops: "${word}" is no token`);
    return id;
  });
  const stack: { readonly operator: string; readonly digits: number[] }[] = [];
  let value = 0;
  for (const word of words) {
    if (word.startsWith("[")) stack.push({ operator: word, digits: [] });
    else if (word === "]") {
      const done = stack.pop();
      value = done ? worth(done.operator, done.digits) : value;
      stack.at(-1)?.digits.push(value);
    } else {
      value = Number(word);
      stack.at(-1)?.digits.push(value);
    }
  }
  return { tokens, value };
}

/** Sizes of lists that are drawn. */
export interface ListOpSizes {
  readonly depth: number;
  readonly arguments: number;
  /** Longer ones are drawn anew. */
  readonly longest: number;
}

/** A list at random: two to `arguments` items in each, a quarter of them lists again while depth is left. */
export function randomListOp(key: random.Key, { depth, arguments: most, longest }: ListOpSizes): ListOp {
  for (let attempt = 0; ; attempt++) {
    const draws = random.uniforms(random.fold(key, attempt), 4 * longest);
    let at = 0;
    const next = (below: number): number => Math.floor((draws[at++ % draws.length] ?? 0) * below);
    const words: string[] = [];
    const list = (left: number): void => {
      words.push(OPERATORS[next(OPERATORS.length)] ?? "[SM");
      for (let i = 2 + next(most - 1); i > 0 && words.length <= longest; i--) {
        if (left > 1 && next(4) === 0) list(left - 1);
        else words.push(String(next(10)));
      }
      words.push("]");
    };
    list(depth);
    if (words.length <= longest) return parseListOp(words.join(" "));
  }
}

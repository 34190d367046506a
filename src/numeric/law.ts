// A speed law as text, read by a grammar of its own and never evaluated as code:
//   sum    = term (("+" | "-") term)*
//   term   = factor (("*" | "/") factor)*
//   factor = "-" factor | atom ("^" factor)?
//   atom   = number | "x" | "y" | ("sqrt" | "exp" | "log") "(" sum ")" | "(" sum ")"
import { nearest, OptionError } from "../errors.ts";
import { add, constant, exp, type Jet, log, multiply, negate, power, reciprocal, sqrt } from "./jet.ts";

/** A function of the way across `x` and the depth `y`. */
export type Law = (x: Jet, y: Jet) => Jet;

const FUNCTIONS: Readonly<Record<string, (a: Jet) => Jet>> = { sqrt, exp, log };

/** Signs as people type them. */
const SPELLINGS: Readonly<Record<string, string>> = { "−": "-", "×": "*", "·": "*", "÷": "/" };

const TOKEN = /\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z]+)|(\S))/uy;

interface Token {
  readonly kind: "number" | "name" | "sign" | "end";
  readonly text: string;
  /** Where it stands, from 1. */
  readonly at: number;
}

/** Deeper nesting is a mistake or an attack. */
const DEEPEST = 100;

/**
 * Reads a law.
 * @throws OptionError that shows the place for anything that is none.
 * @example
 * parseLaw("sqrt(y - 0.2*x)"); // falling with friction 0.2 (g = ½)
 */
export function parseLaw(text: string): Law {
  const tokens = tokensOf(text);
  let next = 0;
  let depth = 0;
  const peek = (): Token => tokens[next] ?? { kind: "end", text: "", at: text.length + 1 };
  const fail = (must: string): never => {
    const { kind, text: got, at } = peek();
    throw new OptionError(
      `law: "${text}" must have ${must} at place ${at}, got ${kind === "end" ? "its end" : `"${got}"`}. Known: numbers, x, y, + - * / ^, sqrt, exp, log.`,
    );
  };
  const take = (...signs: string[]): string | undefined => {
    const { kind, text: sign } = peek();
    if (kind !== "sign" || !signs.includes(sign)) return undefined;
    next++;
    return sign;
  };
  const chain = (part: () => Law, signs: readonly [string, string], inverse: (a: Jet) => Jet): Law => {
    const join = signs[0] === "+" ? add : multiply;
    let left = part();
    for (let sign = take(...signs); sign !== undefined; sign = take(...signs)) {
      const [before, right] = [left, part()];
      left =
        sign === signs[0]
          ? (x, y) => join(before(x, y), right(x, y))
          : (x, y) => join(before(x, y), inverse(right(x, y)));
    }
    return left;
  };
  const sum = (): Law => chain(term, ["+", "-"], negate);
  const term = (): Law => chain(factor, ["*", "/"], reciprocal);
  const factor = (): Law => {
    if (++depth > DEEPEST) fail(`at most ${DEEPEST} brackets and signs inside one another`);
    const minus = take("-") !== undefined;
    const inner = minus ? factor() : atom();
    const raised = !minus && take("^") !== undefined ? factor() : undefined;
    depth--;
    if (minus) return (x, y) => negate(inner(x, y));
    return raised ? (x, y) => power(inner(x, y), raised(x, y)) : inner;
  };
  const bracket = (): Law => {
    if (take("(") === undefined) fail('"("');
    const inner = sum();
    if (take(")") === undefined) fail('")"');
    return inner;
  };
  const atom = (): Law => {
    const { kind, text: word } = peek();
    if (kind === "number") {
      next++;
      const value = constant(Number(word));
      return () => value;
    }
    if (kind !== "name") return bracket();
    const known = FUNCTIONS[word];
    if (word !== "x" && word !== "y" && known === undefined) {
      const near = nearest(word, ["x", "y", ...Object.keys(FUNCTIONS)], 1)[0];
      return fail(`a name it knows${near === undefined ? "" : ` (${near}?)`}`);
    }
    next++;
    if (known) {
      const inner = bracket();
      return (x, y) => known(inner(x, y));
    }
    return word === "x" ? (x) => x : (_, y) => y;
  };
  const law = sum();
  if (peek().kind !== "end") fail("an operator or its end");
  return law;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [whole, number, name, sign] = match;
    const word = number ?? name ?? sign ?? "";
    const kind = number !== undefined ? "number" : name !== undefined ? "name" : "sign";
    tokens.push({ kind, text: SPELLINGS[word] ?? word, at: match.index + whole.length - word.length + 1 });
  }
  return tokens;
}

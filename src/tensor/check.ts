// Shapes in letters, checked at run time: one letter, one size.
import { ShapeError } from "../errors.ts";
import type { Dim, Shape } from "../graph/dim.ts";
import type { Tensor } from "./tensor.ts";

/** Letters of a specification such as `"B~ H T~ D"`; a letter with `~` may be a symbolic size. */
type Words<S extends string> = S extends `${infer A} ${infer B}` ? A | Words<B> : S;
type Specs = Readonly<Record<string, readonly [tensor: Tensor, letters: string]>>;
type AllWords<S extends Specs> = { [K in keyof S]: Words<S[K][1]> }[keyof S];
type Sizes<W extends string> = {
  [L in W as L extends `${infer Name}~` ? Name : L]: L extends `${string}~` ? Dim : number;
};

function show(letters: readonly string[], sizes: ReadonlyMap<string, Dim>): string {
  return `[${letters.map((l) => (sizes.has(l) ? `${l}=${sizes.get(l)}` : l)).join(", ")}]`;
}

function got(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/**
 * Checks that each tensor has the axes its letters name, that one letter stands for one size, and that sizes
 * without `~` are numbers; returns the sizes. A word that is a number must equal the size.
 * @throws ShapeError `where: name must be [B=2, D=64], got [2, 32].`
 * @example
 * const { B, D } = checkShapes("attend", { q: [q, "B~ H T~ D"], k: [k, "B~ H S~ D"] });
 */
export function checkShapes<const S extends Specs>(where: string, specs: S): Sizes<AllWords<S>> {
  const sizes = new Map<string, Dim>();
  for (const [name, [x, text]] of Object.entries(specs)) {
    const words = text === "" ? [] : text.split(" ");
    const letters = words.map((w) => w.replace("~", ""));
    const fail = (): never => {
      throw new ShapeError(`${where}: ${name} must be ${show(letters, sizes)}, got ${got(x.shape)}.`);
    };
    if (x.rank !== letters.length) fail();
    letters.forEach((letter, i) => {
      const size = x.shape[i] ?? 1;
      if (/^\d+$/.test(letter)) {
        if (size !== Number(letter)) fail();
        return;
      }
      const known = sizes.get(letter);
      if (known !== undefined && known !== size) fail();
      if (typeof size === "string" && !words[i]?.endsWith("~")) {
        throw new ShapeError(`${where}: ${letter} of ${name} must be a known size, got ${size}.`);
      }
      sizes.set(letter, size);
    });
  }
  return Object.fromEntries(sizes) as Sizes<AllWords<S>>;
}

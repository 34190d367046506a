// Category names and their boolean algebra: `cs.AI+cs.LG-cs.CY` is the union of the plus terms without any
// paper of a minus term; `cs.AI,cs.LG` is the older spelling of a union; a parent covers its children.

/** arXiv's categories that exist under two names. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["cs.NA", "math.NA"],
  ["cs.SY", "eess.SY"],
  ["math.IT", "cs.IT"],
  ["math.MP", "math-ph"],
  ["q-fin.EC", "econ.GN"],
  ["stat.TH", "math.ST"],
]);

const shape = /^([a-z]+(?:-[a-z]+)*)(?:\.([a-z]+(?:-[a-z]+)*))?$/i;

/**
 * The one spelling of a category (`CS.ai` is `cs.AI`, `cs.NA` is `math.NA`), or undefined for what is no
 * category: subject-classification codes such as `68T45` or `I.2.10` share arXiv's field. Idempotent.
 */
export function normaliseCategory(text: string): string | undefined {
  const m = shape.exec(text.trim());
  if (!m) return undefined;
  const archive = (m[1] ?? "").toLowerCase();
  const subject = m[2];
  if (subject === undefined) return archive;
  if (subject.length < 2) return undefined;
  // Two letters are capitals (`cs.AI`); longer names are lower case (`cond-mat.str-el`, `physics.optics`).
  const name = `${archive}.${subject.length === 2 ? subject.toUpperCase() : subject.toLowerCase()}`;
  return aliases.get(name) ?? name;
}

/** The archive above a category: `cs` for `cs.AI`; undefined at the top. */
export function parentOf(category: string): string | undefined {
  const dot = category.indexOf(".");
  return dot < 0 ? undefined : category.slice(0, dot);
}

/** A parsed category expression: in any of `plus` (in anything, if empty) and in none of `minus`. */
export interface CategoryExpression {
  readonly plus: readonly string[];
  readonly minus: readonly string[];
}

/**
 * Parses a category expression; undefined if some term is no category. A minus sign subtracts only where the
 * name before it is complete, so that `cond-mat-cs.AI` means `cond-mat` without `cs.AI`.
 */
export function parseCategories(text: string): CategoryExpression | undefined {
  const plus = new Set<string>();
  const minus = new Set<string>();
  for (const part of text.split(/[+,\s]+/)) {
    if (part === "") continue;
    const terms = splitMinus(part);
    if (terms === undefined) return undefined;
    for (const [i, term] of terms.entries()) {
      if (term === "" && i === 0) continue; // the expression began with a minus sign
      const category = normaliseCategory(term);
      if (category === undefined) return undefined;
      (i === 0 ? plus : minus).add(category);
    }
  }
  return plus.size + minus.size === 0 ? undefined : { plus: [...plus].sort(), minus: [...minus].sort() };
}

// Names with a hyphen of their own; at any other hyphen a category is subtracted.
const archives =
  /^(?:astro-ph|cond-mat|gr-qc|hep-(?:ex|lat|ph|th)|math-ph|nucl-(?:ex|th)|q-(?:bio|fin|alg)|quant-ph|alg-geom|adap-org|chao-dyn|cmp-lg|comp-gas|dg-ga|funct-an|patt-sol|solv-int|(?:acc|ao|atom|bayes|chem|plasm)-(?:phys|ph|an)|mtrl-th|supr-con)(?![a-z])/i;
const subjects =
  /^\.(?:dis-nn|mes-hall|mtrl-sci|quant-gas|stat-mech|str-el|supr-con|(?:acc|ao|app|atom|bio|chem|class|comp|ed|gen|geo|hist|med|plasm|pop|soc|space)-ph|atm-clus|data-an|flu-dyn|ins-det)(?![a-z])/i;

function splitMinus(part: string): string[] | undefined {
  const terms: string[] = part.startsWith("-") ? [""] : [];
  let rest = part.replace(/^-/, "");
  while (rest !== "") {
    const archive = archives.exec(rest)?.[0] ?? /^[a-z]+/i.exec(rest)?.[0];
    if (archive === undefined) return undefined;
    const tail = rest.slice(archive.length);
    const subject = subjects.exec(tail)?.[0] ?? /^\.[a-z]+/i.exec(tail)?.[0] ?? "";
    const after = rest.slice(archive.length + subject.length);
    if (after !== "" && !after.startsWith("-")) return undefined;
    if (after === "-") return undefined;
    terms.push(archive + subject);
    rest = after.slice(1);
  }
  return terms;
}

/** The shortest text that `parseCategories` reads back as the same expression. */
export function formatCategories({ plus, minus }: CategoryExpression): string {
  return plus.join("+") + minus.map((c) => `-${c}`).join("");
}

/** Whether a paper with these normalised categories satisfies an expression. */
export function inCategories(categories: readonly string[], { plus, minus }: CategoryExpression): boolean {
  const has = (term: string) => categories.some((c) => c === term || parentOf(c) === term);
  return (plus.length === 0 || plus.some(has)) && !minus.some(has);
}

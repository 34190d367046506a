// A paper as an entry of a bibliography: the one writer, for exports and for the page's clipboard.
import { isArxivId, normaliseId } from "../identifier.ts";
import type { Paper } from "../paper.ts";
import { referenceFields } from "../reference.ts";
import { plainTex } from "../tex-pieces.ts";

/** What an entry holds. */
export interface BibtexOptions {
  /** For a bibliography rather than for another collection: no abstract, stars or days, one category. Default false. */
  readonly brief?: boolean;
}

/** A paper as a BibTeX entry. Read back it is the same paper, unless `brief`. */
export function toBibtex(paper: Paper, options: BibtexOptions = {}): string {
  const { brief = false } = options;
  const arxiv = isArxivId(paper.id);
  const type = typeOf(paper);
  const venue = paper.venue === "arXiv" && arxiv ? "" : paper.venue;
  const reference = paper.reference ?? {};
  const doi = paper.id.startsWith("doi:") ? paper.id.slice(4) : (reference["doi"] ?? "");
  const key = citationKey(paper);
  const readBack = arxiv || paper.id === (doi === "" ? `bib:${key}` : `doi:${doi.toLowerCase()}`);
  const text = (value: string): string => escapeTex(brief ? withoutOddBraces(value) : value);
  const fields: [name: string, value: string][] = [
    ["title", `{${text(paper.title)}}`],
    ["author", paper.authors.map(nameField).join(" and ")],
    ["year", paper.year > 0 ? String(paper.year) : ""],
    [venueField(type), text(venue)],
    ...referenceFields.flatMap((name): [string, string][] =>
      name === "doi" ? [] : [[name, fieldOf(name, reference[name] ?? "")]],
    ),
    ["doi", doi],
    ["eprint", arxiv ? paper.id : ""],
    // Without a venue of its own such a record is arXiv's; one that names no venue says nothing of the archive.
    ["archivePrefix", arxiv && paper.venue !== "" ? "arXiv" : ""],
    ["primaryClass", brief ? (arxiv ? (paper.categories[0] ?? "") : "") : paper.categories.join(" ")],
    ["paperid", readBack || brief ? "" : escapeTex(paper.id)],
    ["date", brief ? "" : paper.announced],
    [
      "url",
      (paper.url || (arxiv ? `https://arxiv.org/abs/${paper.id}` : "")).replace(
        /[{}\\]/g,
        encodeURIComponent,
      ),
    ],
    ["stars", brief || paper.stars === 0 ? "" : String(paper.stars)],
    ["abstract", brief ? "" : escapeTex(paper.abstract)],
  ];
  const lines = fields
    .filter(([, value]) => value !== "" && value !== "{}")
    .map(([name, value]) => `  ${name} = {${value}},`);
  return [`@${type}{${key},`, ...lines, "}", ""].join("\n");
}

/** Types whose `venue` stands in a field of its own; all others have it as `booktitle`. */
const venueFields: Readonly<Record<string, string>> = {
  article: "journal",
  periodical: "journal",
  phdthesis: "school",
  mastersthesis: "school",
  thesis: "school",
  techreport: "institution",
  report: "institution",
};

/** The field that holds the venue of an entry of a type. */
export function venueField(type: string): string {
  return venueFields[type] ?? "booktitle";
}

const journal =
  /\b(?:journal|transactions|letters|review|reviews|annals|archives?|magazine|bulletin|quarterly|acta|nature|science|pnas|jmlr|tmlr|tacl)\b/i;

/** The type an entry came with; without one, what the venue's name says. */
function typeOf({ id, venue, reference }: Paper): string {
  const known = reference?.["type"];
  if (known !== undefined) return known;
  if (venue === "" || (venue === "arXiv" && isArxivId(id))) return "misc";
  return journal.test(venue) || reference?.["volume"] !== undefined ? "article" : "inproceedings";
}

function fieldOf(name: string, value: string): string {
  const escaped = escapeTex(value);
  return name === "pages" ? escaped.replaceAll("–", "--") : escaped;
}

/** A name as one name: braces keep ` and `, commas and words that mean something to BibTeX. */
function nameField(name: string): string {
  return /\sand\s|,|^others$|^(?:family|given|prefix|suffix)\s*=/i.test(name)
    ? `{${escapeTex(name)}}`
    : escapeTex(name);
}

/**
 * A text that a bibliography's reader gives back: `& % # _ $` and braces escaped, formulas left alone. Where that
 * would come back otherwise (a text that itself holds commands, `--` or `~`), every sign of TeX is spelled out.
 */
export function escapeTex(text: string): string {
  if (/^[\w ,.;:!?()+*/=<>'@"-]*$/.test(text) && !/_|--|''/.test(text)) return text;
  const paired = balanced(text);
  const light = outsideFormulas(text, (part) => escapeLightly(part, paired));
  if (survives(light, text)) return light;
  const strict = outsideFormulas(text, (part) => escapeStrictly(part, paired));
  return survives(strict, text) ? strict : escapeStrictly(text, paired);
}

function survives(escaped: string, text: string): boolean {
  return balanced(escaped) && !escaped.endsWith("\\") && plainTex(escaped) === text;
}

function outsideFormulas(text: string, change: (part: string) => string): string {
  return text
    .split(/(\$[^$]*\$)/)
    .map((part, i) => (i % 2 === 1 && balanced(part) && !part.endsWith("\\$") ? part : change(part)))
    .join("");
}

const braceNames: Readonly<Record<string, string>> = { "{": "\\textbraceleft{}", "}": "\\textbraceright{}" };

function escapeLightly(part: string, paired: boolean): string {
  return part.replace(/(?<!\\)[&%#_$]|[{}]/g, (c) => (paired ? `\\${c}` : (braceNames[c] ?? `\\${c}`)));
}

function escapeStrictly(part: string, paired: boolean): string {
  return part
    .replace(/[\\{}~&%#_$^]/g, (c) => {
      if (c === "\\") return "\\textbackslash{}";
      if (c === "~") return "\\textasciitilde{}";
      if (c === "^") return "\\textasciicircum{}";
      return paired ? `\\${c}` : (braceNames[c] ?? `\\${c}`);
    })
    .replace(/-(?=-)|`(?=`)|'(?=')/g, "$&{}");
}

/** Whether braces pair, as BibTeX counts them: with or without a backslash. */
function balanced(text: string): boolean {
  let depth = 0;
  for (const c of text) {
    depth += c === "{" ? 1 : c === "}" ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth === 0;
}

function withoutOddBraces(text: string): string {
  return balanced(text) ? text : text.replace(/[{}]/g, "");
}

const small = new Set(["a", "an", "the", "on", "of", "for", "in", "to", "and", "with", "is", "are"]);

/** Letters and digits of a name in ASCII; other scripts fall away. */
function ascii(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9]/g, "")
    .toLowerCase();
}

/** The key a paper came with; else family name, year, first word of the title that says something. */
export function citationKey({ id, authors, year, title }: Paper): string {
  if (id.startsWith("bib:")) return id.slice(4).replace(/[\s,{}"=%#\\'()~]/g, "") || "paper";
  const family = ascii(authors[0]?.split(/\s+/).at(-1) ?? "");
  const word = title
    .split(/[^\p{L}\p{N}]+/u)
    .map(ascii)
    .find((w) => /^[a-z]./.test(w) && !small.has(w));
  const key = `${family}${year || ""}${word ?? ""}`;
  return key === "" || /^\d+$/.test(key) ? `paper${ascii(normaliseId(id))}` : key;
}

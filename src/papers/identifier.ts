// Paper identifiers in all the forms people paste, and the one form they are stored in.
// Rules: arXiv identifiers have had five digits after the point since January 2015, four before; a version
// (`v2`) names a text, not a paper. https://info.arxiv.org/help/arxiv_identifier.html

const modern = /^(\d{2})(\d{2})\.(\d{4,5})(?:v\d+)?$/i;
const old = /^([a-z][a-z-]*)(?:\.[a-z]{2})?\/(\d{7})(?:v\d+)?$/i;
// A DOI in any form that people paste; what follows the prefix is told apart without regard to case.
const doi = /^(?:(?:https?:)?\/\/(?:dx\.|www\.)?doi\.org\/|doi:\s*)?(10\.\d{4,9}\/\S+)$/i;
const prefixes =
  /^(?:(?:https?:)?\/\/)?(?:(?:www\.|export\.)?arxiv\.org\/(?:abs|pdf|html|format)\/|(?:www\.)?papers\.cool\/arxiv\/|(?:dx\.)?doi\.org\/10\.48550\/arxiv\.|10\.48550\/arxiv\.|oai:arxiv\.org:|arxiv:)/i;

/**
 * The stored form of an identifier: without address, prefix, version or surrounding space, and with arXiv's
 * numbers in the width of their month (`1406.02661` is `1406.2661`, `2401.6769` is `2401.06769`); a DOI as
 * `doi:10.1000/xyz`, in lower case. Whatever is neither stays as it is, trimmed. Idempotent.
 */
export function normaliseId(text: string): string {
  const trimmed = text.trim();
  const bare = strip(trimmed);
  return (
    arxivForm(bare) ?? arxivForm(withoutClass(bare)) ?? doiForm(trimmed) ?? (bare === "" ? trimmed : bare)
  );
}

/** `1406.2661v1 [stat.ML]`, as arXiv's pages cite themselves, without the class. */
function withoutClass(text: string): string {
  return text.replace(/\s*\[[\w.-]{1,20}\]$/, "");
}

function doiForm(text: string): string | undefined {
  const name = doi.exec(text)?.[1]?.toLowerCase();
  return name === undefined ? undefined : `doi:${name}`;
}

/** The identifier that a whole text is, in stored form: arXiv's or a DOI; nothing for any other text. */
export function identifierIn(text: string): string | undefined {
  if (text.length > 500) return undefined;
  const id = normaliseId(text);
  return isArxivId(id) || doiForm(id) !== undefined ? id : undefined;
}

/** Whether a stored identifier is arXiv's. */
export function isArxivId(id: string): boolean {
  return arxivForm(id) === id;
}

/** Whether a text has the form of an arXiv identifier, of any width and with or without a version. */
export function looksLikeArxivId(text: string): boolean {
  return modern.test(text) || old.test(text);
}

/** Addresses carry prefixes, suffixes, queries and fragments; one pass can uncover another (`arXiv:` in a link). */
function strip(text: string): string {
  for (let bare = text; ; ) {
    const next = bare.replace(prefixes, "");
    if (next === bare) return bare;
    bare = next
      .replace(/[?#].*$/s, "")
      .replace(/\.pdf$/i, "")
      .replace(/\/+$/, "")
      .trim();
  }
}

function arxivForm(text: string): string | undefined {
  const m = modern.exec(text);
  if (m) {
    const [, year = "", month = "", number = ""] = m;
    if (Number(month) < 1 || Number(month) > 12) return undefined;
    const width = Number(year) >= 15 && Number(year) < 91 ? 5 : 4;
    const digits = number.replace(/^0+/, "").padStart(width, "0");
    return digits.length > width ? undefined : `${year}${month}.${digits}`;
  }
  const o = old.exec(text);
  return o ? `${o[1]?.toLowerCase()}/${o[2]}` : undefined;
}

/** The arXiv identifiers in a text (a selection, an address, a bibliography), each once, in order. */
export function findIds(text: string): string[] {
  const found = text.matchAll(
    /(?<![\d.])\d{4}\.\d{4,5}(?:v\d+)?(?![\d])|\b[a-z][a-z-]+(?:\.[A-Z]{2})?\/\d{7}(?:v\d+)?\b/g,
  );
  return [...new Set([...found].map(([id]) => arxivForm(id)).filter((id) => id !== undefined))];
}

/** Year that an arXiv identifier states; 0 for others. */
export function yearOfId(id: string): number {
  const digits = modern.test(id) ? id.slice(0, 2) : (old.exec(id)?.[2]?.slice(0, 2) ?? "");
  if (digits === "") return 0;
  return Number(digits) >= 91 ? 1900 + Number(digits) : 2000 + Number(digits);
}

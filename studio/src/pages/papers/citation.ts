// What a reader takes along: BibTeX, a text for the clipboard, addresses.
import type { Paper } from "../../../../src/papers/paper.ts";
import { toBibtex } from "../../../../src/papers/collect/bibtex-write.ts";
import { looksLikeArxivId } from "../../../../src/papers/identifier.ts";
import { plainText, webAddress } from "../../../../src/papers/tex-pieces.ts";

/** Address of the paper's own page, or nothing if the record has none that may be followed. */
export function paperLink(paper: Paper): string | undefined {
  return (
    webAddress(paper.url) ?? (looksLikeArxivId(paper.id) ? `https://arxiv.org/abs/${paper.id}` : undefined)
  );
}

/** Address of the PDF, where it follows from the identifier. */
export function pdfLink(paper: Paper): string | undefined {
  if (looksLikeArxivId(paper.id)) return `https://arxiv.org/pdf/${paper.id}`;
  const link = webAddress(paper.url);
  return link?.endsWith(".pdf") ? link : undefined;
}

/** A paper as one entry of a bibliography. */
export function bibtex(paper: Paper): string {
  return toBibtex(paper, { brief: true });
}

/** Title, authors, abstract and links, for the clipboard. */
export function clipboardText(paper: Paper): string {
  const links = [paperLink(paper), pdfLink(paper)].filter((link) => link !== undefined);
  return [plainText(paper.title), paper.authors.join(", "), plainText(paper.abstract), links.join("\n")]
    .filter((part) => part !== "")
    .join("\n\n");
}

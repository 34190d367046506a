// What can be done with a paper, from a button or a key.
import { t } from "../../shared/i18n/translate.svelte.ts";
import { copy } from "../../shared/toast.svelte.ts";
import type { Shown } from "./api.ts";
import { bibtex, clipboardText, paperLink, pdfLink } from "./citation.ts";
import { noteRead } from "./library.svelte.ts";
import { now, openPane } from "./state.svelte.ts";
import { addressOf } from "./view.ts";

/** Puts title, authors, abstract and links on the clipboard. */
export function copyPaper(paper: Shown): void {
  void copy(clipboardText(paper), t("copied.text"), t("copied.failed"));
}

/** Puts a BibTeX entry on the clipboard. */
export function copyBibtex(paper: Shown): void {
  void copy(bibtex(paper), t("copied.bibtex"), t("copied.failed"));
}

/** Puts the paper's address on the clipboard: its own page, or ours if it has none. */
export function copyLink(paper: Shown): void {
  const ours = location.origin + addressOf({ kind: "papers", ids: [paper.id] });
  void copy(paperLink(paper) ?? ours, t("copied.link"), t("copied.failed"));
}

/** Shows the papers near a paper in the side column. */
export function showRelated(paper: Shown): void {
  now.near = paper;
  now.chosen = paper.id;
  openPane("related");
}

/** Opens the paper's page or PDF in a new tab and notes that it was read. */
export function openPaper(paper: Shown, which: "page" | "pdf"): void {
  const link = which === "pdf" ? (pdfLink(paper) ?? paperLink(paper)) : paperLink(paper);
  if (link === undefined) return;
  void noteRead(paper);
  window.open(link, "_blank", "noopener,noreferrer");
}

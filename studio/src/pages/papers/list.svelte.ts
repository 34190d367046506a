// The papers on the page: asked for, kept while newer ones are on their way, extended at the end.
import { AnswerError, askPapers, isAbort, type Shown } from "./api.ts";
import { readPapers, starredPapers } from "./library.svelte.ts";
import type { Order } from "./order.ts";
import { questionOf, type View } from "./view.ts";

/** How far a list has come. */
export type Status = "loading" | "ready" | "missing" | "failed" | "offline";

/** What a list held, to show again without asking. */
export type Held = Pick<
  PaperList,
  "papers" | "total" | "from" | "to" | "next" | "view" | "suggestion" | "instead"
> & {
  readonly question: string;
};

/** The list of a page. */
export class PaperList {
  /** As the server or the library has them. */
  papers: readonly Shown[] = $state.raw([]);
  total: number = $state(0);
  status: Status = $state("loading");
  /** First and last day shown, if the list has days. */
  from: string = $state("");
  to: string = $state("");
  /** Address of the JSON that follows; empty at the end. */
  next: string = $state("");
  /** What the words of a search may have been meant to be; empty for nothing. */
  suggestion: string = $state("");
  /** Whether the papers are those of the suggestion, because the words themselves find none. */
  instead: boolean = $state(false);
  /** The view these papers belong to; differs from the address bar while a newer one loads. */
  view: View = $state.raw({ kind: "list", categories: "", date: "" });
  #current: AbortController | undefined;
  #extending = false;
  /** Address that was asked last. */
  #question = "";

  /** Shows a view. The papers before stay until the new ones are here. */
  async show(view: View, order: Order): Promise<void> {
    const own = view.kind === "starred" || view.kind === "history";
    const question = own || view.kind === "nowhere" ? "" : questionOf(view, order);
    // Another order of a list that is here in full is the page's own work.
    if (!own && question === this.#question && this.status === "ready") return;
    this.#question = question;
    this.#current?.abort();
    if (view.kind === "starred" || view.kind === "history") {
      this.#take(view, view.kind === "starred" ? starredPapers() : readPapers(), "ready");
      return;
    }
    if (view.kind === "nowhere") {
      this.#take(view, [], "missing");
      return;
    }
    const current = new AbortController();
    this.#current = current;
    this.status = "loading";
    try {
      const asked = await askPapers(question, current.signal);
      const suggestion = "suggestion" in asked ? (asked.suggestion ?? "") : "";
      // Nothing for the words as they are: rather what they may have been meant to be than an empty page.
      const instead = asked.total === 0 && suggestion !== "" && view.kind === "search";
      const said = instead
        ? await askPapers(questionOf({ ...view, query: suggestion }, order), current.signal)
        : asked;
      if (current.signal.aborted) return;
      this.#take(view, said.papers, "ready");
      this.total = said.total;
      this.from = "from" in said ? (said.from ?? "") : "";
      this.to = "to" in said ? (said.to ?? "") : "";
      this.next = said.links.next ?? "";
      this.suggestion = suggestion;
      this.instead = instead;
    } catch (error) {
      if (isAbort(error) || current.signal.aborted) return;
      // Without an answer it is the line or the server that failed, not the question.
      const why = error instanceof AnswerError ? (error.status === 404 ? "missing" : "failed") : "offline";
      this.#take(view, [], why);
    }
  }

  #take(view: View, papers: readonly Shown[], status: Status): void {
    this.view = view;
    this.papers = papers;
    this.total = papers.length;
    this.from = "";
    this.to = "";
    this.next = "";
    this.suggestion = "";
    this.instead = false;
    this.status = status;
  }

  /** What is shown, for `restore`; nothing while it is not all there. */
  held(): Held | undefined {
    if (this.status !== "ready") return undefined;
    const { papers, total, from, to, next, view, suggestion, instead } = this;
    return { papers, total, from, to, next, view, suggestion, instead, question: this.#question };
  }

  /** Shows again what was held. */
  restore(held: Held): void {
    this.#current?.abort();
    this.#take(held.view, held.papers, "ready");
    ({
      total: this.total,
      from: this.from,
      to: this.to,
      next: this.next,
      suggestion: this.suggestion,
      instead: this.instead,
    } = held);
    this.#question = held.question;
  }

  /** Adds the next page, if there is one and it is not on its way. */
  async extend(): Promise<void> {
    const current = this.#current;
    if (this.next === "" || this.#extending || this.status !== "ready") return;
    this.#extending = true;
    try {
      const said = await askPapers(this.next, current?.signal ?? null);
      if (current !== this.#current) return;
      const known = new Set(this.papers.map(({ id }) => id));
      this.papers = [...this.papers, ...said.papers.filter(({ id }) => !known.has(id))];
      this.next = said.links.next ?? "";
    } catch (error) {
      if (!isAbort(error)) this.next = "";
    } finally {
      this.#extending = false;
    }
  }
}

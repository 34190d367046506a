// Requests to the server. Everything asked for is in the address: no bodies, no cookies, no preferences.
import type { Hit } from "../../../../src/papers/paper.ts";
import type { Listed, ListAnswer, Overview, SearchAnswer } from "../../../../src/server/answers.ts";

/** A paper of a list, or a hit of a search. */
export type Shown = Listed & Partial<Pick<Hit, "score" | "markedTitle" | "snippet">>;

/** The answer to any place. */
export type Said = (ListAnswer | SearchAnswer) & { readonly papers: readonly Shown[] };

/** A request that was answered with an error. */
export class AnswerError extends Error {
  override name = "AnswerError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function getJson(address: string, signal: AbortSignal | null): Promise<unknown> {
  const response = await fetch(address, { signal, credentials: "omit" });
  const body: unknown = await response.json();
  if (response.ok) return body;
  const message =
    typeof body === "object" && body !== null && "error" in body ? String(body.error) : response.statusText;
  throw new AnswerError(response.status, message);
}

/** Asks for the papers at a JSON address. */
export async function askPapers(address: string, signal: AbortSignal | null = null): Promise<Said> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this project's own server
  return (await getJson(address, signal)) as Said;
}

/** Asks what the collection holds within limits. */
export async function askOverview(
  categories: string,
  date: string,
  signal: AbortSignal | null = null,
  query?: string,
): Promise<Overview> {
  const params = new URLSearchParams();
  if (query !== undefined) {
    params.set("query", query);
    if (date !== "") params.set("within", date);
  }
  if (categories !== "") params.set("categories", categories);
  if (date === "latest" || /^\d{4}-\d{2}-\d{2}$/.test(date)) params.set("date", date);
  const asked = params.size > 0 ? `?${params}` : "";
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this project's own server
  return (await getJson(`/overview/json${asked}`, signal)) as Overview;
}

/** Whether an error only says that a request was given up for a newer one. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

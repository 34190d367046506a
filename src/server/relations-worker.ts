// The thread that knows all papers by their words: it builds the in-memory scorer (seconds for 25,000 papers,
// which would stop the server if it did so itself) and answers what is related to what.
import { parentPort } from "node:worker_threads";
import { keywords, related } from "../papers/keywords.ts";
import { createScorer, type Ranked, type ScoredText, type Scorer } from "../papers/scorer.ts";

/** To the thread. `papers` come in parts, then one `build`; a further `papers` begins anew. */
export type Request =
  | { readonly kind: "papers"; readonly papers: readonly ScoredText[] }
  | { readonly kind: "build" }
  | { readonly kind: "related"; readonly ask: number; readonly paper: ScoredText; readonly limit: number };

/** From the thread: keywords of some papers, the end of a build, an answer. */
export type Reply =
  | {
      readonly kind: "keywords";
      readonly words: readonly (readonly [id: string, words: readonly string[]])[];
    }
  | { readonly kind: "built" }
  | { readonly kind: "related"; readonly ask: number; readonly ranked: readonly Ranked[] };

/** Papers whose keywords go in one message. */
const part = 1000;

let papers: ScoredText[] = [];
let scorer: Scorer | undefined;

function reply(message: Reply): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(message);
}

function build(): void {
  const built = createScorer(papers);
  scorer = built;
  for (let from = 0; from < papers.length; from += part) {
    const words = papers.slice(from, from + part).map((paper) => [paper.id, keywords(paper, built)] as const);
    reply({ kind: "keywords", words });
  }
  // The texts live on in the index; the copies are not needed.
  papers = [];
  reply({ kind: "built" });
}

parentPort?.on("message", (request: Request) => {
  if (request.kind === "papers") papers.push(...request.papers);
  else if (request.kind === "build") build();
  else
    reply({
      kind: "related",
      ask: request.ask,
      ranked: scorer === undefined ? [] : related(request.paper, scorer, request.limit),
    });
});

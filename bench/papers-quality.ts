// Quality beyond look-ups, from the real papers alone: nobody judged these queries, so each check takes its answer from
// something other than the words that are searched. Figures of one check tell little; two settings compare.
import { createScorer, keywords, type Paper, type PaperStore, related } from "../src/papers/index.ts";
import { openStore } from "../src/papers/node/index.ts";
import { isStopWord } from "../src/papers/stopwords.ts";
import { queryTerms, stem } from "../src/papers/tokens.ts";
import { arxiv, generator, rounded } from "./papers-data.ts";

/** What the checks find. */
export interface Quality {
  /**
   * Five words of one sentence of an abstract, none of them (nor another form) in the title: mean reciprocal rank of
   * the paper among ten hits, and the share found there.
   */
  readonly sentence: { readonly mrr10: number; readonly found10: number };
  /**
   * A title, a sentence or ten keywords as the query; the other papers by two or more of the authors as the answer
   * (names are not in the query): mean nDCG@10.
   */
  readonly coauthors: { readonly title: number; readonly sentence: number; readonly keywords: number };
  /** Share of ten related papers with the paper's own primary category. */
  readonly relatedSameCategory: number;
}

const sentencesOf = ({ abstract }: Paper) => abstract.split(/(?<=[.!?])\s+/);
/** Plain words: nothing that the query language would read as a condition. */
const plain = (text: string) => text.replace(/[":]|(?<=^|\s)[+-]/g, " ");

function pick<T>(list: readonly T[], random: () => number): T {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined) throw new Error("papers-quality: a list must not be empty.");
  return one;
}

async function ids(store: PaperStore, text: string, limit: number): Promise<string[]> {
  return (await store.search({ text, limit })).hits.map(({ id }) => id);
}

async function bySentence(store: PaperStore, papers: readonly Paper[]): Promise<Quality["sentence"]> {
  const random = generator(77);
  const count = 600;
  let [done, reciprocal, found] = [0, 0, 0];
  while (done < count) {
    const paper = pick(papers, random);
    const inTitle = new Set(queryTerms(paper.title).map(stem));
    const written = pick(sentencesOf(paper), random).toLowerCase();
    const words = [...new Set(written.match(/[a-z]+(?:-[a-z]+)*/g))].filter(
      (word) => word.length > 2 && !isStopWord(word) && !queryTerms(word).some((t) => inTitle.has(stem(t))),
    );
    if (words.length < 6) continue;
    const chosen = new Set<string>();
    while (chosen.size < 5) chosen.add(pick(words, random));
    done++;
    const rank = (await ids(store, [...chosen].join(" "), 10)).indexOf(paper.id);
    if (rank < 0) continue;
    found++;
    reciprocal += 1 / (rank + 1);
  }
  return { mrr10: rounded(reciprocal / count), found10: rounded(found / count) };
}

const discounted = (hits: readonly boolean[]) =>
  hits.reduce((sum, hit, i) => sum + (hit ? 1 / Math.log2(i + 2) : 0), 0);

/** The papers that share two authors with one, by identifier. */
function coauthored(papers: readonly Paper[]): (paper: Paper) => Set<string> {
  const byAuthor = new Map<string, Paper[]>();
  for (const paper of papers)
    for (const author of new Set(paper.authors)) {
      const own = byAuthor.get(author);
      if (own) own.push(paper);
      else byAuthor.set(author, [paper]);
    }
  return (paper) => {
    const shared = new Map<string, number>();
    for (const author of new Set(paper.authors))
      for (const { id } of byAuthor.get(author) ?? []) shared.set(id, (shared.get(id) ?? 0) + 1);
    return new Set([...shared].flatMap(([id, n]) => (n >= 2 && id !== paper.id ? [id] : [])));
  };
}

async function byCoauthors(
  store: PaperStore,
  papers: readonly Paper[],
  queryOf: (paper: Paper) => string,
): Promise<number> {
  const answerOf = coauthored(papers);
  const random = generator(5);
  const count = 800;
  let [done, sum] = [0, 0];
  while (done < count) {
    const paper = pick(papers, random);
    const wanted = answerOf(paper);
    // Lists of many authors say who paid for a computer, not what a paper is about.
    if (wanted.size === 0 || paper.authors.length > 30) continue;
    done++;
    const hits = (await ids(store, queryOf(paper), 11)).filter((id) => id !== paper.id).slice(0, 10);
    const ideal = discounted(Array.from({ length: Math.min(10, wanted.size) }, () => true));
    sum += discounted(hits.map((id) => wanted.has(id))) / ideal;
  }
  return rounded(sum / count);
}

/** Runs the checks over a store of `papers`. */
export async function measureChecks(store: PaperStore, papers: readonly Paper[]): Promise<Quality> {
  const scorer = createScorer(papers);
  const middle = (paper: Paper) => {
    const all = sentencesOf(paper);
    return plain(all[Math.floor(all.length / 2)] ?? paper.title);
  };
  const random = generator(9);
  const category = new Map(papers.map(({ id, categories }) => [id, categories[0]]));
  let [same, all] = [0, 0];
  for (let i = 0; i < 800; i++) {
    const paper = pick(papers, random);
    const found = related(paper, scorer);
    all += found.length;
    same += found.filter(({ id }) => category.get(id) === paper.categories[0]).length;
  }
  return {
    sentence: await bySentence(store, papers),
    coauthors: {
      title: await byCoauthors(store, papers, ({ title }) => plain(title)),
      sentence: await byCoauthors(store, papers, middle),
      keywords: await byCoauthors(store, papers, (paper) => keywords(paper, scorer).join(" ")),
    },
    relatedSameCategory: rounded(same / all),
  };
}

/** Runs the checks alone. */
export async function run(): Promise<Quality> {
  const papers = arxiv();
  const store = await openStore(":memory:");
  await store.add(papers);
  const result = await measureChecks(store, papers);
  await store.close();
  return result;
}

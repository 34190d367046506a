// Random queries against the paper search: none throws, none hangs, and the same question has the same answer.
import { openStore } from "../../../src/papers/node/index.ts";
import { normalisePaper, type PaperStore, type Query, type Sort } from "../../../src/papers/index.ts";
import { isDeepStrictEqual } from "node:util";
import { type Random, randomOf } from "../programs/random.ts";

const WORDS = [
  ..."attention transformer transformers neural network deep learning graph survey proof university universe".split(
    " ",
  ),
  ..."C++ C# GPT-4 few-shot end-to-end naïve café 大语言模型 学习 机器 量子 Bengio Vaswani Müller 𝔸𝕀 ｆｕｌｌ".split(
    " ",
  ),
];
const SIGNS = "\" ' “ ” - + ( ) * ? : ^ ~ % _ \\ / | && AND OR NOT NEAR 😀 ﬃ ı ß {} []".split(" ");
const MARKS = [...SIGNS, "\u0000", "\n", "\t", "\u200b", "\ud800", "'; DROP TABLE papers; --"];
const FIELDS = [
  "title:",
  "ti:",
  "au:",
  "author:",
  "abstract:",
  "cat:",
  "from:",
  "to:",
  "year:",
  "venue:",
  "id:",
  "is:",
  "foo:",
];
const VALUES = [
  "2401.00001",
  "2024-01-01",
  "2024",
  "99999-99-99",
  "cs.CL",
  "cs.*",
  "stat.ML-cs.LG",
  "10.1000/x",
  "ICML",
  "-",
];
const SORTS: readonly Sort[] = ["relevance", "announced", "stars"] as readonly Sort[];

/** The text of a query. */
export function queryText(random: Random): string {
  const parts: string[] = [];
  for (let n = random.below(9); n >= 0; n--) {
    const kind = random.below(10);
    if (kind < 4) parts.push(random.of(WORDS));
    else if (kind < 5) parts.push(random.of(WORDS).slice(0, 1 + random.below(6)));
    else if (kind < 7) parts.push(random.of(MARKS));
    else if (kind < 8) parts.push(`${random.of(FIELDS)}${random.of([...VALUES, ...WORDS, ...MARKS])}`);
    else if (kind < 9) parts.push(`"${random.of(WORDS)} ${random.of([...WORDS, ...MARKS])}"`);
    else
      parts.push(
        String.fromCodePoint(1 + random.below(0x2ffff)).repeat(
          1 + random.below(random.chance(0.05) ? 3000 : 4),
        ),
      );
  }
  return parts.join(random.of([" ", " ", " ", "", "  "]));
}

function queryOf(seed: number): Query {
  const random = randomOf(seed);
  return {
    text: queryText(random),
    limit: 1 + random.below(30),
    ...(random.chance(0.3) && { sort: random.of(SORTS) }),
  };
}

/** A collection of 200 papers, the same each time. */
export async function collection(): Promise<PaperStore> {
  const store = await openStore(":memory:");
  const random = randomOf(1);
  const text = (n: number): string => Array.from({ length: n }, () => random.of(WORDS)).join(" ");
  await store.add(
    Array.from({ length: 200 }, (_, i) =>
      normalisePaper({
        id: `2401.${String(i + 1).padStart(5, "0")}`,
        title: text(5),
        authors: [text(2), text(2)],
        abstract: text(40),
        categories: [random.of(["cs.CL", "cs.LG", "stat.ML", "math.CO"])],
        venue: random.of(["arXiv", "ICML"]),
        announced: `20${String(10 + random.below(16))}-0${1 + random.below(9)}-1${random.below(10)}`,
        stars: random.below(100),
      }),
    ),
  );
  return store;
}

/** What is wrong with the answer to the query of `seed`, if anything. */
export async function findQuery(store: PaperStore, seed: number): Promise<string | undefined> {
  const query = queryOf(seed);
  const shown = `query ${seed} ${JSON.stringify(query).slice(0, 300)}`;
  const begun = performance.now();
  try {
    const first = await store.search(query);
    const again = await store.search(query);
    if (!isDeepStrictEqual(first, again)) return `${shown}: two answers to one question`;
    if (first.hits.length > (query.limit ?? 20))
      return `${shown}: ${first.hits.length} hits for a limit of ${query.limit}`;
    const taken = performance.now() - begun;
    return taken > 5_000 ? `${shown}: ${Math.round(taken)} ms` : undefined;
  } catch (error) {
    return `${shown}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
  }
}

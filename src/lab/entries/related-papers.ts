// Related papers by keywords, and a list in order of one reader's preference: both by words and BM25 alone.
import { lineChart } from "../../draw/line-chart.ts";
import {
  cloud,
  createScorer,
  keywords,
  normalisePaper,
  type Paper,
  preference,
  rank,
  related,
  type Scorer,
} from "../../papers/index.ts";
import { randomStream } from "../../tokenizer/index.ts";
import type { Entry, LabContext } from "../entry.ts";
import { byMethod } from "../methods.ts";
import type { Need } from "../needs.ts";
import { known, meanOf, seedsOf } from "../statistics.ts";

const PAPERS: Need = {
  what: "the sample of 24,999 arXiv papers",
  file: "papers/arxiv-cs-25k.jsonl.gz",
  install:
    "put records of papers, one JSON object a line, at papers/arxiv-cs-25k.jsonl.gz of the folder ATHANOR_DATA",
};

interface RelatedSettings {
  /** Papers of the collection, the first so many. */
  readonly papers: number;
  /** Papers whose relatives are asked for. */
  readonly queries: number;
  /** Readers whose preference is simulated. */
  readonly readers: number;
}

export interface RelatedRow {
  readonly method: string;
  /** `found`: share of papers that their own words find first; `relatives`: share of the ten nearest that share an author or, if none, the primary category; `hidden`: mean place, 0 to 1, of papers a reader would have opened. */
  readonly measure: "found" | "relatives" | "hidden";
  readonly value: number;
}

const COUNTS = [5, 10, 20];
const DAY = 200;

async function papersOf(context: LabContext, most: number): Promise<Paper[]> {
  const lines = new TextDecoder()
    .decode(await context.bytes(PAPERS))
    .split("\n")
    .filter(Boolean)
    .slice(0, most);
  return lines.map((line) => normalisePaper(JSON.parse(line) as object));
}

/** Papers of which another has the same primary category and an author in common. */
function relativesOf(papers: readonly Paper[]): Map<string, Set<string>> {
  const byAuthor = new Map<string, string[]>();
  for (const { id, authors } of papers) {
    for (const author of authors) byAuthor.set(author, [...(byAuthor.get(author) ?? []), id]);
  }
  const relatives = new Map<string, Set<string>>();
  for (const { id, authors } of papers) {
    const own = new Set(authors.flatMap((author) => byAuthor.get(author) ?? []));
    own.delete(id);
    if (own.size > 0) relatives.set(id, own);
  }
  return relatives;
}

function drawn<T>(items: readonly T[], count: number, random: () => number): T[] {
  const left = [...items];
  return Array.from({ length: Math.min(count, left.length) }, () =>
    left.splice(Math.floor(random() * left.length), 1),
  ).flat();
}

/** Mean place, from 0 for the first to 1 for the last, of `wanted` in `list`. */
function placeIn(list: readonly Paper[], wanted: ReadonlySet<string>): number {
  return meanOf(list.flatMap((paper, i) => (wanted.has(paper.id) ? [i / (list.length - 1)] : [])));
}

/** Readers of one category that is nobody's first: what they opened on other days, and a day's list of all. */
function preferenceRows(
  papers: readonly Paper[],
  scorer: Scorer,
  readers: number,
  random: () => number,
): RelatedRow[] {
  const interests = [...new Set(papers.flatMap((p) => p.categories.slice(1)))].filter((category) => {
    const count = papers.filter((p) => p.categories.slice(1).includes(category)).length;
    return /^[a-z-]+\.[A-Z]{2}$/.test(category) && count >= 30 && count < papers.length / 5;
  });
  const places = { announced: [] as number[], preferred: [] as number[] };
  for (const interest of drawn(interests, readers, random)) {
    const own = drawn(
      papers.filter((p) => p.categories.slice(1).includes(interest)),
      30,
      random,
    );
    const [read, hidden] = [own.slice(0, 20), own.slice(20)];
    const others = drawn(
      papers.filter((p) => !p.categories.includes(interest)),
      DAY - hidden.length,
      random,
    );
    const list = drawn([...hidden, ...others], DAY, random);
    const wanted = new Set(hidden.map((p) => p.id));
    const words = preference([], cloud(read.map((paper) => keywords(paper, scorer))));
    places.announced.push(placeIn(list, wanted));
    places.preferred.push(placeIn(rank(list, words), wanted));
  }
  return Object.entries(places).map(([method, values]) => ({
    method,
    measure: "hidden",
    value: meanOf(values),
  }));
}

async function run(
  { papers: most, queries, readers }: RelatedSettings,
  seed: number,
  context: LabContext,
): Promise<RelatedRow[]> {
  const papers = await papersOf(context, most);
  const scorer = createScorer(papers);
  const random = randomStream(seed, 3);
  const relatives = relativesOf(papers);
  const asked = drawn(
    papers.filter((p) => relatives.has(p.id)),
    queries,
    random,
  );
  const share = (of: (paper: Paper) => number): number => meanOf(asked.map(of));
  const found = share((p) => (scorer.score(keywords(p, scorer), 1)[0]?.id === p.id ? 1 : 0));
  context.report(`${papers.length} papers: ${(100 * found).toFixed(1)} % find themselves first`);
  const rows: RelatedRow[] = [{ method: "10 keywords", measure: "found", value: found }];
  for (const count of COUNTS) {
    const value = share((p) => {
      const own = relatives.get(p.id) ?? new Set();
      const near = related(p, scorer, 10, count);
      return near.filter(({ id }) => own.has(id)).length / Math.min(10, own.size);
    });
    rows.push({ method: `${count} keywords`, measure: "relatives", value });
  }
  const byChance = share((p) => (relatives.get(p.id)?.size ?? 0) / papers.length);
  rows.push({ method: "by chance", measure: "relatives", value: byChance });
  return [...rows, ...preferenceRows(papers, scorer, readers, random)];
}

const of = (rows: readonly RelatedRow[], measure: RelatedRow["measure"]) =>
  byMethod(
    rows.filter((r) => r.measure === measure),
    (r) => r.value,
  );

export const relatedPapers: Entry<RelatedSettings, RelatedRow> = {
  name: "related-papers",
  row: "related",
  claim: {
    en: "Ten keywords of title and abstract stand for a paper: they find it and its relatives, and a reader's keywords put a long list in the reader's order.",
    zh: "标题与摘要的十个关键词足以代表一篇论文：能找到它自己和相关论文；读者的关键词能把长列表排成读者的顺序。",
  },
  source: { says: "Su 2024, Cool Papers: some new attempts", links: ["https://kexue.fm/archives/10311"] },
  needs: [PAPERS],
  minutes: { quick: 0.5, full: 4 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ papers: 300, queries: 5, readers: 1 }],
    quick: [{ papers: 5000, queries: 100, readers: 10 }],
    full: [{ papers: 24_999, queries: 500, readers: 40 }],
  },
  rules: [
    {
      says: {
        en: "Ten keywords find their own paper first (at least 99 %).",
        zh: "十个关键词能首先找到自己的论文（至少 99%）。",
      },
      holds: (rows) => known([of(rows, "found").mean("10 keywords")], (share = 0) => share >= 0.99),
      direction: (rows) => known([of(rows, "found").mean("10 keywords")], (share = 0) => share >= 0.9),
      shows: (rows) => of(rows, "found").shows(["10 keywords"], 4),
    },
    {
      says: {
        en: "They find papers of the same authors a hundred times as often as chance.",
        zh: "找到同作者论文的频率是随机的一百倍以上。",
      },
      holds: (rows) =>
        known(
          [of(rows, "relatives").mean("10 keywords"), of(rows, "relatives").mean("by chance")],
          (own = 0, chance = 1) => own > 100 * chance,
        ),
      direction: (rows) =>
        known(
          [of(rows, "relatives").mean("10 keywords"), of(rows, "relatives").mean("by chance")],
          (own = 0, chance = 1) => own > 10 * chance,
        ),
      shows: (rows) => of(rows, "relatives").shows(["by chance", "10 keywords"], 4),
    },
    {
      says: {
        en: "Ten keywords are enough: twenty find at most a tenth more.",
        zh: "十个关键词已够：二十个至多多找到十分之一。",
      },
      holds: (rows) =>
        known(
          [of(rows, "relatives").mean("20 keywords"), of(rows, "relatives").mean("10 keywords")],
          (twenty = 1, ten = 0) => twenty <= 1.1 * ten,
        ),
      shows: (rows) =>
        of(rows, "relatives").shows(
          COUNTS.map((n) => `${n} keywords`),
          3,
        ),
    },
    {
      says: {
        en: "With the 20 leading words of a reader's cloud, papers the reader would open stand in the first third of a day's list (in the middle as announced).",
        zh: "用读者词云的前 20 个词排序，读者会打开的论文平均位于当日列表的前三分之一（按发布顺序则在中间）。",
      },
      holds: (rows) =>
        known(
          [of(rows, "hidden").mean("preferred"), of(rows, "hidden").mean("announced")],
          (own = 1, list = 0) => own < 1 / 3 && Math.abs(list - 0.5) < 0.1,
        ),
      direction: (rows) =>
        known(
          [of(rows, "hidden").mean("preferred"), of(rows, "hidden").mean("announced")],
          (own = 1, list = 0) => own < list,
        ),
      shows: (rows) => of(rows, "hidden").shows(["announced", "preferred"], 3),
    },
  ],
  beyond: [
    {
      en: "Whether readers of the site find the order useful needs its readers; here a secondary category stands for an interest.",
      zh: "网站读者是否觉得排序有用需要真实读者；这里以次要分类代表兴趣。",
    },
  ],
  run,
  figures(rows) {
    const points = COUNTS.map((count): [number, number] => [
      count,
      of(rows, "relatives").mean(`${count} keywords`) ?? 0,
    ]);
    const figure = lineChart({
      title: "Papers of the same authors among the ten nearest",
      subtitle: `Share found by the number of keywords; ${seedsOf(rows)}`,
      x: "keywords",
      y: "share",
      series: [{ name: "found", points }],
    });
    return { "related-keywords.svg": figure };
  },
};

// A small collection for tests of the server and the page: three days, a few topics, and papers that are hard
// to show.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Paper } from "../../src/papers/paper.ts";

const days: readonly string[] = ["2026-06-28", "2026-06-29", "2026-06-30"];

const topics: readonly (readonly [topic: string, category: string, text: string])[] = [
  [
    "Rotary position embeddings",
    "cs.CL",
    "We extrapolate rotary position embeddings to longer contexts of language models.",
  ],
  [
    "Diffusion transformers",
    "cs.CV",
    "Diffusion transformers generate images from noise in few denoising steps.",
  ],
  [
    "Dense passage retrieval",
    "cs.IR",
    "A retriever encodes passages densely and answers questions over Wikipedia.",
  ],
  ["Cyclic codes", "cs.IT", "We improve the minimum distance of self-dual cyclic codes over finite fields."],
  [
    "Robot grasping",
    "cs.RO",
    "A robot learns grasping of unseen objects from tactile sensing and simulation.",
  ],
];

/** A paper with everything a record needs; fields given replace the usual ones. */
export function paper(fields: Partial<Paper> & { id: string }): Paper {
  return {
    title: `Paper ${fields.id}`,
    authors: ["Ada Lovelace", "Charles Babbage"],
    abstract: "An abstract about nothing in particular.",
    categories: ["cs.LG"],
    venue: "arXiv",
    year: 2026,
    announced: "2026-06-30",
    url: `https://arxiv.org/abs/${fields.id}`,
    stars: 0,
    ...fields,
  };
}

/** What would run if any part of the page or the feeds took a field for markup. */
export const hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>';

/** Papers that are hard to show. */
export const hardPapers: readonly Paper[] = [
  paper({
    id: "2606.90001",
    title: `${hostile} Harmless title & more`,
    authors: [`Eve ${hostile}`, "Mallory O'Neil"],
    abstract: `Abstract ${hostile} \\href{javascript:window.hacked=3}{click} $\\href{javascript:window.hacked=4}{x}$ ]]> end`,
    categories: ["cs.CR"],
    url: "javascript:window.hacked=5",
  }),
  paper({
    id: "2606.90002",
    title: "Attention in $O(n \\log n)$ time",
    abstract:
      "We prove $\\sum_{i=1}^n i = \\frac{n(n+1)}{2}$ and \\emph{more}. Code: https://example.org/code. It costs $5 or $10.",
    categories: ["cs.DS"],
    stars: 7,
  }),
  paper({
    id: "2606.90003",
    title: "基于扩散模型的图像生成研究",
    abstract: "本文研究扩散模型在图像生成中的应用。",
    categories: ["cs.CV"],
  }),
  paper({
    id: "2606.90004",
    title: "A consortium paper",
    authors: Array.from({ length: 45 }, (_, i) => `Author ${i + 1}`),
    abstract: "",
  }),
  paper({
    id: "venue/2025?x=1&y=2",
    title: "A paper of a venue with a strange identifier",
    venue: "TESTCONF 2025",
    announced: "2026-06-29",
    url: "https://example.org/p/1",
  }),
];

/** Every paper of the collection: 45 ordinary ones, then the hard ones. */
export const fixturePapers: readonly Paper[] = [
  ...days.flatMap((announced, d) =>
    topics.flatMap(([topic, category, text], t) =>
      Array.from({ length: 3 }, (_, i) =>
        paper({
          id: `2606.${String(10_000 + d * 1000 + t * 100 + i)}`,
          title: `${topic}: part ${d * 3 + i + 1}`,
          abstract: `${text} This is study number ${d * 3 + i + 1}.`,
          categories: [category, "cs.LG"],
          announced,
        }),
      ),
    ),
  ),
  ...hardPapers,
];

/** A built page small enough for tests without a browser, beside a file that must never be served. */
export async function fixtureAssets(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), "athanor-assets-"));
  const folder = join(root, "dist");
  await mkdir(join(folder, "assets"), { recursive: true });
  await writeFile(join(root, "secret.txt"), "top secret");
  await writeFile(join(folder, ".hidden"), "top secret");
  const html = "<!doctype html><html><head><title>x</title><!--head--></head><body></body></html>";
  await writeFile(join(folder, "index.html"), html);
  await writeFile(
    join(folder, "assets", "main-abc123.js"),
    `console.log(${JSON.stringify("x".repeat(5000))});`,
  );
  return { folder, remove: () => rm(root, { recursive: true, force: true }) };
}

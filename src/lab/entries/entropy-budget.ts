// How many codes a lossless discrete image needs: bits a byte of real pictures, and what that asks of a vocabulary.
import { barChart } from "../../draw/bar-chart.ts";
import type { Entry } from "../entry.ts";
import type { Need } from "../needs.ts";
import { known } from "../statistics.ts";

const SETS = {
  digits: { folder: "images/mnist", what: "handwritten digits" },
  clothes: { folder: "images/fashion-mnist", what: "pictures of clothes" },
} as const;
type Name = keyof typeof SETS;

const needOf = (name: Name): Need => ({
  what: SETS[name].what,
  file: `${SETS[name].folder}/t10k-images-idx3-ubyte.gz`,
  install: `put the idx file of ${SETS[name].what} at ${SETS[name].folder}/t10k-images-idx3-ubyte.gz of the folder ATHANOR_DATA`,
});

interface Settings {
  readonly set: Name;
  readonly pictures: number;
  readonly tokens: readonly number[];
}

export interface BudgetRow {
  readonly method: Name;
  /** Entropy of a byte by itself, and given its neighbours to the left and above, in bits. */
  readonly alone: number;
  readonly given: number;
  readonly tokens: number;
  /** log₂ of the vocabulary that this many tokens need. */
  readonly vocabularyBits: number;
}

const SIDE = 28;

function entropy(counts: ReadonlyMap<number, number>): { bits: number; count: number } {
  let all = 0;
  for (const n of counts.values()) all += n;
  let bits = 0;
  for (const n of counts.values()) bits -= (n / all) * Math.log2(n / all);
  return { bits, count: all };
}

/** Entropy of a byte, and of a byte given how bright its neighbours are (each in sixteen degrees): an upper bound, as models of more context find less. */
function bitsOf(pixels: Uint8Array): { alone: number; given: number } {
  const alone = new Map<number, number>();
  const given = new Map<number, Map<number, number>>();
  const at = (i: number, here: boolean): number => (here ? (pixels[i] ?? 0) >> 4 : 0);
  for (let i = 0; i < pixels.length; i++) {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE) % SIDE];
    const v = pixels[i] ?? 0;
    alone.set(v, (alone.get(v) ?? 0) + 1);
    const context = at(i - 1, x > 0) * 16 + at(i - SIDE, y > 0);
    const own = given.get(context) ?? new Map<number, number>();
    own.set(v, (own.get(v) ?? 0) + 1);
    given.set(context, own);
  }
  let sum = 0;
  for (const own of given.values()) {
    const { bits, count } = entropy(own);
    sum += bits * count;
  }
  return { alone: entropy(alone).bits, given: sum / pixels.length };
}

const units = (pictures: number): Settings[] =>
  (Object.keys(SETS) as Name[]).map((set) => ({ set, pictures, tokens: [16, 49, 196] }));

export const entropyBudget: Entry<Settings, BudgetRow> = {
  name: "entropy-budget",
  row: "patches",
  claim: {
    en: "A short sequence of discrete tokens cannot hold an image without loss: the vocabulary it needs is beyond any softmax.",
    zh: "短的离散 token 序列不可能无损地表示图像：所需词表远超任何 softmax。",
  },
  source: {
    says: "Su 2024, Multimodal notes I (ImageNet 64 × 64 at 3.44 bits a byte)",
    links: ["https://kexue.fm/archives/9984"],
  },
  needs: [needOf("digits"), needOf("clothes")],
  minutes: { quick: 0.1, full: 0.2 },
  seeds: [0],
  settings: {
    smallest: [{ set: "digits", pictures: 50, tokens: [49] }],
    quick: units(1000),
    full: units(10_000),
  },
  rules: [
    {
      says: {
        en: "Sixteen tokens (patches of 7 × 7) of either set need more than 2³⁰ codes.",
        zh: "每图 16 个 token（7 × 7 的 patch）时，两个数据集所需编码数都超过 2³⁰。",
      },
      holds: (rows) => {
        const own = rows.filter((r) => r.tokens === 16);
        return own.length === 0 ? null : own.every((r) => r.vocabularyBits > 30);
      },
      shows: (rows) =>
        rows.map((r) => `${r.method}, ${r.tokens} tokens: 2^${r.vocabularyBits.toFixed(0)}`).join("; "),
    },
    {
      says: {
        en: "The article's figures follow from its 3 bits a byte: 64 × 64 × 3 bytes in 1,024 tokens need 2³⁶ codes, in 256 tokens 2¹⁴⁴.",
        zh: "由每字节 3 比特可得文章的数字：64 × 64 × 3 字节用 1024 个 token 需 2³⁶ 个编码，用 256 个需 2¹⁴⁴。",
      },
      holds: () =>
        known([(64 * 64 * 3 * 3) / 1024, (64 * 64 * 3 * 3) / 256], (a, b) => a === 36 && b === 144),
    },
  ],
  beyond: [
    {
      en: "ImageNet's own bits a byte (3.44) need models and data that are not here.",
      zh: "ImageNet 的每字节比特数（3.44）所需的模型与数据此处没有。",
    },
  ],
  async run({ set, pictures, tokens }, _, { bytes, report }) {
    const pixels = (await bytes(needOf(set))).subarray(16, 16 + pictures * SIDE * SIDE);
    const { alone, given } = bitsOf(pixels);
    report(`${set}: ${alone.toFixed(2)} bits a byte alone, ${given.toFixed(2)} given two neighbours`);
    return tokens.map((n) => ({
      method: set,
      alone,
      given,
      tokens: n,
      vocabularyBits: (given * SIDE * SIDE) / n,
    }));
  },
  figures(rows) {
    const counts = [...new Set(rows.map((r) => r.tokens))].sort((a, b) => a - b);
    return {
      "entropy-budget.svg": barChart({
        title: "Bits that one token must hold, nothing lost",
        subtitle: "28 × 28 bytes at their entropy given two neighbours; a vocabulary of 65,536 holds 16",
        names: counts.map((n) => `${n} tokens`),
        rows: (Object.keys(SETS) as Name[])
          .filter((name) => rows.some((r) => r.method === name))
          .map((name) => ({
            name,
            values: counts.map(
              (n) => rows.find((r) => r.method === name && r.tokens === n)?.vocabularyBits ?? 0,
            ),
          })),
      }),
    };
  },
};

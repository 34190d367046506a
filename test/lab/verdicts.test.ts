// Verdicts follow from rows: told rows, known answers.
import { describe, expect, test } from "vitest";
import type { AnyEntry, Seeded } from "../../src/lab/index.ts";
import { entryNamed, judge, lean } from "../../src/lab/index.ts";
import { known, rangeOf, spread } from "../../src/lab/statistics.ts";

/** Rows of three seeds with a value a method, `jitter` apart from seed to seed. */
function told(values: Readonly<Record<string, object>>): Seeded<object>[] {
  return [0, 1, 2].flatMap((seed) =>
    Object.entries(values).map(([method, row]) => ({ method, ...row, seed })),
  );
}

const failing = (entry: AnyEntry, rows: readonly Seeded<object>[]): string[] =>
  judge(entry, rows).findings.flatMap((f) => (f.holds === false ? [f.says.en] : []));

describe("a verdict", () => {
  const rule = (answer: boolean | null, premise = false) => ({
    says: { en: "It is so.", zh: "如此。" },
    premise,
    holds: () => answer,
  });
  const verdict = (...answers: [boolean | null, boolean?][]): string =>
    judge({ rules: answers.map(([answer, premise]) => rule(answer, premise)) }, []).verdict;

  test("holds when all parts do, in part when some do, does not when none does", () => {
    expect(verdict([true], [true])).toBe("holds");
    expect(verdict([true], [false])).toBe("holds in part");
    expect(verdict([false], [false])).toBe("does not hold here");
  });

  test("what cannot be answered is left out, and leaves nothing where it is all", () => {
    expect(verdict([true], [null])).toBe("holds");
    expect(verdict([null], [null])).toBe("cannot be had at this size");
  });

  test("a premise that fails or cannot be answered leaves no verdict on the claim, and holds nothing by itself", () => {
    expect(verdict([true], [false, true])).toBe("cannot be had at this size");
    expect(verdict([true], [null, true])).toBe("cannot be had at this size");
    expect(verdict([true, true])).toBe("cannot be had at this size");
    expect(verdict([false], [true, true])).toBe("does not hold here");
  });

  test("a quick run asks for directions", () => {
    const rules = [{ ...rule(false), direction: () => true }];
    expect(lean({ rules }, []).agrees).toBe(true);
    expect(lean({ rules: [...rules, rule(false)] }, []).agrees).toBe(false);
    expect(lean({ rules: [rule(null)] }, []).agrees).toBe(false);
  });
});

test("statistics of seeds", () => {
  expect(spread([1, 2, 3])).toBe("2.00 ± 1.00");
  expect(spread([0.5], 1)).toBe("0.5");
  expect(spread([])).toBe("–");
  expect(rangeOf([3, 1, 2])).toBe(2);
  expect(known([1, undefined], () => true)).toBe(null);
  expect(known([1, Number.NaN], () => true)).toBe(null);
  expect(known([1, 2], (a = 0, b = 0) => a < b)).toBe(true);
});

describe("copy task", () => {
  const shares = {
    PI: 0.03,
    RoPE: 0.1,
    "NTK-mixed": 0.4,
    "YaRN, τ = 8": 0.9,
    "ReRoPE w = 16": 1,
    "NTK-aware": 0.2,
    "NTK-aware, 2s": 0.5,
  };
  const rows = (change: object): Seeded<object>[] =>
    told(
      Object.fromEntries(
        Object.entries({ ...shares, ...change }).map(([name, far]) => [
          name,
          { own: 1, near: 1, far: far as number },
        ]),
      ),
    );

  test("the published order holds, another does not", () => {
    const entry = entryNamed("copy-task");
    expect(judge(entry, rows({})).verdict).toBe("holds");
    expect(failing(entry, rows({ RoPE: 0.5 }))).toEqual([
      "Far copies rank PI < RoPE < NTK-mixed < YaRN < ReRoPE (w = N/4), on every seed.",
    ]);
  });

  test("one seed out of order is enough", () => {
    const entry = entryNamed("copy-task");
    const one = rows({}).map((r) =>
      r.seed === 2 && "method" in r && r.method === "PI" ? { ...r, far: 0.2 } : r,
    );
    expect(judge(entry, one).verdict).toBe("holds in part");
  });

  test("a model that has not learnt its task says nothing", () => {
    const entry = entryNamed("copy-task");
    const bad = rows({}).map((r) => ({ ...r, own: 0.5 }));
    expect(judge(entry, bad).verdict).toBe("cannot be had at this size");
  });
});

test("latent attention: sizes and something to lose are premises", () => {
  const entry = entryNamed("latent-attention");
  const rows = (losses: Record<string, number>, parameters = 1000): Seeded<object>[] =>
    told(
      Object.fromEntries(Object.entries(losses).map(([m, loss]) => [m, { loss, parameters, cacheBytes: 4 }])),
    );
  const good = { MHA: 2, "GQA-2": 2.02, MQA: 2.04, MLA: 2.01 };
  expect(judge(entry, rows(good)).verdict).toBe("holds");
  expect(judge(entry, rows({ ...good, MLA: 2.03 })).verdict).toBe("holds in part");
  expect(judge(entry, rows({ ...good, MLA: 2.05 })).verdict).toBe("does not hold here");
  // No cost in a single head: nothing can be won back by latents.
  expect(judge(entry, rows({ ...good, MQA: 2 })).verdict).toBe("cannot be had at this size");
  const uneven = [...rows(good), ...rows({ MHA: 2 }, 1100)];
  expect(judge(entry, uneven).verdict).toBe("cannot be had at this size");
});

test("codebook size: the same rows, another order", () => {
  const entry = entryNamed("codebook-size");
  const rows = (losses: readonly number[], share = 1): Seeded<object>[] =>
    told(
      Object.fromEntries(
        ["vq-8", "vq-32", "vq-128", "vq-512", "dense", "window"].map((method, i) => {
          const codes = method.startsWith("vq") ? Number(method.slice(3)) : null;
          return [method, { loss: losses[i] ?? 0, codes, inUse: codes === null ? null : codes * share }];
        }),
      ),
    );
  expect(judge(entry, rows([2.3, 2.2, 2.1, 2.04, 2, 2.2])).verdict).toBe("holds");
  expect(failing(entry, rows([2.3, 2.2, 2.1, 2.14, 2, 2.2]))).toEqual([
    "More codes, less loss.",
    "512 codes are within 0.05 nats of exact keys.",
  ]);
  expect(failing(entry, rows([2.3, 2.2, 2.1, 2.04, 2, 2.2], 0.1))).toEqual([
    "No codebook collapses: at least a quarter of the codes is in use.",
  ]);
  // A window as good as all places: codes have nothing to add.
  expect(judge(entry, rows([2.3, 2.2, 2.1, 2.04, 2, 1.9])).verdict).toBe("cannot be had at this size");
});

test("text length: the verdict follows the order at eight times the length", () => {
  const entry = entryNamed("text-length");
  const published = {
    RoPE: 5,
    PI: 3,
    "NTK-mixed": 2.4,
    "NTK-mixed, log n": 2.3,
    "YaRN, τ = 8": 2.1,
    "ReRoPE N/4, log n": 1.95,
    HWFA: 1.98,
    "inverse Leaky ReRoPE, log n": 2.1,
  };
  const rows = (far: Record<string, number>): Seeded<object>[] =>
    Object.entries(far).flatMap(([method, loss]) =>
      [64, 128, 256, 512, 1024].map((context) => {
        const own = context === 64 ? 2.1 : context === 128 ? 2 : loss;
        return { method, context, loss: own, seed: 0 };
      }),
    );
  expect(judge(entry, rows(published)).verdict).toBe("holds");
  expect(failing(entry, rows({ ...published, "ReRoPE N/4, log n": 2.05 }))).toEqual([
    "The loss of ReRoPE (N/4, log n) does not rise with context (by more than 0.005).",
  ]);
  expect(failing(entry, rows({ ...published, "inverse Leaky ReRoPE, log n": 4 }))).toEqual([
    "Inverse Leaky ReRoPE with log n, run as plain RoPE, loses at most a fifth of what RoPE loses.",
  ]);
});

test("rope base: a table that is missed fails, a longer one is not asked for", () => {
  const entry = entryNamed("rope-base");
  const rows = [
    { width: 128, length: 1024, base: 4293, published: 4300, seed: 0 },
    { width: 128, length: 2048, base: 11_587, published: 12_000, seed: 0 },
  ];
  expect(judge(entry, rows).verdict).toBe("holds");
  expect(
    failing(
      entry,
      rows.map((r) => ({ ...r, base: 2 * r.base })),
    ),
  ).toEqual(["The article's table is met to its two digits."]);
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  backoffs,
  branchDistribution,
  drawBranch,
  pieceOrder,
  prefixRange,
  takeBranch,
} from "../../src/tokenizer/encode/boundary.ts";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import { randomStream } from "../../src/tokenizer/random.ts";
import { SMALL, modelOf } from "./models.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder();

describe("prefixRange", () => {
  const tokenizer = createTokenizer(SMALL);
  const order = pieceOrder(tokenizer);

  test("equals a linear scan, without specials", () => {
    const prefix = fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom("太", " t", "", "import", "e").map((s) => utf8.encode(s)),
    );
    fc.assert(
      fc.property(prefix, (bytes) => {
        const { from, to } = prefixRange(order, bytes);
        const scan: number[] = [];
        for (let id = 0; id < tokenizer.vocabularySize; id++) {
          const piece = tokenizer.bytesOf(id);
          if (piece.length > 0 && bytes.every((b, i) => piece[i] === b)) scan.push(id);
        }
        expect([...order.ids.subarray(from, to)].sort((a, b) => a - b)).toEqual(scan);
      }),
    );
  });
});

/** A model that knows a few texts by heart: p(next token | tokens so far) by counting, each text equally often. */
function memory(texts: readonly string[], tokenizer: ReturnType<typeof createTokenizer>) {
  const eos = 2;
  const sequences = texts.map((t) => [...tokenizer.encode(t), eos]);
  return (context: readonly number[]): Float64Array => {
    const row = new Float64Array(tokenizer.vocabularySize).fill(-Infinity);
    const here = sequences.filter((s) => context.every((id, i) => s[i] === id));
    for (const s of here) {
      const id = s[context.length] ?? eos;
      row[id] = Math.log(Math.exp(row[id] ?? -Infinity) + 1 / here.length);
    }
    return row;
  };
}

/** A row in which every token is possible. */
function dense(context: number, size: number): Float64Array {
  const random = randomStream(5, context);
  const raw = Float64Array.from({ length: size }, () => random() + 0.01);
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((x) => Math.log(x / sum));
}

describe("the continuation problem", () => {
  const tokenizer = createTokenizer(
    modelOf({
      import: 50,
      " numpy": 40,
      "import numpy as np": 30,
      " as": 30,
      " np": 20,
      " numpy as": 9,
      "\n": 9,
      x: 9,
      " y": 5,
    }),
  );
  const order = pieceOrder(tokenizer);
  const texts = [
    "import numpy as np\n",
    "import numpy as np x",
    "import numpy\n",
    "import numpy y",
    "import x",
    "x\n",
  ];
  const model = memory(texts, tokenizer);
  const prompt = "import numpy";
  const ids = [...tokenizer.encode(prompt)];
  const row = (context: number): Float64Array => model(ids.slice(0, context));

  test("`import numpy` needs two steps back to reach `import numpy as np`", () => {
    expect(ids.map((id) => text.decode(tokenizer.bytesOf(id)))).toEqual(["import", " numpy"]);
    const steps = backoffs(order, ids);
    expect(steps.map((s) => [s.k, s.context, text.decode(s.suffix)])).toEqual([
      [1, 1, " numpy"],
      [2, 0, "import numpy"],
    ]);
    expect(
      [...order.ids.subarray(steps[1]?.from, steps[1]?.to)].map((id) => text.decode(tokenizer.bytesOf(id))),
    ).toEqual(["import numpy as np"]);
  });

  test("without it the true continuation has probability 0; with it the branches equal the conditional", () => {
    const likely = texts.filter((t) => t.startsWith(prompt));
    const goesOn = likely.filter((t) => t.startsWith(`${prompt} as`)).length / likely.length;
    expect(goesOn).toBe(0.5);
    // As it is: nothing of " as" ever followed these tokens.
    expect(Math.exp(model(ids)[tokenizer.encode(" as")[0] ?? -1] ?? NaN)).toBe(0);
    const branches = branchDistribution(order, ids, backoffs(order, ids), row);
    const added = branches.probabilities.reduce((sum, p, i) => {
      const { added: bytes } = takeBranch(order, ids, branches, i);
      return sum + (text.decode(bytes) === " as np" ? p : 0);
    }, 0);
    expect(added).toBeCloseTo(goesOn, 12);
    expect(branches.probabilities[0]).toBeCloseTo(0.5, 12);
    expect(branches.probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    // Next characters of the texts, by brute force over all of them.
    const next = new Map<string, number>();
    branches.probabilities.forEach((p, i) => {
      if (p === 0) return;
      const { ids: now, added: bytes } = takeBranch(order, ids, branches, i);
      if (bytes.length > 0)
        next.set(text.decode(bytes).charAt(0), (next.get(text.decode(bytes).charAt(0)) ?? 0) + p);
      else
        model([...now]).forEach((lp, id) => {
          const c = text.decode(tokenizer.bytesOf(id)).charAt(0);
          if (lp > -Infinity) next.set(c, (next.get(c) ?? 0) + p * Math.exp(lp));
        });
    });
    for (const c of new Set(likely.map((t) => t.charAt(prompt.length)))) {
      expect(next.get(c)).toBeCloseTo(
        likely.filter((t) => t.charAt(prompt.length) === c).length / likely.length,
        12,
      );
    }
  });

  test("one step, restricted to the last token and its extensions, is token healing", () => {
    const steps = backoffs(order, ids, 1);
    const branches = branchDistribution(order, ids, steps, (c) => dense(c, tokenizer.vocabularySize));
    const p = dense(1, tokenizer.vocabularySize);
    const last = ids[1] ?? -1;
    const allowed = [last, ...order.ids.subarray(steps[0]?.from, steps[0]?.to)];
    const sum = allowed.reduce((s, id) => s + Math.exp(p[id] ?? NaN), 0);
    expect(branches.ids).toHaveLength(allowed.length);
    allowed.forEach((id, i) =>
      expect(branches.probabilities[i]).toBeCloseTo(Math.exp(p[id] ?? NaN) / sum, 12),
    );
  });

  test("a missing row (no BOS) leaves the deeper steps out; specials are not crossed", () => {
    const branches = branchDistribution(order, ids, backoffs(order, ids), (c) =>
      c === 0 ? undefined : row(c),
    );
    expect(Math.max(...branches.contexts)).toBe(2);
    expect(Math.min(...branches.contexts)).toBe(1);
    expect(backoffs(order, [1, ...ids]).map((s) => s.k)).toEqual([1, 2]);
    expect(backoffs(order, [...ids, 2])).toEqual([]);
    expect(backoffs(order, [])).toEqual([]);
    const none = branchDistribution(order, [], [], () => undefined);
    expect([...none.probabilities]).toEqual([1]);
  });

  test("drawing follows the probabilities, and a chosen branch covers the prompt", () => {
    const branches = branchDistribution(order, ids, backoffs(order, ids), row);
    const random = randomStream(1);
    let long = 0;
    for (let i = 0; i < 4000; i++) {
      const taken = takeBranch(order, ids, branches, drawBranch(branches, random));
      expect(tokenizer.decode(taken.ids)).toBe(prompt + text.decode(taken.added));
      if (taken.added.length > 0) long++;
    }
    expect(long / 4000).toBeCloseTo(0.5, 1);
  });

  test("a row without the vocabulary is an error", () => {
    expect(() => branchDistribution(order, ids, backoffs(order, ids), () => new Float64Array(3))).toThrow(
      "branchDistribution: rows must hold a log probability for id",
    );
  });
});

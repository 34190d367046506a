import { describe, expect, test } from "vitest";
import * as p from "../../src/position/index.ts";
import { attend } from "../../src/attention/index.ts";
import {
  compile,
  type Dtype,
  evaluate,
  grad,
  iota,
  narrow,
  random,
  sum,
  tensor,
  type Shape,
  type Tensor,
} from "../../src/tensor/index.ts";
import { atDistance, scoreTable, inner, plainFrequencies, turned } from "../reference/position.ts";
import { Checks, expectClose, sample } from "../support/check.ts";

const N = 6;
/** Every member of the room that scores, as a configuration would name it. */
const ALL: readonly p.PositionSpec[] = [
  { type: "none" },
  { type: "alibi" },
  { type: "rope" },
  { type: "rope", layout: "interleaved", fraction: 0.5, base: 300 },
  { type: "pi", scale: 3 },
  { type: "ntk-old", scale: 3 },
  { type: "ntk-aware", scale: 3 },
  { type: "ntk-fixed", scale: 3 },
  { type: "ntk-mixed", scale: 3 },
  { type: "ntk-dynamic", scale: 2, trainingLength: N },
  { type: "yarn", scale: 3, trainingLength: N, fast: 4 },
  { type: "yarn-index", scale: 3, trainingLength: N },
  { type: "llama3", scale: 3, trainingLength: N },
  { type: "rerope", window: 3 },
  { type: "rerope", window: 3, logScale: "after", trainingLength: N },
  { type: "leaky-rerope", window: 3, leak: 4 },
  { type: "self-extend", window: 3, group: 2 },
  { type: "yarn-dynamic", trainingLength: N, fast: 4 },
  { type: "pi", scale: 2, slidingWindow: 4, sinks: 2 },
  { type: "rope", normalise: "query" },
  { type: "rope", slidingWindow: 3, sinks: 1 },
  { type: "rope", logScale: "trained", trainingLength: N },
  { type: "rope", normalise: "key" },
  { type: "rope", normalise: "cosine", trainingLength: N },
];
const nameOf = (spec: p.PositionSpec): string => JSON.stringify(spec);
const B = 2;
const H = 3;
const D = 8;
const T = 7;
const positions = iota(T);

function inputs(dtype: Dtype): [Tensor, Tensor, Tensor] {
  const make = (seed: string): Tensor => sample([B, H, T, D], { seed, low: -1, high: 1, dtype }).x;
  return [make("q"), make("k"), make("v")];
}

const length = (x: number[]): number => Math.hypot(...x);
const ln = (i: number): number => Math.log(i + 1);
const last = (y: Tensor): Tensor => narrow(y, 2, 8, 9);

const all = (a: Tensor, b: Tensor, c: Tensor, i: Tensor, j: Tensor): Tensor[] =>
  ALL.map((spec) =>
    attend(a, b, c, { position: p.createPosition(spec), queryPositions: i, keyPositions: j }),
  );
const keyAxis = (name: string, shape: Shape): Shape | undefined =>
  name === "1" || name === "2" ? [...shape.slice(0, 2), "S", D] : name === "4" ? ["S"] : undefined;

describe("every position", () => {
  test("keeps the dtype and shape, is finite with its gradient, twice the same", async () => {
    const [q, k] = inputs("float32");
    const wide = inputs("float64");
    const rows = ALL.map((spec) => {
      const position = p.createPosition(spec);
      const { dtype, shape } = position.scores(wide[0], wide[1], positions, positions, 0.25);
      expect({ dtype, shape }, nameOf(spec)).toEqual({ dtype: "float64", shape: [B, H, T, T] });
      const f = (x: { q: Tensor; k: Tensor }): Tensor =>
        position.scores(x.q, x.k, positions, positions, 0.25);
      const slopes = grad((x: { q: Tensor; k: Tensor }) => sum(f(x).mul(f(x)).mul(1e-9)))({ q, k });
      return { scores: f({ q, k }), again: f({ q, k }), slopes };
    });
    for (const [i, row] of (await evaluate(rows)).entries()) {
      const name = nameOf(ALL[i] ?? { type: "none" });
      expect(row.scores.dtype, name).toBe("float32");
      expect(row.scores.shape, name).toEqual([B, H, T, T]);
      expect(await row.again.data(), name).toEqual(await row.scores.data());
      for (const x of [row.scores, row.slopes.q, row.slopes.k]) {
        expect(
          (await x.data()).every((v) => Number.isFinite(Number(v))),
          name,
        ).toBe(true);
      }
    }
  });

  test("one query at a time attends as all queries do, for every number of keys in one program", async () => {
    const [q, k, v] = inputs("float64");
    const step = compile(all, { symbolic: keyAxis });
    const block = compile(all, {
      symbolic: (name, shape) =>
        name === "0" ? [B, H, "T", D] : name === "3" ? ["T"] : keyAxis(name, shape),
    });
    const parallel = await block(q, k, v, positions, positions);
    for (let t = 0; t < T; t += 2) {
      const seen = narrow(positions, 0, 0, t + 1);
      const [a, b, c] = [narrow(q, 2, t, t + 1), narrow(k, 2, 0, t + 1), narrow(v, 2, 0, t + 1)];
      for (const [i, o] of (await step(a, b, c, narrow(positions, 0, t, t + 1), seen)).entries()) {
        const spec = ALL[i] ?? { type: "none" };
        // A dynamic base follows the context in view: a block longer than N turns its first rows further.
        if (p.createPosition(spec).whole && t + 1 < T) continue;
        const rows = parallel[i];
        if (!rows) throw new Error("result missing");
        const expected = Array.from(await narrow(rows, 2, t, t + 1).data(), Number);
        expectClose(await o.data(), expected, 1e-11, `${nameOf(spec)} at ${t}`);
      }
    }
    await Promise.all([block.release(), step.release()]);
  });

  test("says where parts of the keys would score otherwise, and where keys turn alone", () => {
    const made = (spec: p.PositionSpec): p.Position => p.createPosition(spec);
    for (const spec of ALL)
      expect(made(spec).whole, nameOf(spec)).toBe(
        spec.type === "ntk-dynamic" || spec.type === "yarn-dynamic" ? true : undefined,
      );
    const dynamic = made({ type: "ntk-dynamic", trainingLength: N });
    for (const wrapped of [p.keyNormalised(dynamic), p.windowed(dynamic, { window: 2 })])
      expect(wrapped.whole).toBe(true);
    expect(p.logScaled(p.rope(), { trainingLength: N, count: "all" }).whole).toBe(true);
    const turning = ALL.filter((spec) => made(spec).turn !== undefined).map((spec) => spec.type);
    expect(new Set(turning)).toEqual(
      new Set([
        "none",
        "rope",
        "pi",
        "ntk-old",
        "ntk-aware",
        "ntk-fixed",
        "ntk-mixed",
        "yarn",
        "yarn-index",
        "llama3",
      ]),
    );
  });

  test("rejects positions that do not match, with both sizes", () => {
    const [q, k] = inputs("float32");
    for (const spec of ALL.filter((s) => s.type !== "none")) {
      const wrong = (): Tensor => p.createPosition(spec).scores(q, k, iota(T + 1), positions, 1);
      expect(wrong, nameOf(spec)).toThrow(/\b8\b/);
      expect(wrong, nameOf(spec)).toThrow(/\b7\b/);
    }
  });
});

describe("what surrounds the scores", () => {
  const q = sample([1, 2, 5, 4], { seed: "q" });
  const k = sample([1, 2, 5, 4], { seed: "k" });
  const at = [0, 3, 4, 9, 20];
  const tensorAt = tensor(at, { dtype: "int32" });
  const theta = plainFrequencies(4, 10_000);
  const roped = (a: number[], b: number[], i: number, j: number): number =>
    inner(turned(a, i, theta, "half"), turned(b, j, theta, "half"));

  test("log scaling, key norms, cosines, ALiBi and the window equal their definitions", async () => {
    const rope = p.rope();
    const checks = new Checks();
    const add = (name: string, position: p.Position, rule: Parameters<typeof scoreTable>[4]): void => {
      const x = position.scores(q.x, k.x, tensorAt, tensorAt, 0.5);
      checks.add(name, x, scoreTable(q.ref, k.ref, at, at, rule));
    };
    add(
      "trained",
      p.logScaled(rope, { trainingLength: 4 }),
      (a, b, i, j) => (0.5 * roped(a, b, i, j) * ln(i)) / ln(3),
    );
    add(
      "after",
      p.logScaledAfter(rope, { trainingLength: 4 }),
      (a, b, i, j) => 0.5 * roped(a, b, i, j) * Math.max(1, ln(i) / ln(3)),
    );
    add(
      "after, all keys",
      p.logScaledAfter(rope, { trainingLength: 4, count: "all" }),
      (a, b, i, j) => (0.5 * roped(a, b, i, j) * ln(20)) / ln(3),
    );
    add(
      "κ log n / D",
      p.entropyInvariant(rope, { kappa: 3 }),
      (a, b, i, j) => (3 * ln(i) * roped(a, b, i, j)) / 4,
    );
    add("query norm", p.queryNormalised(rope), (a, b, i, j) => roped(a, b, i, j) / length(a));
    add("key norm", p.keyNormalised(rope), (a, b, i, j) => roped(a, b, i, j) / length(b));
    add(
      "cosine",
      p.cosineAttention(rope, { count: 256 }),
      (a, b, i, j) => (4 * Math.log(256) * roped(a, b, i, j)) / length(a) / length(b),
    );
    add(
      "cosine, causal count",
      p.cosineAttention(rope, { count: "causal" }),
      (a, b, i, j) => (4 * ln(i) * roped(a, b, i, j)) / length(a) / length(b),
    );
    add(
      "alibi",
      p.alibi(),
      (a, b, i, j, h) => 0.5 * inner(a, b) - Math.abs(i - j) * (h === 0 ? 1 / 16 : 1 / 256),
    );
    // Self-Extend: places shared by three tokens beyond a window of 5.
    const shared = (i: number, j: number): number =>
      i - j < 5 ? i - j : Math.floor(i / 3) - Math.floor(j / 3) + 5 - Math.floor(5 / 3);
    add(
      "self-extend",
      p.selfExtend({ window: 5, group: 3 }),
      (a, b, i, j) => 0.5 * atDistance(a, b, shared(i, j), theta, "half"),
    );
    // Λ with clipped sinks: what is beyond the window stands at its edge.
    add(
      "clipped sinks",
      p.createPosition({ type: "rope", slidingWindow: 4, sinks: 2 }),
      (a, b, i, j) =>
        0.5 * atDistance(a, b, Math.min(i - j, 4), theta, "half") +
        ((i - j < 4 || j < 2) && i >= j ? 0 : -1e9),
    );
    add(
      "Λ",
      p.windowed(rope, { window: 4, sinks: 1 }),
      (a, b, i, j) => 0.5 * roped(a, b, i, j) + ((i - j < 4 || j < 1) && i >= j ? 0 : -1e9),
    );
    await checks.run();
  });

  test("clipped sinks are ReRoPE inside the window, whatever the frequencies", async () => {
    for (const [short, long] of [
      ["rope:slidingWindow=6,sinks=1", "rerope:window=6,slidingWindow=6,sinks=1"],
      ["pi:scale=2,slidingWindow=6,sinks=1", undefined],
    ] as const) {
      const [a, b] = [short, long ?? short].map((text) =>
        p.createPosition(p.parsePosition(text)).scores(q.x, k.x, tensorAt, tensorAt, 0.5),
      );
      if (!a || !b) throw new Error("result missing");
      expect(await a.data()).toEqual(await b.data());
    }
    const interpolated = p.createPosition({ type: "pi", scale: 2, slidingWindow: 6, sinks: 1 });
    const whole = p.rerope({ window: 6, frequencies: p.positionInterpolation({ scale: 2 }) });
    const plain = p.windowed(whole, { window: 6, sinks: 1 });
    const scores = (x: p.Position): Tensor => x.scores(q.x, k.x, tensorAt, tensorAt, 0.5);
    expect(await scores(interpolated).data()).toEqual(await scores(plain).data());
  });

  test("dynamic YaRN is RoPE up to N and static YaRN of scale n/N beyond", async () => {
    const scores = (spec: p.PositionSpec): Tensor =>
      p.createPosition(spec).scores(q.x, k.x, tensorAt, tensorAt, 0.5); // keys up to place 20
    const pairs: [Tensor, Tensor][] = [
      [scores({ type: "yarn-dynamic", trainingLength: 21 }), scores({ type: "rope" })],
      [
        scores({ type: "yarn-dynamic", trainingLength: 7, fast: 0.5, slow: 0.1 }),
        scores({ type: "yarn", trainingLength: 7, scale: 3, fast: 0.5, slow: 0.1 }),
      ],
    ];
    for (const [a, b] of pairs)
      expectClose(await a.data(), Array.from(await b.data(), Number), 1e-13, "yarn");
  });

  test("Self-Extend of group 1 is RoPE, and near Leaky ReRoPE of leak g", async () => {
    const scores = (x: p.Position): Tensor => x.scores(q.x, k.x, tensorAt, tensorAt, 0.5);
    const lower = async (x: Tensor): Promise<number[]> =>
      Array.from(await x.data(), Number).filter(
        (_, n) => (at[Math.floor(n / 5) % 5] ?? 0) >= (at[n % 5] ?? 0),
      );
    const one = await lower(scores(p.selfExtend({ window: 4, group: 1 })));
    expectClose(one, await lower(scores(p.rope())), 1e-13, "group 1");
    // Where all are multiples of g the two agree: places 0, 4, 20 and a window of 4.
    const places = tensor([0, 4, 8, 16, 20], { dtype: "int32" });
    const both = [p.selfExtend({ window: 4, group: 4 }), p.leakyRerope({ window: 4, leak: 4 })].map((x) =>
      x.scores(q.x, k.x, places, places, 0.5),
    );
    const [a, b] = await Promise.all(both.map((x) => lower(x)));
    expectClose(a ?? [], b ?? [NaN], 1e-13, "multiples of g");
  });

  test("the leak that keeps distances within half of what was trained", () => {
    // 9708: w + (L − 1 − w)/k ≤ N/2. N = 512, w = 128, L = 4096: k ≥ 30.99.
    const k = p.leakFor({ window: 128, length: 4096, trainingLength: 512 });
    expect(k).toBeCloseTo(3967 / 128, 12);
    expect(p.farthestDistance(4096, 128, k)).toBeCloseTo(256, 9);
    expect(p.leakFor({ window: 128, length: 128, trainingLength: 512 })).toBe(1);
    expect(p.leakFor({ window: 256, length: 4096, trainingLength: 512 })).toBe(Infinity);
    expect(p.farthestDistance(2048, 64, 16)).toBe(64 + 1983 / 16); // 188 > 128: what the first picture had
    expect(p.farthestDistance(50, 64, Infinity)).toBe(49);
  });

  test("at the training length log scaling is the identity, and below it the late form too", async () => {
    const rope = p.rope().scores(q.x, k.x, tensorAt, tensorAt, 0.5);
    const late = p.logScaledAfter(p.rope(), { trainingLength: 21 }).scores(q.x, k.x, tensorAt, tensorAt, 0.5);
    const { x: last } = sample([1, 2, 1, 4]);
    const end = tensor([20], { dtype: "int32" });
    const one = p.logScaled(p.rope(), { trainingLength: 21 }).scores(last, k.x, end, tensorAt, 0.5);
    const plain = p.rope().scores(last, k.x, end, tensorAt, 0.5);
    for (const x of [late.sub(rope), one.sub(plain)]) {
      for (const value of await x.data()) expect(Math.abs(Number(value))).toBeLessThan(1e-13);
    }
  });

  test("entropy of random heads: flat only under log n / 0.24 d", async () => {
    // q and k uniform on a sphere of radius √d, d = 64: the notes' table at n = 64 and 1024 within its spread.
    const d = 64;
    const sphere = (name: string, n: number): number[][] => {
      const draws = random.normals(random.key(name.length + n), n * d);
      return Array.from({ length: n }, (_, i) => {
        const x = Array.from(draws.subarray(i * d, (i + 1) * d));
        const r = Math.hypot(...x) / Math.sqrt(d);
        return x.map((v) => v / r);
      });
    };
    const entropy = (n: number, lambda: number): number => {
      const keys = sphere("keys", n);
      let total = 0;
      for (const a of sphere("queries", 16)) {
        const e = keys.map((b) => Math.exp(lambda * inner(a, b)));
        const z = e.reduce((x, y) => x + y, 0);
        total -= e.reduce((s, x) => s + (x / z) * Math.log(x / z), 0) / 16;
      }
      return total;
    };
    const rise = (lambda: (n: number) => number): number =>
      entropy(1024, lambda(1024)) - entropy(64, lambda(64));
    const usual = rise(() => 1 / Math.sqrt(d));
    const deployed = rise((n) => Math.log(n) / Math.log(512) / Math.sqrt(d));
    const derived = rise((n) => Math.log(n) / (0.24 * d));
    expect(usual).toBeGreaterThan(2.4);
    expect(deployed).toBeLessThan(usual - 0.2);
    expect(Math.abs(derived)).toBeLessThan(0.9);
  });

  test("waves to add, and a learned table that ends", async () => {
    const checks = new Checks();
    const waves = at.flatMap((m) => [
      ...theta.map((t) => Math.sin(m * t)),
      ...theta.map((t) => Math.cos(m * t)),
    ]);
    checks.add("waves", p.sinusoidalPositions(tensorAt, 4, { dtype: "float64" }), {
      shape: [5, 4],
      data: waves,
    });
    const table = sample([21, 3]);
    const rows = at.flatMap((m) => table.ref.data.slice(3 * m, 3 * m + 3));
    checks.add("table", p.learnedPositions(table.x, tensorAt, 21), { shape: [5, 3], data: rows });
    await checks.run();
    expect(() => p.learnedPositions(table.x, tensorAt, 22)).toThrow(
      "learnedPositions: positions must be below 21, the rows of the table, got 21.",
    );
    expect(() => p.sinusoidalPositions(tensorAt, 3)).toThrow("width must be even and ≥ 2, got 3.");
  });
});

describe("plans and texts", () => {
  test("HWFA: the largest window within three quarters, then one layer that sees all without position", () => {
    for (const [layers, trainingLength] of [
      [24, 512],
      [4, 64],
      [2, 9],
      [12, 8],
    ] as const) {
      const w = p.hwfaWindow(layers, trainingLength);
      if (w > 1) expect((w - 1) * (layers - 1) + 1).toBeLessThanOrEqual(0.75 * trainingLength);
      expect(w * (layers - 1) + 1).toBeGreaterThan(0.75 * trainingLength);
    }
    const plan = p.hwfaPlan({ layers: 4, trainingLength: 64 });
    expect(plan.map((s) => s.slidingWindow)).toEqual([16, 16, 16, undefined]);
    expect(plan.at(-1)).toEqual({ type: "none", logScale: "trained", trainingLength: 64 });
    plan.forEach((spec) => p.createPosition(spec));
  });

  test("HWFA: what windows pass on ends at (w − 1) · layers", async () => {
    const w = 3;
    const layers = 2;
    const position = p.createPosition({ type: "rope", slidingWindow: w });
    const stack = (x: Tensor): Tensor => {
      let y = x;
      const at = iota(9);
      for (let i = 0; i < layers; i++)
        y = y.add(attend(y, y, y, { position, queryPositions: at, keyPositions: at }));
      return y;
    };
    const { x } = sample([1, 1, 9, 4]);
    const changed = (t: number): Tensor =>
      x.add(
        tensor(
          Array.from({ length: 36 }, (_, i) => (Math.floor(i / 4) === t ? 1 : 0)),
          { shape: [1, 1, 9, 4], dtype: "float64" },
        ),
      );
    const [base, out, inside] = await evaluate([
      last(stack(x)),
      last(stack(changed(8 - 5))),
      last(stack(changed(8 - 4))),
    ]);
    expect(await out?.data()).toEqual(await base?.data());
    expect(await inside?.data()).not.toEqual(await base?.data());
  });

  test("HWFA2: full layers in the middle or at the thirds, ReRoPE at inference only", () => {
    const plan = p.hwfa2Plan({ layers: 24, trainingLength: 512, full: 2, stage: "inference" });
    expect(plan.flatMap((s, i) => (s.type === "rerope" ? [i] : []))).toEqual([8, 16]);
    expect(plan[8]?.window).toBe(256);
    expect(plan[0]?.slidingWindow).toBe(64); // the article's best
    const fullAt = (full: number): number[] =>
      p
        .hwfa2Plan({ layers: 24, trainingLength: 512, full, stage: "training" })
        .flatMap((s, i) => (s.slidingWindow === undefined ? [i] : []));
    expect([1, 2, 3].map(fullAt)).toEqual([[12], [8, 16], [6, 12, 18]]);
    const training = p.hwfa2Plan({
      layers: 24,
      trainingLength: 512,
      window: 32,
      full: 1,
      stage: "training",
    });
    expect(training.flatMap((s, i) => (s.slidingWindow === undefined ? [i] : []))).toEqual([12]);
    expect(() => p.hwfa2Plan({ layers: 2, trainingLength: 64, stage: "training" })).toThrow(
      "layers must exceed 2, got 2.",
    );
  });

  test("text to spec, with a model's defaults where they mean something", () => {
    const model = { base: 500, layout: "interleaved", trainingLength: 512 } as const;
    expect(p.parsePosition("rerope:window=128,logScale=after", model)).toEqual({
      ...model,
      type: "rerope",
      window: 128,
      logScale: "after",
    });
    expect(p.parsePosition("alibi", model)).toEqual({ type: "alibi", trainingLength: 512 });
    expect(p.parsePosition("ntk-mixed:scale=4")).toEqual({ type: "ntk-mixed", scale: 4 });
  });

  test("what means nothing is refused with a reason", () => {
    const fails: readonly (readonly [string, string])[] = [
      ["rerop:window=4", 'position: type must be a known method, got "rerop". Did you mean rerope or rope?'],
      ["rerope", "position rerope: window must be a number, got nothing."],
      ["rerope:window=0", "rerope: window must be a whole number ≥ 1, got 0."],
      ["rerope:window=8,scale=2", 'position rerope: option "scale" is unknown.'],
      ["pi:scale=0.5", "positionInterpolation: scale must be a number ≥ 1, got 0.5."],
      ["pi:scale", 'position: "scale" of "pi:scale" must be field=value.'],
      ["rope:sinks=4", "position rope: sinks needs slidingWindow."],
      ["rope:sinks=9,slidingWindow=8", "position rope: sinks must be at most slidingWindow, 8, got 9."],
      ["alibi:sinks=4,slidingWindow=8", "position alibi: sinks cannot be kept: its scores fall"],
      [
        "yarn-dynamic:sinks=4,slidingWindow=8,trainingLength=64",
        "position yarn-dynamic: sinks cannot be kept: its frequencies follow the length",
      ],
      ["self-extend:window=4,group=8", "selfExtend: group must be at most the window"],
      ["rope:normalise=value", 'position rope: normalise must be "key", "query" or "cosine", got "value".'],
      ["rope:slidingWindow=0", "windowed: window must be a whole number ≥ 1, got 0."],
      [
        "rope:logScale=late,trainingLength=4",
        'position rope: logScale must be "trained" or "after", got "late".',
      ],
      ["rope:logScale=after", "position rope: trainingLength must be a number, got nothing."],
      [
        "yarn:scale=2,trainingLength=64,fast=1",
        "yarnByTurns: fast must be above slow and slow above 0, got 1 and 1.",
      ],
      ["a:b:c", 'position: text must be method:field=value,…, got "a:b:c".'],
    ];
    for (const [text, message] of fails) expect(() => p.parsePosition(text), text).toThrow(message);
  });
});

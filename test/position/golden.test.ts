// Positions against numpy, pair by pair: test/golden/methods.py.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as p from "../../src/position/index.ts";
import { tensor, type Tensor } from "../../src/tensor/index.ts";
import { expectClose } from "../support/check.ts";

type Table = readonly (readonly (number | null)[])[];
interface Golden {
  readonly tolerance: number;
  readonly window: number;
  readonly trainingLength: number;
  readonly q: number[][];
  readonly k: number[][];
  readonly v: number[][];
  readonly methods: {
    readonly rope: Table;
    readonly rerope: { readonly clipped: Table; readonly leaky: Table };
    readonly "log-scale": { readonly trained: Table; readonly after: Table; readonly kappa: Table };
    readonly "key-norm": { readonly keys: Table; readonly cosine: Table };
    readonly masks: readonly boolean[][];
    readonly hwfa: { readonly window: number; readonly local: Table; readonly window2: number };
    readonly ntk: Record<"old" | "aware" | "fixed" | "mixed", number[]>;
    readonly "base-bound": { readonly first: [base: number, length: number, m: number][] };
    readonly sinusoidal: number[][];
    readonly learned: number[][];
    readonly "self-extend": Table;
    readonly "dynamic-yarn": Table;
  };
}
const golden = JSON.parse(readFileSync(new URL("../golden/methods.json", import.meta.url), "utf8")) as Golden;
const { methods, tolerance, window, trainingLength } = golden;
const T = golden.q.length;
const D = golden.q[0]?.length ?? 0;
const places = tensor(Int32Array.from({ length: T }, (_, i) => i));
const heads = (rows: number[][]): Tensor =>
  tensor(Float64Array.from(rows.flat()), { shape: [1, 1, rows.length, D] });

/** The scores of a method where a key is not ahead of its query; `null` stands for "hidden". */
async function expectScores(position: p.Position, table: Table): Promise<void> {
  const [q, k] = [heads(golden.q), heads(golden.k)];
  const got = await position.scores(q, k, places, places, 1 / Math.sqrt(D)).data();
  for (let i = 0; i < T; i++) {
    for (let j = 0; j <= i; j++) {
      const [score, expected] = [Number(got[i * T + j]), table[i]?.[j] ?? null];
      if (expected === null) expect(score, `hidden ${i}, ${j}`).toBeLessThan(-1e8);
      else expectClose([score], [expected], tolerance, `query ${i}, key ${j}`);
    }
  }
}

const none = p.noPosition();
describe("scores of numpy", () => {
  test.each<[string, p.Position, Table]>([
    ["rope", p.rope({}), methods.rope],
    ["rerope", p.rerope({ window }), methods.rerope.clipped],
    ["leaky rerope", p.leakyRerope({ window, leak: 4 }), methods.rerope.leaky],
    ["log n trained in", p.logScaled(none, { trainingLength }), methods["log-scale"].trained],
    ["log n after training", p.logScaledAfter(none, { trainingLength }), methods["log-scale"].after],
    ["entropy invariance", p.entropyInvariant(none, { kappa: 0.5 }), methods["log-scale"].kappa],
    ["keys of length one", p.keyNormalised(none), methods["key-norm"].keys],
    ["cosine attention", p.cosineAttention(none, { count: "causal" }), methods["key-norm"].cosine],
    ["Self-Extend", p.selfExtend({ window, group: 2 }), methods["self-extend"]],
    [
      "YaRN that follows the length",
      p.dynamicYarn({ trainingLength, fast: 0.5, slow: 0.05 }),
      methods["dynamic-yarn"],
    ],
    ["windowed RoPE of HWFA", p.windowed(p.rope({}), { window }), methods.hwfa.local],
  ])("%s", async (_, position, table) => {
    await expectScores(position, table);
  });
});

describe("tables of numpy", () => {
  test("the Λ-mask, HWFA's windows", async () => {
    const mask = await p.windowMask(places, places, { window, sinks: 1 }).data();
    expect(Array.from(mask, Boolean)).toEqual(methods.masks.flat());
    expect(p.hwfaWindow(24, 512)).toBe(methods.hwfa.window);
    const plan = p.hwfa2Plan({ layers: 24, trainingLength: 512, stage: "training" });
    expect(plan[0]).toMatchObject({ slidingWindow: methods.hwfa.window2 });
  });

  test("frequencies of NTK's four forms", () => {
    const options = { scale: 8 };
    const rules = {
      old: p.ntkOld(options),
      aware: p.ntkAware(options),
      fixed: p.ntkFixed(options),
      mixed: p.ntkMixed(options),
    };
    for (const name of ["old", "aware", "fixed", "mixed"] as const) {
      expectClose(rules[name](D, 10_000), methods.ntk[name], tolerance, name);
    }
  });

  test("the first distance at which a like key no longer leads", () => {
    for (const [base, length, m] of methods["base-bound"].first) {
      expect(p.firstNegativeLead(p.ropeFrequencies(128, base), length), `base ${base}`).toBe(m);
    }
  });

  test("sinusoidal waves, rows of a learned table", async () => {
    const waves = p.sinusoidalPositions(places, D, { dtype: "float64" });
    expectClose(await waves.data(), methods.sinusoidal.flat(), tolerance, "waves");
    const table = tensor(Float64Array.from(golden.v.flat()), { shape: [T, D] });
    const rows = p.learnedPositions(table, tensor(Int32Array.of(2, 0, 5)), 6);
    expectClose(await rows.data(), methods.learned.flat(), 0, "learned");
  });
});

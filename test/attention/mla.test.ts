import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as a from "../../src/attention/index.ts";
import { noPosition, rerope, rope, rotate, ropeFrequencies } from "../../src/position/index.ts";
import {
  cast,
  compile,
  concat,
  type Dtype,
  evaluate,
  iota,
  leaves,
  mapTree,
  matmul,
  narrow,
  permute,
  random,
  reshape,
  rmsNorm,
  sum,
  type Tensor,
  tensor,
  unflattenTree,
  zeros,
} from "../../src/tensor/index.ts";
import { type Arr } from "../reference/array.ts";
import { inner, rms, times } from "../reference/attention.ts";
import { plainFrequencies, turned } from "../reference/position.ts";
import { Checks, expectClose, pair, sample } from "../support/check.ts";
import { expectGradients } from "../support/differences.ts";

interface Golden {
  readonly tolerance: number;
  readonly mla: { readonly weights: Record<string, Arr>; readonly x: Arr; readonly y: Arr };
}
const golden = JSON.parse(
  readFileSync(new URL("../golden/attention.json", import.meta.url), "utf8"),
) as Golden;

const SIZES: a.MlaSizes = {
  width: 12,
  heads: 2,
  contentWidth: 4,
  rotaryWidth: 4,
  valueWidth: 3,
  latentWidth: 6,
  queryLatentWidth: 7,
};
const T = 5;
const at = iota(T);
const POSITION = rope({ layout: "interleaved" });
const options = (position = POSITION): a.AttendOptions => ({
  position,
  queryPositions: at,
  keyPositions: at,
});

const none = (shape: number[]): Tensor => zeros(shape, { dtype: "float64" });

/** The golden weights as parameters. */
function weights(dtype: Dtype = "float64"): a.MlaParams {
  const of = (name: string): Tensor => {
    const w = golden.mla.weights[name] ?? { shape: [], data: [] };
    return pair(w.shape, w.data, dtype).x;
  };
  return {
    q_a_proj: { weight: of("q_a_proj") },
    q_a_layernorm: { weight: of("q_a_layernorm") },
    q_b_proj: { weight: of("q_b_proj") },
    kv_a_proj_with_mqa: { weight: of("kv_a_proj_with_mqa") },
    kv_a_layernorm: { weight: of("kv_a_layernorm") },
    kv_b_proj: { weight: of("kv_b_proj") },
    o_proj: { weight: of("o_proj") },
  };
}
const x = pair(golden.mla.x.shape, golden.mla.x.data).x;

/** MLA of one text by loops over heads, queries and keys. */
function reference(input: Arr, w: Record<string, Arr>): Arr {
  const { heads: H, contentWidth: dk, rotaryWidth: dr, valueWidth: dv, latentWidth: dc, width: C } = SIZES;
  const get = (name: string): Arr => w[name] ?? { shape: [], data: [] };
  const theta = plainFrequencies(dr, 10_000);
  const tokens = Array.from({ length: T }, (_, t) => {
    const h = input.data.slice(t * C, (t + 1) * C);
    const q = times(get("q_b_proj"), rms(times(get("q_a_proj"), h), get("q_a_layernorm")));
    const down = times(get("kv_a_proj_with_mqa"), h);
    const up = times(get("kv_b_proj"), rms(down.slice(0, dc), get("kv_a_layernorm")));
    return { q, up, rotary: turned(down.slice(dc), t, theta, "interleaved") };
  });
  const data = tokens.flatMap(({ q }, i) => {
    const joined = Array.from({ length: H }, (_, s) => {
      const own = q.slice(s * (dk + dr), (s + 1) * (dk + dr));
      const query = [...own.slice(0, dk), ...turned(own.slice(dk), i, theta, "interleaved")];
      const seen = tokens.slice(0, i + 1).map(({ up, rotary }) => {
        const both = up.slice(s * (dk + dv), (s + 1) * (dk + dv));
        return {
          weight: Math.exp(inner(query, [...both.slice(0, dk), ...rotary]) / Math.sqrt(dk + dr)),
          v: both.slice(dk),
        };
      });
      const total = seen.reduce((sum_, { weight }) => sum_ + weight, 0);
      return Array.from({ length: dv }, (_, e) =>
        seen.reduce((sum_, { weight, v }) => sum_ + (weight * (v[e] ?? 0)) / total, 0),
      );
    }).flat();
    return times(get("o_proj"), joined);
  });
  return { shape: [1, T, C], data };
}

describe("multi-head latent attention", () => {
  test("both forms equal the published program's values and the loops", async () => {
    const slow = reference(golden.mla.x, golden.mla.weights);
    expectClose(slow.data, golden.mla.y.data, 1e-12, "reference");
    const checks = new Checks();
    checks.add("expanded", a.mlaExpanded(SIZES, weights(), x, options()).y, golden.mla.y, golden.tolerance);
    checks.add("absorbed", a.mlaAbsorbed(SIZES, weights(), x, options()).y, golden.mla.y, golden.tolerance);
    await checks.run();
  });

  test("absorbed equals expanded with any position, and without a query latent", async () => {
    const { queryLatentWidth: _, ...rest } = SIZES;
    const params = mapTree(a.initMla(rest, random.key(3), { std: 0.4 }), (p) => cast(p, "float64"));
    const pairs = [noPosition(), rerope({ window: 2 })].map((position) => ({
      expanded: a.mlaExpanded(rest, params, x, options(position)).y,
      absorbed: a.mlaAbsorbed(rest, params, x, options(position)).y,
    }));
    for (const { expanded, absorbed } of await evaluate(pairs)) {
      expectClose(await absorbed.data(), Array.from(await expanded.data(), Number), 1e-13);
    }
  });

  test("token by token, absorbed, equals the whole text, expanded, in one program for every length", async () => {
    const params = weights();
    const whole = await a.mlaExpanded(SIZES, params, x, options()).y.data();
    const step = compile(
      (token: Tensor, cache: a.MlaCache, now: Tensor, all: Tensor) =>
        a.mlaAbsorbed(
          SIZES,
          params,
          token,
          { position: POSITION, queryPositions: now, keyPositions: all },
          cache,
        ),
      {
        symbolic: (name, shape) =>
          name.startsWith("1.") ? [1, "S", shape[2] ?? 1] : name === "3" ? ["S+1"] : undefined,
      },
    );
    let cache: a.MlaCache | undefined;
    for (let t = 0; t < T; t++) {
      const token = narrow(x, 1, t, t + 1);
      const now = narrow(at, 0, t, t + 1);
      const all = iota(t + 1);
      const { y, cache: next } =
        cache === undefined
          ? await evaluate(
              a.mlaAbsorbed(SIZES, params, token, {
                position: POSITION,
                queryPositions: now,
                keyPositions: all,
              }),
            )
          : await step(token, cache, now, all);
      cache = next;
      expectClose(await y.data(), Array.from(whole, Number).slice(t * 12, (t + 1) * 12), 1e-12, `token ${t}`);
    }
    expect(cache?.latent.shape).toEqual([1, T, 6]);
    await step.release();
  });

  test("grouped queries are a case of it: up-projections that select and repeat", async () => {
    // Two groups of one key and value head each: the latent is the keys, then the values, of both.
    const [H, G, D, C] = [4, 2, 4, 16];
    const h = sample([1, T, C], { seed: "h" }).x;
    const down = sample([2 * G * D, C], { seed: "down" }).x;
    const wq = sample([H * D, C], { seed: "wq" }).x;
    const sizes: a.MlaSizes = {
      width: C,
      heads: H,
      contentWidth: D,
      rotaryWidth: 2,
      valueWidth: D,
      latentWidth: 16,
    };
    const select = Array.from({ length: H * 2 * D * C }, (_, n) => {
      const [r, c] = [Math.floor(n / C), n % C];
      const [head, isValue, d] = [Math.floor(r / (2 * D)), Math.floor((r % (2 * D)) / D), r % D];
      return Number(c === isValue * G * D + Math.floor(head / (H / G)) * D + d);
    });
    const eye = Float64Array.from({ length: C * C }, (_, i) => Number(i % (C + 1) === 0));
    const params: a.MlaParams = {
      q_proj: { weight: reshape(concat([reshape(wq, [H, D, C]), none([H, 2, C])], 1), [H * (D + 2), C]) },
      kv_a_proj_with_mqa: { weight: concat([down, none([2, C])], 0) },
      kv_a_layernorm: { weight: tensor(new Float64Array(C).fill(1)) },
      kv_b_proj: { weight: tensor(Float64Array.from(select), { shape: [H * 2 * D, C] }) },
      o_proj: { weight: tensor(eye, { shape: [C, C] }) },
    };
    const latent = rmsNorm(matmul(h, down, { transposeB: true }), { epsilon: 1e-6 });
    const heads = (y: Tensor, n: number): Tensor => permute(reshape(y, [1, T, n, D]), [0, 2, 1, 3]);
    const [k, v] = [narrow(latent, 2, 0, G * D), narrow(latent, 2, G * D, 2 * G * D)];
    const q = heads(matmul(h, wq, { transposeB: true }), H);
    const grouped = a.attend(q, heads(k, G), heads(v, G), { ...options(noPosition()), scale: 0.5 });
    const got = await evaluate({
      mla: a.mlaAbsorbed(sizes, params, h, { ...options(noPosition()), scale: 0.5 }).y,
      grouped: reshape(permute(grouped, [0, 2, 1, 3]), [1, T, C]),
    });
    expectClose(await got.mla.data(), Array.from(await got.grouped.data(), Number), 1e-12);
  });

  test("position must stay outside: turning the whole key cannot be absorbed", async () => {
    const { x: q } = sample([1, 1, T, 4], { seed: "q" });
    const { x: c } = sample([1, 1, T, 6], { seed: "c" });
    const { x: up } = sample([4, 6], { seed: "up" });
    const theta = ropeFrequencies(4, 10_000);
    const turnedKeys = matmul(rotate(q, at, theta), rotate(matmul(c, up, { transposeB: true }), at, theta), {
      transposeB: true,
    });
    const absorbed = matmul(matmul(rotate(q, at, theta), up), c, { transposeB: true });
    const apart = await sum(turnedKeys.sub(absorbed).mul(turnedKeys.sub(absorbed))).item();
    expect(apart).toBeGreaterThan(0.01);
  });

  test("derivatives of both forms", async () => {
    const small = {
      ...SIZES,
      width: 4,
      heads: 2,
      queryLatentWidth: 3,
      latentWidth: 3,
      contentWidth: 2,
      rotaryWidth: 2,
      valueWidth: 1,
    };
    const params = mapTree(a.initMla(small, random.key(1), { std: 0.5 }), (p) => cast(p, "float64"));
    const h = sample([1, 3, 4], { seed: "h" }).x;
    const three = iota(3);
    const o = { position: rope(), queryPositions: three, keyPositions: three };
    const tree = await evaluate(params);
    const row = (name: string, form: typeof a.mlaExpanded) => ({
      name,
      at: [h, ...leaves(tree)],
      f: (y: Tensor, ...ws: Tensor[]) => form(small, unflattenTree(tree, ws), y, o).y,
    });
    await expectGradients([row("expanded", a.mlaExpanded), row("absorbed", a.mlaAbsorbed)], 1e-7);
  });

  test("its cache is small, and what does not fit is refused", () => {
    const v2 = { ...SIZES, latentWidth: 512, rotaryWidth: 64 };
    expect(60 * a.mlaCacheWidth(v2)).toBe(34_560);
    expect(27 * a.mlaCacheWidth(v2)).toBe(15_552);
    const narrowX = sample([1, T, 11]).x;
    expect(() => a.mlaExpanded(SIZES, weights(), narrowX, options())).toThrow(
      "mla: x must be [B=1, T=5, 12], got [1, 5, 11].",
    );
    const { q_a_proj: _, ...rest } = weights();
    expect(() => a.mlaExpanded(SIZES, rest, x, options())).toThrow(
      "mla: params must have q_proj, or q_a_proj",
    );
    const cache = { latent: sample([1, 2, 5]).x, rotaryKey: sample([1, 2, 4]).x };
    expect(() => a.mlaAbsorbed(SIZES, weights(), x, options(), cache)).toThrow(
      "cache.latent must be [B=1, S=2, 6], got [1, 2, 5].",
    );
    expect(a.mlaAbsorbed(SIZES, weights("float32"), cast(x, "float32"), options()).y.dtype).toBe("float32");
  });
});

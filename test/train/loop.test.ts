import { describe, expect, test } from "vitest";
import { causalLMConfig, type CausalLMParams, initCausalLM } from "../../src/model/index.ts";
import { warmupCosine } from "../../src/optim/index.ts";
import { evaluate, flattenTree, mapTree, random, tensor } from "../../src/tensor/index.ts";
import { batches } from "../../src/train/batches.ts";
import { type LoopOptions, trainLoop, type StepEvent } from "../../src/train/loop.ts";
import { NonFiniteError } from "../../src/train/non-finite.ts";
import { rateAt, trainSettings } from "../../src/train/settings.ts";
import { initialState, type TrainState } from "../../src/train/step.ts";
import type { TextBatch } from "../../src/train/text-task.ts";
import type { SeenKeys } from "../../src/model/index.ts";
import { textTrainingOf } from "./text.ts";
import {
  bitsPerByte,
  natsPerToken,
  slidingWindows,
  spreadWindows,
  validator,
} from "../../src/train/validate.ts";

const config = causalLMConfig({ vocabulary: 11, context: 8, width: 16, layers: 2, heads: 2 });
const ids = Uint16Array.from({ length: 400 }, (_, i) => (i * i + (i >> 3)) % 11);
const bytesOf = Int32Array.from({ length: 11 }, (_, id) => id % 4);
const settings = trainSettings({ steps: 30, batch: 6, rate: 1e-2, validateEvery: 10, seed: 3 });
const params = () => initCausalLM(config, random.key(7));

async function numbers(tree: unknown): Promise<Map<string, number[]>> {
  const out = new Map<string, number[]>();
  for (const [name, leaf] of flattenTree(tree))
    out.set(name, Array.from((await leaf.data()) as Float32Array));
  return out;
}

describe("step", () => {
  const quantized = causalLMConfig({
    ...config,
    position: { type: "none" },
    attention: { type: "transformer-vq", codes: 5, block: 3 },
  });
  test.each([
    ["dense", 2, config],
    ["dense", 3, config],
    ["transformer-vq", 2, quantized],
  ] as const)("%s: %i micro-batches equal the big batch", async (_, accumulate, config) => {
    const params = () => initCausalLM(config, random.key(7));
    const next = batches(ids, { seed: 1, count: 6, context: 8 });
    const results: { params: Map<string, number[]>; losses: number[]; norms: number[] }[] = [];
    for (const k of [1, accumulate]) {
      const step = textTrainingOf(config, { ...settings, accumulate: k });
      let state = await step.init(params());
      const losses: number[] = [];
      let norms: number[] = [];
      for (let i = 0; i < 4; i++) {
        const report = await step.run(state, next(i), 1e-3);
        state = report.state;
        losses.push(report.loss);
        norms = [...report.norms];
      }
      results.push({ params: await numbers(state.params), losses, norms });
      await step.release();
    }
    const [whole, parts] = results;
    whole?.losses.forEach((loss, i) => expect(parts?.losses[i]).toBeCloseTo(loss, 5));
    whole?.norms.forEach((norm, i) => expect(parts?.norms[i]).toBeCloseTo(norm, 4));
    // Four steps of 1e-3: rounding may turn the sign of updates of vanishing gradients, but hardly any.
    for (const [name, values] of whole?.params ?? []) {
      const others = parts?.params.get(name) ?? [];
      const far = values.filter((v, i) => Math.abs(v - (others[i] ?? NaN)) > 2e-4).length;
      expect(far, name).toBeLessThanOrEqual(Math.ceil(values.length * 0.01));
    }
  });
});

describe("learning rate", () => {
  test("is that of the schedule inside a graph", async () => {
    const s = trainSettings({ steps: 50, warmup: 7, rate: 0.3, floor: 0.02 });
    const schedule = warmupCosine({ peak: 0.3, floor: 0.02, warmup: 7, steps: 50 });
    for (const step of [0, 1, 6, 7, 8, 20, 49, 50]) {
      expect(rateAt(s, step)).toBeCloseTo(await schedule(tensor(step)).item(), 6);
    }
    expect(rateAt(s, 50)).toBeCloseTo(0.02, 12);
    expect(rateAt(s, 1000)).toBeCloseTo(0.02, 12);
  });

  test("follows the clock where that is ahead", () => {
    const s = trainSettings({ steps: 1000, warmup: 10, rate: 1, floor: 0, minutes: 1 });
    expect(rateAt(s, 20, 30)).toBeCloseTo(0.5, 9);
    expect(rateAt(s, 20, 61)).toBe(0);
    expect(rateAt(s, 0, 0)).toBeCloseTo(1 / 11, 9);
  });

  test("settings that cannot be are refused", () => {
    expect(() => trainSettings({ steps: 0 })).toThrow("train: steps must be a whole number ≥ 1, got 0.");
    expect(() => trainSettings({ batch: 6, accumulate: 4 })).toThrow(
      "train: accumulate must divide batch=6, got 4.",
    );
    expect(() => trainSettings({ steps: 10, warmup: 20 })).toThrow(
      "warmup must be at most steps=10, got 20.",
    );
    expect(() => trainSettings({ rate: Number.NaN })).toThrow("rate must be a number ≥ 0, got NaN.");
    expect(() => trainSettings({ rat: 1 } as never)).toThrow("Did you mean rate");
  });
});

describe("validation", () => {
  test("bits per byte by hand", () => {
    const score = { nats: 10, tokens: 4, bytes: 5 };
    expect(natsPerToken(score)).toBe(2.5);
    expect(bitsPerByte(score)).toBeCloseTo(2 / Math.log(2), 12);
  });

  test("sliding windows score every token but the first once, with enough before it", () => {
    for (const [length, context, stride] of [
      [100, 8, 4],
      [9, 8, 4],
      [10, 8, 1],
      [61, 16, 16],
    ] as const) {
      const seen: number[] = [];
      for (const { start, from } of slidingWindows(length, context, stride)) {
        expect(start).toBeGreaterThanOrEqual(0);
        if (start > 0) expect(from).toBeGreaterThanOrEqual(context - stride);
        for (let i = from; i < Math.min(context, length - 1 - start); i++) seen.push(start + 1 + i);
      }
      expect(seen).toEqual(Array.from({ length: length - 1 }, (_, i) => i + 1));
    }
  });

  test("a model that knows nothing needs log2 of its vocabulary per token, whatever the windows", async () => {
    const zero = await evaluate(mapTree(params(), (p) => p.mul(0)));
    const scorer = validator(config, { batch: 5 });
    const expected = { tokens: 0, bytes: 0 };
    const windows = spreadWindows(ids.length, 8, 7);
    for (const { start } of windows) {
      for (let i = 1; i <= 8; i++) {
        expected.tokens += 1;
        expected.bytes += (ids[start + i] ?? 0) % 4;
      }
    }
    const score = await scorer.score(zero, ids, windows, bytesOf);
    expect(score).toMatchObject(expected);
    expect(natsPerToken(score)).toBeCloseTo(Math.log(11), 5);
    expect(bitsPerByte(score)).toBeCloseTo((Math.log2(11) * expected.tokens) / expected.bytes, 4);
    const all = await scorer.score(zero, ids, slidingWindows(ids.length, 8, 3), bytesOf);
    expect(all.tokens).toBe(ids.length - 1);
    expect(natsPerToken(all)).toBeCloseTo(Math.log(11), 5);
    await scorer.release();
  });
});

const run = async (changes: Partial<Omit<LoopOptions<CausalLMParams, TextBatch, SeenKeys>, "task">> = {}) => {
  const { task } = textTrainingOf(config, changes.settings ?? settings, ids, bytesOf);
  const state = await initialState(task, settings, params());
  try {
    return await trainLoop({ task, settings, state, ...changes });
  } finally {
    await task.release?.();
  }
};

describe("loop", () => {
  test("learns, and calls back in order", async () => {
    const steps: StepEvent[] = [];
    const validations: number[] = [];
    const checkpoints: number[] = [];
    const { numbers, progress, interrupted } = await run({
      events: {
        step: (event) => void steps.push(event),
        validation: ({ step }) => void validations.push(step),
        checkpoint: ({ step }) => void checkpoints.push(step),
      },
    });
    expect(interrupted).toBe(false);
    expect(progress.step).toBe(30);
    expect(steps.map((s) => s.step)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(validations).toEqual([10, 20, 30]);
    expect(checkpoints).toEqual([30]);
    expect(numbers?.["validationLoss"]).toBeLessThan(steps[0]?.loss ?? 0);
  });

  test("stops after the step in which it is asked to, with a checkpoint", async () => {
    const controller = new AbortController();
    const saved: number[] = [];
    const result = await run({
      signal: controller.signal,
      events: {
        step: ({ step }) => {
          if (step === 5) controller.abort();
        },
        checkpoint: ({ step }) => void saved.push(step),
      },
    });
    expect(result.interrupted).toBe(true);
    expect(saved).toEqual([5]);
  });

  test("a non-finite parameter is named with the step, and nothing is saved", async () => {
    const good = await textTrainingOf(config, settings).init(params());
    const values = new Float32Array(16 * 16);
    values[3] = Number.NaN;
    const layers = good.params.model.layers.map((l, i) =>
      i === 1
        ? { ...l, self_attn: { ...l.self_attn, k_proj: { weight: tensor(values, { shape: [16, 16] }) } } }
        : l,
    );
    const state: TrainState<CausalLMParams> = {
      ...good,
      params: { ...good.params, model: { ...good.params.model, layers } },
    };
    const saved: number[] = [];
    const failing = run({
      state,
      progress: { step: 12, seconds: 0 },
      advice: () => "The last good checkpoint is X.",
      events: { checkpoint: ({ step }) => void saved.push(step) },
    });
    await expect(failing).rejects.toThrow(NonFiniteError);
    await expect(failing).rejects.toThrow(
      /^train: loss and gradients must be finite, got loss NaN at step 12: parameter model\.layers\.1\.self_attn\.k_proj\.weight is not finite after an update with learning rate .*\. The last good checkpoint is X\.$/,
    );
    expect(saved).toEqual([]);
  });

  test("a learning rate that blows up stops with the tensor named", async () => {
    const wild = trainSettings({ ...settings, rate: 1e30, floor: 1e30, warmup: 0 });
    const error: unknown = await run({ settings: wild }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect((error as NonFiniteError).tensor).toMatch(/^model\./);
    expect((error as NonFiniteError).step).toBeGreaterThan(0);
  });
});

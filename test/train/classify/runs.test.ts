// Runs of classifiers: learnt, scored, stopped and gone on with bitwise, used on files without labels.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { flattenTree } from "../../../src/tensor/index.ts";
import { evalClassifier, openClassifier, predictClassifier } from "../../../src/train/node/classify-use.ts";
import { type ClassifyRequest, resumeClassify, startClassify } from "../../../src/train/node/classify.ts";
import { temporaryFolder } from "../helpers.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

/** Series of two channels and uneven lengths: class `up` rises in the second one. */
function series(count: number, from: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const n = 5 + ((i + from) % 6);
    const up = (i + from) % 2 === 0;
    const values = (f: (t: number) => number): string =>
      Array.from({ length: n }, (_, t) => f(t).toFixed(4)).join(",");
    const slope = up ? 0.5 : -0.5;
    return `${values((t) => Math.sin(t + i + from))}:${values((t) => slope * t + Math.cos(3 * i + from))}:${up ? "up" : "down"}`;
  });
}

const HEADER =
  "@problemName slopes\n@timeStamps false\n@univariate false\n@dimensions 2\n@classLabel true up down\n@data";
writeFileSync(at("slopes_TRAIN.ts"), [HEADER, ...series(24, 0)].join("\n"));
writeFileSync(at("slopes_TEST.ts.gz"), gzipSync([HEADER, ...series(10, 50)].join("\n")));
const unlabelled = series(10, 50).map((row) => row.slice(0, row.lastIndexOf(":")));
writeFileSync(at("new.ts"), [HEADER.replace("true up down", "false"), ...unlabelled].join("\n"));

const request = (run: string, more: Partial<ClassifyRequest> = {}): ClassifyRequest => ({
  files: [at("slopes_TRAIN.ts")],
  test: [at("slopes_TEST.ts.gz")],
  run: at(run),
  sizes: { width: 16, layers: 2, heads: 2 },
  ...more,
  settings: { steps: 40, batch: 8, rate: 1e-2, seed: 3, ...more.settings },
});

describe("series", () => {
  test("learnt, scored, labelled: the same from the run folder as in training", async () => {
    const seen: number[] = [];
    const result = await startClassify(request("whole"), {
      onValidation: ({ step }, { accuracy = -1 }) => seen.push(step, accuracy),
    });
    expect(result).toMatchObject({
      steps: 40,
      interrupted: false,
      trainCases: 24,
      heldCases: 10,
      mixer: "rtf",
    });
    expect(result.accuracy).toBeGreaterThanOrEqual(0.9);
    expect(seen.slice(-2)).toEqual([40, result.accuracy]);
    for (const name of ["loss.svg", "accuracy.svg", "confusion.svg", "result.json", "metrics.jsonl"])
      expect(existsSync(join(at("whole"), name)), name).toBe(true);
    const scores = await evalClassifier(at("whole"), [at("slopes_TEST.ts.gz")]);
    expect(scores.accuracy).toBe(result.accuracy);
    expect(scores.loss).toBeCloseTo(result.loss ?? -1, 6);
    const { predictions, classes } = await predictClassifier(at("whole"), [at("new.ts")]);
    expect(classes).toEqual(["up", "down"]);
    const right = predictions.filter(({ label }, i) => label === (i % 2 === 0 ? "up" : "down"));
    expect(right.length / 10).toBe(result.accuracy);
    expect(predictions[0]?.where).toBe(`${at("new.ts")}, line 7`);
    for (const { probabilities = [] } of predictions)
      expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
  }, 60_000);

  test("stopped and gone on with, it ends bitwise as if never stopped", async () => {
    const small = { settings: { steps: 12, checkpointEvery: 100 }, noise: 0.1, mixer: "rnn" };
    await startClassify(request("straight", small));
    const stop = new AbortController();
    const half = await startClassify(request("stopped", small), {
      signal: stop.signal,
      onStep: ({ step }) => step === 5 && stop.abort(),
    });
    expect(half).toMatchObject({ interrupted: true, steps: 5, accuracy: null, loss: null });
    const later = await resumeClassify(at("stopped"));
    expect(later.steps).toBe(12);
    const [a, b] = [await openClassifier(at("straight")), await openClassifier(at("stopped"))];
    const [left, right] = [flattenTree(a.params), new Map(flattenTree(b.params))];
    for (const [name, t] of left) expect(await right.get(name)?.data(), name).toEqual(await t.data());
    writeFileSync(at("other.ts"), [HEADER, ...series(24, 1)].join("\n"));
    await expect(resumeClassify(at("stopped"), { files: [at("other.ts")] })).rejects.toThrow(
      "must be those it began with",
    );
  }, 60_000);

  test("without a test part a share of every class is held out, by the seed alone", async () => {
    const files = {
      files: [at("slopes_TRAIN.ts")],
      run: at("held"),
      sizes: { width: 8, layers: 1, heads: 2 },
    };
    const result = await startClassify({ ...files, mixer: "linear", settings: { steps: 2, batch: 4 } });
    expect(result).toMatchObject({ trainCases: 20, heldCases: 4 });
    expect(result.confusion?.map((row) => row.reduce((a, b) => a + b, 0))).toEqual([2, 2]);
  }, 60_000);

  test("what is wrong is told before anything is trained", async () => {
    const refused = (name: string, more: Partial<ClassifyRequest>) =>
      expect(startClassify(request(name, more))).rejects;
    await refused("r1", { mixer: "rtf:state=64" }).toThrow(
      "classifier: layer 0: rtf attention needs a length above its state of 64, got 10. Lower state, or give a length.",
    );
    writeFileSync(at("class.ts"), [HEADER.replace("up down", "up down flat"), "1,2:3,4:flat"].join("\n"));
    await refused("r2", { test: [at("class.ts")] }).toThrow('got "flat", which no training example has.');
    writeFileSync(at("gap.ts"), [HEADER, "1,?:3,4:up"].join("\n"));
    await refused("r3", { test: [at("gap.ts")] }).toThrow("Say what stands there with --missing");
    await refused("r4", { maps: [{ type: "monarch", blocks: 5, match: "mlp.*" }] }).toThrow(
      "blocks=5 must divide",
    );
    writeFileSync(at("one.jsonl"), '{"series": [1, 2], "label": "up"}');
    await refused("r5", { test: [at("one.jsonl")] }).toThrow("must hold series of 2 channels");
    expect(existsSync(at("r1"))).toBe(false);
    await expect(evalClassifier(at("held"), [at("new.ts")])).rejects.toThrow("must have a label, got none");
    await expect(evalClassifier(folder, [at("new.ts")])).rejects.toThrow("must be the folder of a run");
  });
});

test("sequences of one place", async () => {
  const rows = Array.from(
    { length: 12 },
    (_, i) => `${i % 2 === 0 ? 1 : -1}.${i}:${i % 2 === 0 ? "up" : "down"}`,
  );
  const header = HEADER.replace("@univariate false\n@dimensions 2", "@univariate true");
  writeFileSync(at("short.ts"), [header, ...rows].join("\n"));
  const one = (name: string, mixer: string) =>
    startClassify({ ...request(name), files: [at("short.ts")], test: [at("short.ts")], mixer });
  expect((await one("rnn-1", "rnn")).accuracy).toBe(1);
  await expect(one("rtf-1", "rtf")).rejects.toThrow("needs a length above its state of 1, got 1");
}, 60_000);

test("numbers are predicted in their own unit", async () => {
  const rows = Array.from({ length: 40 }, (_, i) => {
    const level = 100 + 30 * Math.sin(1.7 * i);
    const values = Array.from({ length: 6 }, (_, t) => (level / 50 + 0.1 * Math.cos(t + i)).toFixed(4));
    return `${values.join(",")}:${level.toFixed(2)}`;
  });
  const header = "@problemName levels\n@timeStamps false\n@univariate true\n@targetLabel true\n@data";
  writeFileSync(at("levels_TRAIN.ts"), [header, ...rows.slice(0, 30)].join("\n"));
  writeFileSync(at("levels_TEST.ts"), [header, ...rows.slice(30)].join("\n"));
  const files = { files: [at("levels_TRAIN.ts")], test: [at("levels_TEST.ts")] };
  const result = await startClassify(request("levels", { ...files, mixer: "rnn", settings: { steps: 80 } }));
  expect(result.accuracy).toBeNull();
  expect(result.rSquared).toBeGreaterThan(0.9);
  expect(result.rootMeanSquare).toBeLessThan(10);
  expect(existsSync(join(at("levels"), "numbers.svg"))).toBe(true);
  const { predictions } = await predictClassifier(at("levels"), [at("levels_TEST.ts")]);
  const truth = rows.slice(30).map((row) => Number(row.split(":")[1]));
  const squares = predictions.map(({ label }, i) => (Number(label) - (truth[i] ?? 0)) ** 2);
  expect(Math.sqrt(squares.reduce((a, b) => a + b) / 10)).toBeCloseTo(result.rootMeanSquare ?? -1, 4);
}, 60_000);

test("texts of a table, with a tokenizer that the run keeps", async () => {
  const rows = Array.from({ length: 24 }, (_, i) =>
    i % 2 === 0 ? `yes\tgood day number ${i}` : `no\tbad night ${i}`,
  );
  writeFileSync(at("texts.tsv"), `${rows.join("\n")}\n`);
  const result = await startClassify(
    request("texts", {
      files: [at("texts.tsv")],
      test: [at("texts.tsv")],
      tokenizer: "chars",
      mixer: "dense",
    }),
  );
  expect(result.accuracy).toBeGreaterThan(0.9);
  expect(JSON.parse(readFileSync(join(at("texts"), "config.json"), "utf8"))).toMatchObject({
    tokenizer: "chars",
  });
  writeFileSync(at("lines.jsonl"), '{"text": "good day"}\n{"text": "bad night"}\n');
  const { predictions } = await predictClassifier(at("texts"), [at("lines.jsonl")]);
  expect(predictions.map(({ label }) => label)).toEqual(["yes", "no"]);
}, 60_000);

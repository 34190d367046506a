// The examples run as a user runs them, through the package's own name.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { result as trained } from "../examples/train.ts";
import { bestFirstStep, hessianVector } from "../examples/curvature.ts";
import { deer } from "../examples/deer.ts";
import { fsqDigits } from "../examples/fsq-digits.ts";
import { rationalKernel } from "../examples/rational-kernel.ts";
import { sentenceVae } from "../examples/sentence-vae.ts";

test("a rational transfer function's kernel by FFT equals its recurrence", async () => {
  const { kernel, output, uncorrected } = await rationalKernel();
  expect(kernel).toBeLessThan(1e-12);
  expect(output).toBeLessThan(1e-12);
  // Leaving the truncation of the kernel out of account shows at poles this near the circle.
  expect(uncorrected).toBeGreaterThan(0.1);
});

test("DEER equals the loop, gradients included, in few rounds", async () => {
  const { rounds, states, gradient } = await deer();
  expect(rounds).toBeLessThanOrEqual(10);
  expect(states).toBeLessThan(1e-12);
  expect(gradient).toBeLessThan(1e-12);
});

test("a Hessian-vector product, and the best first step that adapters of rank r can take", async () => {
  expect((await hessianVector()).relative).toBeLessThan(1e-6);
  const { residual, quadratic } = await bestFirstStep();
  expect(residual).toBeCloseTo(1, 6);
  expect(quadratic).toBeCloseTo(100, 3);
});

test("digits survive sixteen symbols, and the picture shows them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fsq-"));
  try {
    const picture = join(folder, "digits.png");
    const { error, symbols } = await fsqDigits(picture, 100);
    // Always answering the mean digit leaves 0.067.
    expect(error).toBeLessThan(0.045);
    expect(symbols).toBeGreaterThan(100);
    const png = readFileSync(picture);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([12 * 84, 2 * 84]);
    // One chunk of data after the 33 bytes of signature and header.
    expect(png.toString("latin1", 37, 41)).toBe("IDAT");
    const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)));
    expect(rows.length).toBe(2 * 84 * (12 * 84 + 1));
    expect(Math.max(...rows.subarray(0, rows.length / 2))).toBeGreaterThan(250);
    expect(Math.max(...rows.subarray(rows.length / 2))).toBeGreaterThan(150);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("sentences pass through a vector, and there is a way between two", async () => {
  const [people, things] = [
    ["he", "she", "it", "they"],
    ["sun", "moon", "sea", "rain", "wind"],
  ];
  const text = people.flatMap((who) =>
    things.flatMap((what) => [`Then ${who} saw the ${what}.`, `The ${what} and ${who} were gone.`]),
  );
  const { numbers, way } = await sentenceVae(text.join(" "), { minutes: 1, steps: 50, width: 16 });
  expect(numbers["kl"]).toBeGreaterThan(7); // the floor of γ = 0.7 in 32 dimensions is 7.8 over a batch
  expect(numbers["activeUnits"]).toBeGreaterThan(16); // of 32, over the few sentences held out
  expect(way.length).toBe(5);
  for (const line of way) expect(line).toMatch(/^[a-z ]+$/);
});

test.each(["curvature", "deer", "fsq-digits", "rational-kernel", "sentence-vae"])(
  "%s is under a hundred lines",
  (name) => {
    const file = join(import.meta.dirname, `../examples/${name}.ts`);
    expect(readFileSync(file, "utf8").split("\n").length).toBeLessThan(100);
  },
);

test("the README's model learns its sentence, and the README shows the file", () => {
  expect(trained.first).toBeGreaterThan(5);
  expect(trained.last).toBeLessThan(0.5);
  const read = (path: string): string => readFileSync(join(import.meta.dirname, "..", path), "utf8");
  const [shown = ""] = read("examples/train.ts").split("\n/** For the tests. */");
  expect(read("README.md")).toContain(shown.trim());
});

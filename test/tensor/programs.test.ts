// How many programs a compiled function has, which stay open, and which numbers make them.
import { afterEach, expect, test, vi } from "vitest";
import { OptionError } from "../../src/errors.ts";
import { compile, random, type Tensor, tensor, zeros } from "../../src/tensor/index.ts";
import { boundedPrograms, numberWatch } from "../../src/tensor/programs.ts";

afterEach(() => void vi.restoreAllMocks());

test("traces counts programs: one per signature, none for other elements", async () => {
  const fn = compile((x: Tensor, by: number) => x.mul(by));
  expect(fn.traces).toBe(0);
  await fn(tensor([1, 2]), 2);
  await fn(tensor([3, 4]), 2);
  expect(fn.traces).toBe(1);
  await fn.prepare(tensor([1, 2]), 3);
  await fn(tensor([1]), 2);
  expect(fn.traces).toBe(3);
  await fn.release();
});

test("the programs used last stay open, and one pushed out is traced again", async () => {
  const fn = compile((x: Tensor, by: number) => x.mul(by), { programs: 2 });
  const x = tensor([1, 2]);
  for (const by of [1, 2, 1, 3, 1]) expect(await (await fn(x, by)).toArray()).toEqual([by, 2 * by]);
  // 3 pushed 2 out, not 1.
  expect(fn.traces).toBe(3);
  await fn(x, 2);
  expect(fn.traces).toBe(4);
  await fn.release();
});

test("a program that calls still use is freed after them", async () => {
  const freed: string[] = [];
  const programs = boundedPrograms<string>(1, async (p) => void freed.push(p));
  let finish = (): void => undefined;
  const long = programs.use(
    "a",
    () => Promise.resolve("A"),
    () => new Promise<void>((done) => (finish = done)),
  );
  await programs.use(
    "b",
    () => Promise.resolve("B"),
    () => Promise.resolve(),
  );
  expect(freed).toEqual([]);
  finish();
  await long;
  await Promise.resolve();
  expect(freed).toEqual(["A"]);
  await expect(
    programs.use(
      "c",
      () => Promise.reject(new Error("no")),
      () => Promise.resolve(),
    ),
  ).rejects.toThrow("no");
  expect(
    await programs.use(
      "c",
      () => Promise.resolve("C"),
      (p) => Promise.resolve(p),
    ),
  ).toBe("C");
  await programs.clear();
  expect(freed).toEqual(["A", "B", "C"]);
});

test("many calls at once through few programs all come back", async () => {
  const fn = compile((x: Tensor, by: number) => x.mul(by), { programs: 2 });
  const x = tensor([1]);
  const all = await Promise.all([1, 2, 3, 4, 1, 2, 3, 4].map(async (by) => (await fn(x, by)).item()));
  expect(all).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  await fn.release();
});

test("the tenth program that differs in one number is told of, with the argument's name", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const scale = (x: Tensor, o: { by: number; plus: number }): Tensor => x.mul(o.by).add(o.plus);
  const fn = compile(scale);
  const x = tensor([1]);
  for (let i = 1; i <= 9; i++) await fn(x, { by: i, plus: 0 });
  expect(warn).not.toHaveBeenCalled();
  for (let i = 10; i <= 12; i++) await fn(x, { by: i, plus: 0 });
  expect(warn.mock.calls).toEqual([
    [
      "compile: argument 1.by of scale must not change often, got 10 as its tenth value: each makes a program of its own. Pass tensor(10), and one program takes them all.",
    ],
  ]);
  expect(fn.traces).toBe(12);
  await fn.release();
});

test("numbers that change together, shapes, and tensors are not told of", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const both = numberWatch((path) => console.warn(path));
  for (let i = 0; i < 20; i++)
    both(
      [
        ["0", i],
        ["1", -i],
      ],
      "",
    );
  const fn = compile((x: Tensor, k: Tensor) => x.add(random.uniform(k, [1])));
  for (let i = 1; i <= 12; i++) await fn(zeros([i]), random.traced(random.key(i)));
  expect(warn).not.toHaveBeenCalled();
  await fn.release();
});

test("how many stay is a whole number of one or more", () => {
  expect(() => compile((x: Tensor) => x, { programs: 0 })).toThrow(
    new OptionError("compile: programs must be a whole number ≥ 1, got 0."),
  );
});

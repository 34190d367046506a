// Orders as products of two Monarch matrices.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { monarch, permutationFactors } from "../../src/structured/index.ts";
import { evaluate, matmul, tensor } from "../../src/tensor/index.ts";

/** Any order of `blocks · width` numbers. */
const orders = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
  .chain(([blocks, width]) => {
    const places = Array.from({ length: blocks * width }, (_, i) => i);
    return fc.tuple(
      fc.constant(blocks),
      fc.shuffledSubarray(places, { minLength: places.length, maxLength: places.length }),
    );
  });

describe("permutationFactors", () => {
  test("two factors put any numbers in any order, exactly", async () => {
    await fc.assert(
      fc.asyncProperty(orders, async ([blocks, order]) => {
        const [first, second] = permutationFactors(order, { blocks });
        const x = tensor(Float32Array.from(order, (_, i) => 3 * i + 1));
        const y = await monarch.apply(second, monarch.apply(first, x)).data();
        expect(Array.from(y, Number)).toEqual(order.map((from) => 3 * from + 1));
      }),
      { numRuns: 25, seed: 11 },
    );
  });

  test("the product of their dense forms has a single one in every row and column", async () => {
    const order = [7, 2, 9, 4, 11, 0, 5, 10, 3, 8, 1, 6];
    const [first, second] = permutationFactors(order, { blocks: 3, dtype: "float64" });
    const { product } = await evaluate({ product: matmul(monarch.toDense(second), monarch.toDense(first)) });
    const values = Array.from(await product.data(), Number);
    expect(values).toEqual(order.flatMap((from) => order.map((_, j) => Number(j === from))));
  });

  test.each<[string, readonly number[], number, string]>([
    ["a number twice", [0, 1, 1, 3], 2, "order must hold each of 0 to 3 once, got 0, 1, 1, 3."],
    ["a number beyond the end", [0, 1, 2, 4], 2, "order must hold each of 0 to 3 once"],
    ["blocks that do not divide", [2, 1, 0], 2, "blocks must divide the 3 numbers, got 2."],
    ["no blocks", [1, 0], 0, "blocks must divide the 2 numbers, got 0."],
  ])("%s is refused", (_, order, blocks, sentence) => {
    expect(() => permutationFactors(order, { blocks })).toThrow(sentence);
  });
});

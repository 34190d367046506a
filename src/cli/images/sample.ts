// athanor images sample: new pictures.
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { random, tensor } from "../../tensor/index.ts";
import { captionIds, promptIds } from "../../train/images/captions.ts";
import { bytesOfPixels } from "../../train/images/images.ts";
import type { ImageSpace, Wish } from "../../train/images/method.ts";
import { sheetOf } from "../../train/images/sheet.ts";
import { printJson, say } from "../command.ts";
import { count, notNegative, positive, whole } from "../numbers.ts";
import { openFor } from "./open.ts";

interface Flags {
  readonly prompt?: string;
  readonly label?: string;
  readonly out: string;
  readonly count: number;
  readonly seed: number;
  readonly temperature?: number;
  readonly guidance?: number;
  readonly steps?: number;
  readonly json?: boolean;
}

const HELP = `
Examples:
  athanor images sample runs/… --count 12
  athanor images sample runs/… --label seven --out sevens.png
  athanor images sample runs/… --prompt "grinning face" --guidance 2`;

export function define(command: Command): void {
  command
    .description("draw new pictures with a trained model")
    .argument("<run>", "folder of a run")
    .option("-p, --prompt <text>", "what pictures are to show, in words of the training's captions")
    .option("--label <class>", "class of the pictures (default: each in turn)")
    .option("--out <file>", "where to draw", "sample.png")
    .option("--count <n>", "how many", count, 24)
    .option("--seed <n>", "decides what is drawn", whole, 0)
    .option("--temperature <t>", "how freely", notNegative)
    .option("--guidance <g>", "strength of guidance by what is said, for models that know it", positive)
    .option("--steps <n>", "steps of the sampler, for models that take them", count)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const { method, config, space, params } = await openFor(path, "sampler", "draw");
  const said = saidOf(flags, space);
  const sampler = method.sampler?.(config.method, space, {});
  if (sampler === undefined) throw new Error("a run that can draw has a sampler");
  const { temperature, guidance, steps } = flags;
  const wish: Wish = {
    count: flags.count,
    key: random.fold(random.key(flags.seed), "sample"),
    ...said.wish,
    ...(temperature !== undefined && { temperature }),
    ...(guidance !== undefined && { guidance }),
    ...(steps !== undefined && { steps }),
  };
  try {
    const pixels = await sampler.draw(params, wish);
    await writeFileAtomic(flags.out, await sheetOf([await bytesOfPixels(pixels)], space));
  } finally {
    await sampler.release();
  }
  say(`${flags.count} pictures. Drawn: ${flags.out}`);
  if (flags.json === true) printJson({ run: path, out: flags.out, seed: flags.seed, said: said.words });
}

/** What each picture is to show. */
function saidOf(
  { prompt, label, count: N }: Flags,
  space: ImageSpace,
): { readonly wish: Pick<Wish, "labels" | "captions">; readonly words: readonly string[] } {
  const { classes, words, captionLength: L } = space;
  if (label !== undefined && !classes.includes(label)) {
    throw new OptionError(
      `images: --label must be one of ${classes.length === 0 ? "no classes" : classes.join(", ")}, got "${label}".`,
    );
  }
  if (prompt !== undefined && words.length === 0) {
    throw new OptionError("images: --prompt needs a model that was trained on captions, got one without.");
  }
  const names = Array.from({ length: N }, (_, i) => label ?? classes[i % Math.max(1, classes.length)] ?? "");
  const labels = Int32Array.from(names, (name) => classes.indexOf(name));
  const rows = Array.from({ length: N }, (_, i) => {
    if (prompt !== undefined) return promptIds(prompt, space);
    return captionIds([classes.length === 0 ? "" : (names[i] ?? "")], space);
  });
  const captions = new Int32Array(N * L);
  rows.forEach((row, i) => captions.set(row, i * L));
  return {
    wish: {
      ...(classes.length > 0 && { labels: tensor(labels) }),
      ...(words.length > 0 &&
        (prompt !== undefined || classes.length > 0) && { captions: tensor(captions, { shape: [N, L] }) }),
    },
    words: names.map((name) => prompt ?? name),
  };
}

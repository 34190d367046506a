// Options that say how pictures are read, shared by the verbs that read data.
import { type Command, Option } from "commander";
import { OptionError } from "../../errors.ts";
import type { Fit } from "../../train/images/picture.ts";
import type { Captions, ReadImages } from "../../train/images/read.ts";
import { between, count } from "../numbers.ts";

/** As commander hands them over. */
export interface ReadingOptions {
  readonly size?: number;
  readonly channels?: string;
  readonly fit?: Fit;
  readonly background?: number;
  readonly captions?: Captions;
  readonly classes?: string;
  readonly limit?: number;
}

/** Names of the classes of Fashion-MNIST, in its order. */
const CLOTHES = "t shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,ankle boot";

/** Adds them to a command. */
export function readingOptions(command: Command): Command {
  return command
    .option("--size <n>", "side in pixels that pictures are brought to (default: their own)", count)
    .addOption(
      new Option("--channels <n>", "1 grey, 3 colours (default: as the pictures are)").choices(["1", "3"]),
    )
    .addOption(
      new Option("--fit <how>", "cover cuts, contain adds background, stretch").choices([
        "cover",
        "contain",
        "stretch",
      ]),
    )
    .option("--background <n>", "behind transparent places, 0 black to 255 white", between(0, 255))
    .addOption(
      new Option("--captions <from>", "lines of a .jsonl, names of files, none").choices([
        "lines",
        "names",
        "none",
      ]),
    )
    .option(
      "--classes <names>",
      "names of the labels of idx files, with commas, or clothes (default: zero, one, …)",
    )
    .option("--limit <n>", "read only so many pictures", count);
}

/** How data are read. */
export function readingOf({ channels, classes, ...options }: ReadingOptions): ReadImages {
  const names = (classes === "clothes" ? CLOTHES : classes)?.split(",").map((name) => name.trim());
  if (names?.includes("")) {
    throw new OptionError(`images: --classes must name every class, got "${classes}".`);
  }
  const { size, fit, background, captions, limit } = options;
  return {
    ...(size !== undefined && { size }),
    ...(fit !== undefined && { fit }),
    ...(background !== undefined && { background }),
    ...(captions !== undefined && { captions }),
    ...(limit !== undefined && { limit }),
    ...(channels !== undefined && { channels: channels === "1" ? (1 as const) : (3 as const) }),
    ...(names && { classes: names }),
  };
}

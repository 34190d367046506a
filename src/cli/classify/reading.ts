// Options that say how files of sequences are read; the same for every verb.
import { type Command, Option } from "commander";
import { MISSING, type Missing } from "../../train/classify/cases.ts";
import type { TableReading } from "../../train/classify/table-cases.ts";

export interface ReadingFlags {
  readonly label?: string;
  readonly text?: string;
  readonly series?: string;
  readonly ignore?: readonly string[];
  readonly header?: boolean;
  readonly missing?: Missing;
}

export const READING_HELP = `
Files (also as .gz):
  .ts          as the UCR and UEA archives have them: one or several channels, even or uneven lengths, ? where a value
               is missing, classes or (targetLabel) numbers; no timestamps
  .csv, .tsv   a row is a label and a series of one channel, or a label and a text; with --series COLUMN a row is one
               moment, rows of one name in that column are a series, the other columns its channels
  .jsonl       {"text": "…", "label": "…"} or {"series": [[…], […]], "label": "…"}, one list a channel
`;

/** Adds the options. */
export function addReading(command: Command): Command {
  return command
    .option("--label <column>", "of tables: name or number of the column of labels, or none")
    .option("--text <column>", "of tables: the column of texts")
    .option("--series <column>", "of tables: which series a row belongs to; rows are moments")
    .option("--ignore <column...>", "of tables: columns to leave out, such as times")
    .option("--header", "the first line of a table names its columns (default: if it looks like it)")
    .option("--no-header", "the first line of a table is a row")
    .addOption(
      new Option("--missing <how>", "what stands for missing values: refuse, linear, mean").choices(MISSING),
    );
}

/** What the flags say of tables. */
export function readingOf({ label, text, series, ignore, header }: ReadingFlags): TableReading {
  return {
    ...(label !== undefined && { label }),
    ...(text !== undefined && { text }),
    ...(series !== undefined && { series }),
    ...(ignore !== undefined && { ignore }),
    ...(header !== undefined && { header }),
  };
}

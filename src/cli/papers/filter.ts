// Options that narrow a list.
import type { Command } from "commander";
import type { Filter } from "../../papers/index.ts";

export interface FilterOptions {
  readonly category?: string;
  readonly from?: string;
  readonly to?: string;
  readonly venue?: string;
}

/** Adds `--category`, `--from`, `--to` and `--venue`. */
export function withFilterOptions(command: Command): Command {
  return command
    .option("--category <expression>", "such as cs.AI+cs.LG-cs.CY")
    .option("--from <day>", "first day, YYYY-MM-DD")
    .option("--to <day>", "last day, YYYY-MM-DD")
    .option("--venue <name>", "conference or journal");
}

/** The filter that the options ask for. */
export function filterOf({ category, from, to, venue }: FilterOptions): Filter {
  return {
    ...(category !== undefined && { categories: category }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(venue !== undefined && { venue }),
  };
}

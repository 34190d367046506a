// What columns of a table are called, as an option says it.
import { OptionError } from "../../errors.ts";
import type { Columns } from "../../train/examples.ts";
import type { Parse } from "../numbers.ts";

const OURS = ["text", "prompt", "completion", "messages", "choices"] as const;

/** `prompt=question,completion=answer`. */
export const columnsOf: Parse<Columns> = (text) =>
  Object.fromEntries(
    text.split(",").map((part) => {
      const [ours = "", theirs = ""] = part.split(/=(.*)/s).map((word) => word.trim());
      if (!OURS.some((name) => name === ours) || theirs === "") {
        throw new OptionError(
          `--columns must be ours=theirs of ${OURS.join(", ")}, got "${part}". Write prompt=question.`,
        );
      }
      return [ours, theirs];
    }),
  );

import type { Paper } from "../../papers/index.ts";

/** Prints a paper in two lines: identifier and title, then authors, categories and day. */
export function showPaper({ id, title, authors, categories, announced }: Paper): void {
  const names =
    authors.length > 4
      ? `${authors.slice(0, 3).join(", ")} and ${authors.length - 3} more`
      : authors.join(", ");
  process.stdout.write(
    `${id}  ${title}\n    ${[names, categories.join(" "), announced].filter(Boolean).join(" · ")}\n`,
  );
}

// Colours and letters of every picture. Ink on paper of its own, so that it reads the same on light and dark pages.

export const PAPER = "#fffdf9";
/** Where a field of cells is empty. */
export const FIELD = "#f4eee4";
export const INK = "#2b2622";
/** Axes, values, words beside the point: 4.5 to 1 on paper. */
export const FAINT = "#6f675f";
export const RULE = "#e7e0d6";

/** One ink a series, in this order; neighbours differ in lightness as well as in hue. */
export const INKS: readonly string[] = [
  "#b4541a",
  "#1f5f8b",
  "#6b7f59",
  "#8c3b6e",
  "#c79a2b",
  "#3f8f86",
  "#5b4a91",
  "#a33f3f",
  "#4d4d4d",
  "#7a9e2f",
];

/** The ink of series `i`. */
export function inkOf(i: number): string {
  return INKS[i % INKS.length] ?? INK;
}

/** Serif, with faces that have Chinese, Japanese and Korean. */
export const FONT = "Georgia, 'Times New Roman', 'Noto Serif CJK SC', 'Noto Serif SC', 'Songti SC', serif";

// One axis for every chart: where values stand, which are written, the rules across the plot.
import { FAINT, RULE } from "./palette.ts";
import { at, type Extent, sideways, word, written } from "./svg.ts";

/** Where the plot stands on its sheet. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A straight map from values to pixels; a domain of one value lies at its beginning. */
export function scale([from, to]: Extent, [a, b]: Extent): (value: number) => number {
  const span = to - from || 1;
  return (value) => a + ((value - from) / span) * (b - a);
}

/** `domain` with a margin, so that nothing touches the edge. */
export function widened([from, to]: Extent, share = 0.05): Extent {
  const margin = Math.max(1e-9, (to - from) * share);
  return [from - margin, to + margin];
}

/** Values at the left with rules across the plot, and the axis' name. */
export function valueAxis(
  plot: Plot,
  y: (value: number) => number,
  values: readonly number[],
  name: string,
): string[] {
  return [
    ...values.map(
      (value) =>
        `<path d="M${plot.left} ${at(y(value))}H${plot.right}" stroke="${RULE}"/>${word(plot.left - 9, y(value) + 4, written(value), { anchor: "end", colour: FAINT })}`,
    ),
    name === "" ? "" : sideways(20, (plot.top + plot.bottom) / 2, name),
  ];
}

/** Values below the plot with the axis' name. */
export function baseAxis(
  plot: Plot,
  x: (value: number) => number,
  values: readonly number[],
  name: string,
): string[] {
  return [
    `<path d="M${plot.left} ${plot.bottom}H${plot.right}" stroke="${FAINT}"/>`,
    ...values.map((value) =>
      word(x(value), plot.bottom + 21, value.toLocaleString("en-GB"), { anchor: "middle", colour: FAINT }),
    ),
    word((plot.left + plot.right) / 2, plot.bottom + 44, name, { anchor: "middle", colour: FAINT }),
  ];
}

/** A line through points, as one path. */
export function stroke(
  points: readonly (readonly [x: number, y: number])[],
  colour: string,
  dash = "",
): string {
  if (points.length === 0) return "";
  const path = points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${at(x)} ${at(y)}`).join("");
  const dashed = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed} stroke-linejoin="round" stroke-linecap="round"/>`;
}

// Several lines over one axis, as one self-contained SVG.
import { baseAxis, type Plot, scale, stroke, valueAxis, widened } from "./axis.ts";
import { inkOf, INKS } from "./palette.ts";
import { at, EDGE, type Heading, sheet, ticks, TOP, WIDTH, widthOf, word } from "./svg.ts";

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart extends Heading {
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** Default linear. `log2` marks every point's x. */
  readonly xScale?: "linear" | "log2";
  /** Values above are drawn at the upper edge; default: the largest. */
  readonly yMost?: number;
}

const HEIGHT = 540;
const LEFT = 84;
const DASHES = ["", "7 4", "2 4"];
/** A series of more points is a curve and has no dots. */
const DOTS = 20;

/** Draws the lines with their names at their right ends, kept apart. */
export function lineChart(chart: LineChart): string {
  // Room for the longest name at the right.
  const names = Math.max(...chart.series.map(({ name }) => widthOf(name)));
  const plot: Plot = {
    left: LEFT,
    right: WIDTH - Math.min(420, names + 24) - EDGE,
    top: TOP,
    bottom: HEIGHT - 66,
  };
  const series = chart.series.map(({ name, points }) => ({
    name,
    points: points.filter(([, value]) => Number.isFinite(value)),
  }));
  const all = series.flatMap(({ points }) => points);
  const most = chart.yMost ?? Math.max(...all.map(([, value]) => value));
  const domain = widened([Math.min(...all.map(([, value]) => value)), most]);
  const place = chart.xScale === "log2" ? Math.log2 : (value: number) => value;
  const places = all.map(([value]) => place(value));
  const along = scale([Math.min(...places), Math.max(...places)], [plot.left, plot.right]);
  const x = (value: number): number => along(place(value));
  const up = scale(domain, [plot.bottom, plot.top]);
  const y = (value: number): number => up(Math.min(value, domain[1]));
  const marks =
    chart.xScale === "log2"
      ? [...new Set(all.map(([value]) => value))].sort((a, b) => a - b)
      : ticks([Math.min(...places), Math.max(...places)], 8);
  const lines = series.map(({ points }, i) => {
    const drawn = points.map(([a, b]) => [x(a), y(b)] as const);
    const dots = drawn.length > DOTS ? [] : drawn.map(([a, b]) => dot(a, b, inkOf(i)));
    return stroke(drawn, inkOf(i), DASHES[Math.floor(i / INKS.length) % DASHES.length]) + dots.join("");
  });
  const ends = apart(
    series.map(({ name, points }, i) => ({ name, i, y: y(points.at(-1)?.[1] ?? domain[0]) })),
    [plot.top, plot.bottom],
  );
  return sheet(chart, HEIGHT, [
    ...valueAxis(plot, y, ticks(domain, 6), chart.y),
    ...baseAxis(plot, x, marks, chart.x),
    ...lines,
    ...ends.map(
      (end) =>
        `<path d="M${plot.right + 4} ${at(end.y)}L${plot.right + 18} ${at(end.to)}" stroke="${inkOf(end.i)}" fill="none"/>${word(plot.right + 22, end.to + 4, end.name, { colour: inkOf(end.i) })}`,
    ),
  ]);
}

function dot(x: number, y: number, colour: string): string {
  return `<circle cx="${at(x)}" cy="${at(y)}" r="2.8" fill="${colour}"/>`;
}

interface End {
  readonly name: string;
  readonly i: number;
  readonly y: number;
}

/** Moves names apart so that none covers another. */
function apart(ends: readonly End[], [top, bottom]: readonly [number, number]): (End & { to: number })[] {
  const gap = 17;
  const sorted = ends.map((end) => ({ ...end, to: Math.max(end.y, top) })).sort((a, b) => a.y - b.y);
  sorted.forEach((end, i) => {
    const above = sorted[i - 1];
    if (above) end.to = Math.max(end.to, above.to + gap);
  });
  for (let i = sorted.length - 1, limit = bottom + 10; i >= 0; i--, limit -= gap) {
    const end = sorted[i];
    if (end) end.to = Math.min(end.to, limit);
  }
  return sorted;
}

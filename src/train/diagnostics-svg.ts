// The lower part of loss.svg where a training measured its updates: cosines, changes of the loss, the largest embedding.
import { scale, stroke } from "../draw/axis.ts";
import { FAINT, inkOf, RULE } from "../draw/palette.ts";
import { at, type Extent, sideways, word, written } from "../draw/svg.ts";
import type { Metric } from "./metrics.ts";

/** Where the plot lies on the sheet. */
export interface DiagnosticsFrame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  /** Place of a step. */
  readonly x: (step: number) => number;
}

const [PANEL, GAP] = [96, 36];
/** Curves are drawn through at most this many means of neighbouring steps. */
const POINTS = 320;

interface Curve {
  readonly name: string;
  readonly says: string;
}

const PANELS: readonly { readonly title: string; readonly curves: readonly Curve[] }[] = [
  {
    title: "cosine",
    curves: [
      { name: "cosine", says: "of update and gradient: whole" },
      { name: "cosineLeast", says: "least of a block" },
      { name: "cosineLargest", says: "largest" },
    ],
  },
  {
    title: "change of the loss",
    curves: [
      { name: "predictedChange", says: "change of the loss: predicted" },
      { name: "actualChange", says: "actual" },
    ],
  },
  { title: "embedding", curves: [{ name: "largestEmbedding", says: "largest embedding entry" }] },
];

/** Panels that have something to show. */
function panelsOf(metrics: readonly Metric[]): typeof PANELS {
  return PANELS.map(({ title, curves }) => ({
    title,
    curves: curves.filter(({ name }) => metrics.some((m) => Number.isFinite(m[name]))),
  })).filter(({ curves }) => curves.length > 0);
}

/** Height that `diagnosticsPicture` takes: 0 where nothing was measured. */
export function diagnosticsHeight(metrics: readonly Metric[]): number {
  return panelsOf(metrics).length * (PANEL + GAP);
}

/** One panel below another. */
export function diagnosticsPicture(metrics: readonly Metric[], frame: DiagnosticsFrame): string {
  return panelsOf(metrics)
    .map((panel, i) => drawn(panel, metrics, frame, frame.top + i * (PANEL + GAP) + GAP))
    .join("\n");
}

function drawn(
  { title, curves }: (typeof PANELS)[number],
  metrics: readonly Metric[],
  { left, right, x }: DiagnosticsFrame,
  top: number,
): string {
  const found = curves.map(({ name, says }) => ({ says, points: means(metrics, name) }));
  const values = found.flatMap(({ points }) => points.map(([, v]) => v));
  // The first steps of a training may be far off the rest.
  const later = found.flatMap(({ points }) =>
    points.slice(Math.floor(points.length * 0.03)).map(([, v]) => v),
  );
  const [low, high] = [Math.min(...later, Math.max(...values) > 0 ? 0 : Infinity), Math.max(...later, 0)];
  const domain: Extent = high > low ? [low, high] : [low - 1, high + 1];
  const y = scale(domain, [top + PANEL, top]);
  const inside = (v: number): number => y(Math.min(domain[1], Math.max(domain[0], v)));
  let across = left;
  return [
    ...found.map(({ says }, i) => {
      const entry = `<path d="M${at(across)} ${top - 12}h18" stroke="${inkOf(i)}" stroke-width="3"/>${word(across + 24, top - 8, says)}`;
      across += 60 + 7 * says.length;
      return entry;
    }),
    ...domain.map(
      (v) =>
        `<path d="M${left} ${at(y(v))}H${right}" stroke="${RULE}"/>${word(left - 8, y(v) + 4, written(v), { anchor: "end", colour: FAINT })}`,
    ),
    ...found.map(({ points }, i) =>
      stroke(
        points.map(([step, v]) => [x(step), inside(v)]),
        inkOf(i),
      ),
    ),
    sideways(20, top + PANEL / 2, title === "change of the loss" ? "change" : title),
  ].join("\n");
}

/** Means of a number over neighbouring steps. */
function means(metrics: readonly Metric[], name: string): (readonly [step: number, value: number])[] {
  const known = metrics.flatMap((m) => {
    const value = m[name];
    return Number.isFinite(value) ? [[m.step, Number(value)] as const] : [];
  });
  const size = Math.ceil(known.length / POINTS);
  const out: (readonly [number, number])[] = [];
  for (let i = 0; i < known.length; i += size) {
    const part = known.slice(i, i + size);
    const of = (k: 0 | 1): number => part.reduce((sum, p) => sum + p[k], 0) / part.length;
    out.push([of(0), of(1)]);
  }
  return out;
}

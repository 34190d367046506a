// The curve of fastest descent: closed form, direct solver, straight line, Galileo's arc, and light through layers.
import { lineChart } from "../../draw/line-chart.ts";
import {
  brachistochrone as cycloid,
  circleArc,
  fall,
  fastestDescent,
  lineTime,
  refraction,
  tautochroneTime,
  timeAlong,
} from "../../numeric/index.ts";
import type { Entry } from "../entry.ts";

interface BrachistochroneSettings {
  readonly X: number;
  readonly Y: number;
  /** Pieces of polylines and slices of glass, each twice the one before. */
  readonly pieces: readonly number[];
}

export interface BrachistochroneRow {
  readonly X: number;
  readonly Y: number;
  readonly pieces: number;
  readonly cycloid: number;
  readonly line: number;
  readonly arc: number;
  readonly polyline: number;
  readonly light: number;
  /** From the middle of the cycloid's fall to its lowest place over the time from its beginning, by the polyline of the arc. */
  readonly tautochrone: number;
}

const numbered = (rows: readonly BrachistochroneRow[]): BrachistochroneRow[][] =>
  [...new Set(rows.map((r) => `${r.X} ${r.Y}`))].map((end) => rows.filter((r) => `${r.X} ${r.Y}` === end));

/** Times from two places of a cycloid to its lowest, over the published π√(R/g); 1 for both where it is a tautochrone. */
function fromTheMiddle(radius: number, pieces: number): number {
  const speed = fall();
  // From the angle of half a turn to a whole one, the fall beginning at rest there.
  const begin = Math.PI / 2;
  const at = (angle: number): readonly [number, number] => [
    radius * (angle - Math.sin(angle) - (begin - Math.sin(begin))),
    radius * (Math.cos(begin) - Math.cos(angle)),
  ];
  // Graded towards the beginning, where the ball is slow.
  const places = Array.from({ length: pieces + 1 }, (_, i) =>
    at(begin + (Math.PI - begin) * (i / pieces) ** 2),
  );
  return timeAlong(places, speed) / tautochroneTime(radius);
}

const order = (errors: readonly number[]): number | null => {
  const [first, last] = [errors[0], errors.at(-1)];
  if (first === undefined || last === undefined || errors.length < 2) return null;
  return Math.log2(first / last) / (errors.length - 1);
};
const orders = (
  rows: readonly BrachistochroneRow[],
  of: (row: BrachistochroneRow) => number,
): (number | null)[] => numbered(rows).map((own) => order(own.map((r) => of(r) - r.cycloid)));

export const brachistochrone: Entry<BrachistochroneSettings, BrachistochroneRow> = {
  name: "brachistochrone",
  row: "brachistochrone",
  claim: {
    en: "The curve of fastest descent is the cycloid, as light bent through thin layers shows.",
    zh: "最速降线是摆线：光在薄层中的折射即可说明。",
  },
  source: { says: "Su 2010, The brachistochrone; Bernoulli 1697", links: ["https://kexue.fm/archives/1107"] },
  needs: [],
  minutes: { quick: 0.1, full: 0.2 },
  seeds: [0],
  settings: {
    smallest: [{ X: 1, Y: 1, pieces: [16, 32] }],
    quick: [{ X: 1, Y: 1, pieces: [32, 64, 128] }],
    full: [
      [1, 1],
      [1, 2],
      [3, 1],
      [5, 1],
    ].map(([X = 1, Y = 1]) => ({ X, Y, pieces: [32, 64, 128, 256, 512] })),
  },
  rules: [
    {
      says: {
        en: "No polyline is faster than the cycloid, and the solver's come as near to it as the square of their pieces (order 1.8 or more).",
        zh: "没有折线快于摆线，且数值解以折线段数的平方逼近它（阶数不低于 1.8）。",
      },
      holds: (rows) =>
        rows.every((r) => r.polyline >= r.cycloid * (1 - 1e-12)) &&
        orders(rows, (r) => r.polyline).every((n) => n === null || n >= 1.8),
      shows: (rows) =>
        orders(rows, (r) => r.polyline)
          .map((n) => n?.toFixed(2) ?? "–")
          .join(", "),
    },
    {
      says: {
        en: "Light through n layers takes the cycloid's time as n grows (order 1 or more).",
        zh: "光穿过 n 层所需的时间随 n 增大趋于摆线的时间（阶数不低于 1）。",
      },
      holds: (rows) => orders(rows, (r) => r.light).every((n) => n === null || n >= 0.95),
      shows: (rows) =>
        orders(rows, (r) => r.light)
          .map((n) => n?.toFixed(2) ?? "–")
          .join(", "),
    },
    {
      says: {
        en: "Galileo's arc lies between the cycloid and the straight line.",
        zh: "伽利略的圆弧介于摆线与直线之间。",
      },
      holds: (rows) => rows.every((r) => r.cycloid < r.arc && r.arc < r.line),
      shows: (rows) =>
        numbered(rows)
          .map(([r]) =>
            r === undefined ? "" : `${r.cycloid.toFixed(4)} < ${r.arc.toFixed(4)} < ${r.line.toFixed(4)}`,
          )
          .join(", "),
    },
    {
      says: {
        en: "The fall to the lowest place takes π√(R/g) from the middle of the arc too (to a thousandth).",
        zh: "从弧的中段落到最低点同样需要 π√(R/g)（千分之一以内）。",
      },
      holds: (rows) => rows.filter((r) => r.pieces >= 128).every((r) => Math.abs(r.tautochrone - 1) < 1e-3),
      direction: (rows) => rows.every((r) => Math.abs(r.tautochrone - 1) < 0.02),
      shows: (rows) => Math.max(...rows.map((r) => Math.abs(r.tautochrone - 1))).toExponential(1),
    },
  ],
  run({ X, Y, pieces }, _, { report }) {
    const curve = cycloid(X, Y);
    return Promise.resolve(
      pieces.map((count) => {
        const row = {
          X,
          Y,
          pieces: count,
          cycloid: curve.time,
          line: lineTime(X, Y),
          arc: timeAlong(circleArc(X, Y, 512), fall()),
          polyline: fastestDescent(X, Y, fall(), { pieces: count }).time,
          light: refraction(X, Y, count).time,
          tautochrone: fromTheMiddle(curve.radius, count),
        };
        report(
          `(${X}, ${Y}), ${count} pieces: ${row.polyline.toFixed(8)}, cycloid ${row.cycloid.toFixed(8)}`,
        );
        return row;
      }),
    );
  },
  figures(rows) {
    const lines = numbered(rows).flatMap((own) => {
      const end = `(${own[0]?.X}, ${own[0]?.Y})`;
      const errors = (of: (row: BrachistochroneRow) => number): [number, number][] =>
        own.map((r) => [r.pieces, Math.log10(Math.max(1e-12, of(r) - r.cycloid))]);
      return [
        { name: `solver to ${end}`, points: errors((r) => r.polyline) },
        { name: `light to ${end}`, points: errors((r) => r.light) },
      ];
    });
    const figure = lineChart({
      title: "How fast the cycloid is approached",
      subtitle: "log10 of the time above the cycloid's",
      x: "pieces or layers",
      y: "log10 of the excess",
      xScale: "log2",
      series: lines.slice(0, 6),
    });
    return { "brachistochrone-orders.svg": figure };
  },
};

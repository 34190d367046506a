// What a trained classifier gets right, as pictures: a table of confusions, numbers beside their predictions, the road there.
import { scale, valueAxis, baseAxis, widened, type Plot } from "../../draw/axis.ts";
import { lineChart } from "../../draw/line-chart.ts";
import { FAINT, FIELD, INK, inkOf, PAPER } from "../../draw/palette.ts";
import {
  at,
  EDGE,
  escapeXml,
  type Heading,
  sheet,
  sideways,
  ticks,
  TOP,
  WIDTH,
  widthOf,
  word,
} from "../../draw/svg.ts";
import type { Metric } from "../metrics.ts";

const TABLE_MOST = 560;
const CELL_MOST = 72;
/** Names of classes are written up to this width, and cells with their numbers from this size on. */
const NAME_MOST = 190;
const CELL_WRITTEN = 18;

/** Rows are true classes, columns what was said; darker cells hold a larger share of their row. */
export function confusionPicture(
  confusion: readonly (readonly number[])[],
  classes: readonly string[],
  heading: Heading,
): string {
  const K = classes.length;
  const names = classes.map((name) => (widthOf(name) > NAME_MOST ? `${name.slice(0, 24)}…` : name));
  const room = Math.min(NAME_MOST, Math.max(...names.map((name) => widthOf(name)))) + 12;
  // Cells are as wide as the sheet allows.
  const [wide, cell] = [(WIDTH - 2 * EDGE - room - 24) / K, Math.min(CELL_MOST, TABLE_MOST / K)];
  const [left, top] = [EDGE + 24 + room, TOP + 34];
  const parts = confusion.flatMap((row, i) => {
    const total = row.reduce((a, b) => a + b, 0);
    return row.map((count, j) => {
      const share = total === 0 ? 0 : count / total;
      const [x, y] = [left + j * wide, top + i * cell];
      const box = `<rect x="${at(x)}" y="${at(y)}" width="${at(wide - 1.5)}" height="${at(cell - 1.5)}" fill="${inkOf(i === j ? 1 : 0)}" fill-opacity="${share.toFixed(3)}"/>`;
      const number =
        count > 0 && Math.min(wide, cell) >= CELL_WRITTEN
          ? word(x + wide / 2, y + cell / 2 + 4, String(count), {
              anchor: "middle",
              size: Math.min(15, cell / 2.2),
              colour: share > 0.55 ? PAPER : INK,
            })
          : "";
      return box + number;
    });
  });
  const bottom = top + K * cell;
  // Names that do not fit below their columns read upwards.
  const flat = names.every((name) => widthOf(name) < wide - 6);
  return sheet(heading, Math.ceil(bottom + 24 + (flat ? 16 : room)), [
    `<rect x="${at(left)}" y="${at(top)}" width="${at(K * wide - 1.5)}" height="${at(K * cell - 1.5)}" fill="${FIELD}"/>`,
    ...parts,
    ...names.map((name, k) => word(left - 8, top + (k + 0.5) * cell + 4, name, { anchor: "end" })),
    ...names.map((name, k) =>
      flat
        ? word(left + (k + 0.5) * wide, bottom + 18, name, { anchor: "middle" })
        : `<text transform="translate(${at(left + (k + 0.5) * wide + 4)} ${at(bottom + 10)}) rotate(-90)" text-anchor="end" fill="${INK}">${escapeXml(name)}</text>`,
    ),
    sideways(EDGE + 6, top + (K * cell) / 2, "true class"),
    word(left, top - 12, "what the model says", { colour: FAINT }),
  ]);
}

/** Predictions over the numbers that were to be predicted; right ones lie on the line. */
export function numbersPicture(truth: ArrayLike<number>, said: ArrayLike<number>, heading: Heading): string {
  const plot: Plot = { left: 84, right: WIDTH - EDGE, top: TOP, bottom: 520 };
  const all = [...Array.from(truth), ...Array.from(said)];
  const domain = widened([Math.min(...all), Math.max(...all)]);
  const x = scale(domain, [plot.left, plot.right]);
  const y = scale(domain, [plot.bottom, plot.top]);
  const points = Array.from(
    truth,
    (value, i) =>
      `<circle cx="${at(x(value))}" cy="${at(y(said[i] ?? 0))}" r="3" fill="${inkOf(1)}" fill-opacity="0.6"/>`,
  );
  return sheet(heading, 586, [
    ...valueAxis(plot, y, ticks(domain, 6), "predicted"),
    ...baseAxis(plot, x, ticks(domain, 8), "true"),
    `<path d="M${at(x(domain[0]))} ${at(y(domain[0]))}L${at(x(domain[1]))} ${at(y(domain[1]))}" stroke="${inkOf(0)}" stroke-dasharray="7 4"/>`,
    ...points,
  ]);
}

/** A number of the validations by step; nothing where there was none. */
export function curvePicture(
  metrics: readonly Metric[],
  name: string,
  label: string,
  heading: Heading,
): string | undefined {
  const points = metrics.flatMap((m) => {
    const value = m[name];
    return value === undefined || !Number.isFinite(value) ? [] : [[m.step, value] as const];
  });
  if (points.length === 0) return undefined;
  return lineChart({ ...heading, x: "steps", y: label, series: [{ name: "held out", points }] });
}

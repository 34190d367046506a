// Several lines over one axis, as one self-contained SVG.
import { escapeXml, ticks } from "./svg.ts";

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly subtitle?: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** Default linear. `log2` marks every point's x. */
  readonly xScale?: "linear" | "log2";
  /** Values above are drawn at the upper edge; default: the largest. */
  readonly yMost?: number;
}

const WIDTH = 960;
const HEIGHT = 540;
const MARGIN = { left: 72, top: 72, bottom: 62 };
const INKS = [
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
const DASHES = ["", "7 4", "2 4"];

/** Draws the lines with their names at their right ends, kept apart. */
export function lineChart(chart: LineChart): string {
  // Room for the longest name at the right.
  const longest = Math.max(...chart.series.map((s) => s.name.length));
  const BOX = { ...MARGIN, right: Math.min(420, 40 + 7 * longest) };
  const all = chart.series.flatMap((s) => s.points).filter((p) => Number.isFinite(p[1]));
  const xs = all.map((p) => p[0]);
  const most = chart.yMost ?? Math.max(...all.map((p) => p[1]));
  const least = Math.min(...all.map((p) => p[1]));
  const pad = Math.max(1e-9, (most - least) * 0.05);
  const y0 = least - pad;
  const y1 = most + pad;
  const u = (x: number): number => (chart.xScale === "log2" ? Math.log2(x) : x);
  const [xa, xb] = [Math.min(...xs.map(u)), Math.max(...xs.map(u))];
  const px = (x: number): number =>
    BOX.left + ((u(x) - xa) / (xb - xa || 1)) * (WIDTH - BOX.left - BOX.right);
  const py = (y: number): number =>
    HEIGHT - BOX.bottom - ((Math.min(y, y1) - y0) / (y1 - y0)) * (HEIGHT - BOX.top - BOX.bottom);
  const xMarks = chart.xScale === "log2" ? [...new Set(xs)].sort((a, b) => a - b) : ticks([xa, xb], 8);
  const labels = spread(
    chart.series.map((s, i) => {
      const last = s.points.findLast((p) => Number.isFinite(p[1])) ?? [0, y0];
      return { name: s.name, y: py(last[1]), i };
    }),
  );
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="Georgia, 'Times New Roman', 'Noto Serif CJK SC', serif" font-size="13" role="img" aria-label="${escapeXml(chart.title)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="10" fill="#fffdf9"/>`,
    text(BOX.left, 32, chart.title, `font-size="19" font-weight="bold" fill="#2b2622"`),
    text(BOX.left, 52, chart.subtitle ?? "", `fill="#8a8178"`),
    ...ticks([y0, y1], 6).map(
      (v) =>
        `<line x1="${BOX.left}" x2="${WIDTH - BOX.right}" y1="${f(py(v))}" y2="${f(py(v))}" stroke="#e7e0d6"/>${text(BOX.left - 8, py(v) + 4, short(v), `text-anchor="end" fill="#8a8178"`)}`,
    ),
    ...xMarks.map((v) =>
      text(px(v), HEIGHT - BOX.bottom + 22, v.toLocaleString("en-GB"), `text-anchor="middle" fill="#8a8178"`),
    ),
    text((BOX.left + WIDTH - BOX.right) / 2, HEIGHT - 14, chart.x, `text-anchor="middle" fill="#8a8178"`),
    `<text transform="translate(22 ${f((HEIGHT + BOX.top - BOX.bottom) / 2)}) rotate(-90)" text-anchor="middle" fill="#8a8178">${escapeXml(chart.y)}</text>`,
    ...chart.series.map((s, i) => {
      const points = s.points
        .filter((p) => Number.isFinite(p[1]))
        .map((p) => `${f(px(p[0]))},${f(py(p[1]))}`);
      const dots = points.map(
        (p) => `<circle cx="${p.split(",")[0]}" cy="${p.split(",")[1]}" r="2.6" fill="${ink(i)}"/>`,
      );
      return `<polyline points="${points.join(" ")}" fill="none" stroke="${ink(i)}" stroke-width="2" stroke-dasharray="${dash(i)}" stroke-linejoin="round"/>${dots.join("")}`;
    }),
    ...labels.map(
      ({ name, y, at, i }) =>
        `<path d="M${WIDTH - BOX.right + 4} ${f(y)} L${WIDTH - BOX.right + 16} ${f(at)}" stroke="${ink(i)}" fill="none"/>${text(WIDTH - BOX.right + 20, at + 4, name, `fill="${ink(i)}"`)}`,
    ),
    `</svg>`,
  ].join("\n")}\n`;
}

/** Moves labels apart so that none covers another. */
function spread(
  labels: { name: string; y: number; i: number }[],
): { name: string; y: number; at: number; i: number }[] {
  const gap = 17;
  const sorted = labels.map((l) => ({ ...l, at: l.y })).sort((a, b) => a.y - b.y);
  sorted.forEach((l, i) => {
    const above = sorted[i - 1];
    if (above) l.at = Math.max(l.at, above.at + gap);
  });
  for (let i = sorted.length - 1, limit = HEIGHT - MARGIN.bottom + 10; i >= 0; i--, limit -= gap) {
    const l = sorted[i];
    if (l) l.at = Math.min(l.at, limit);
  }
  return sorted;
}

const ink = (i: number): string => INKS[i % INKS.length] ?? "#000";
const dash = (i: number): string => DASHES[Math.floor(i / INKS.length) % DASHES.length] ?? "";
const f = (x: number): string => x.toFixed(1);
const short = (x: number): string => String(Number(x.toPrecision(4)));

function text(x: number, y: number, s: string, attributes: string): string {
  return `<text x="${f(x)}" y="${f(y)}" ${attributes}>${escapeXml(s)}</text>`;
}

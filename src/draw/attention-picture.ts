// Attention maps as one SVG: a row for each layer, a column for each head, the text along the edges of the first.
import { FAINT, FONT, INK, inkOf, PAPER, RULE } from "./palette.ts";
import { escapeXml } from "./svg.ts";

const CELL_MOST = 12;
const MAP = 150;
const GAP = 18;
const EDGE = { left: 130, top: 150 };
const LEVELS = 9;

/** What one head of a layer makes of a text. */
export interface HeadPicture {
  readonly layer: number;
  readonly head: number;
  /** Rows of weights `[T, T]`, zero above the diagonal. */
  readonly weights: Float32Array;
  /** How evenly it looks, 1 being flat, and what normal scores of the same variance would have. */
  readonly concentration: number;
  readonly ifNormal: number;
}

/** Draws `maps` of a text cut into `tokens`; darker cells are larger weights (by their square root). */
export function attentionPicture(
  maps: readonly HeadPicture[],
  tokens: readonly string[],
  title: string,
): string {
  const T = tokens.length;
  const cell = Math.min(CELL_MOST, MAP / T);
  const size = cell * T;
  const layers = [...new Set(maps.map((m) => m.layer))];
  const heads = Math.max(...maps.map((m) => m.head)) + 1;
  const width = EDGE.left + heads * (size + GAP) + 20;
  const height = EDGE.top + layers.length * (size + GAP + 16) + 20;
  const parts = maps.map((m) => {
    const x = EDGE.left + m.head * (size + GAP);
    const y = EDGE.top + layers.indexOf(m.layer) * (size + GAP + 16);
    return `<g transform="translate(${x} ${y})"><text y="-5" font-size="10" fill="${FAINT}">layer ${m.layer} · head ${m.head} · S ${m.concentration.toFixed(2)} · ${m.ifNormal.toFixed(2)}</text>${cells(m.weights, T, cell)}<rect width="${size}" height="${size}" fill="none" stroke="${RULE}" stroke-width="0.6"/></g>`;
  });
  const edge = Math.min(10, cell * 0.95);
  const labels = tokens.flatMap((t, i) => {
    const at = (i + 0.75) * cell;
    const shown = escapeXml(t.replaceAll("\n", "⏎").replaceAll(" ", "·"));
    return [
      `<text x="${EDGE.left - 6}" y="${EDGE.top + at}" text-anchor="end" font-size="${edge}" fill="${INK}">${shown}</text>`,
      `<text transform="translate(${EDGE.left + at} ${EDGE.top - 18}) rotate(-60)" font-size="${edge}" fill="${INK}">${shown}</text>`,
    ];
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${FONT}" role="img" aria-label="${escapeXml(title)}">`,
    `<rect width="${width}" height="${height}" rx="10" fill="${PAPER}"/>`,
    `<text x="24" y="34" font-size="19" font-weight="bold" fill="${INK}">${escapeXml(title)}</text>`,
    `<text x="24" y="54" font-size="12" fill="${FAINT}">rows look, columns are looked at; S is 1 for a flat row and small for one key; behind it what normal scores of the same variance would have</text>`,
    ...labels,
    ...parts,
    `</svg>`,
  ].join("\n")}\n`;
}

/** One path for each shade. */
function cells(weights: Float32Array, T: number, cell: number): string {
  const paths: string[][] = Array.from({ length: LEVELS }, () => []);
  for (let i = 0; i < T; i++) {
    for (let j = 0; j <= i; j++) {
      const level = Math.min(LEVELS, Math.round(Math.sqrt(weights[i * T + j] ?? 0) * LEVELS)) - 1;
      if (level >= 0)
        paths[level]?.push(
          `M${short(j * cell)} ${short(i * cell)}h${short(cell)}v${short(cell)}h-${short(cell)}z`,
        );
    }
  }
  return paths
    .map((d, l) =>
      d.length === 0
        ? ""
        : `<path d="${d.join("")}" fill="${inkOf(0)}" fill-opacity="${((l + 1) / LEVELS).toFixed(2)}"/>`,
    )
    .join("");
}

const short = (x: number): string => String(Math.round(x * 100) / 100);

// loss.svg: how a training went, as one self-contained picture.
import { escapeXml, ticks } from "../draw/svg.ts";
import { isStep, type Metric } from "./metrics.ts";
import type { LossWords } from "./task.ts";

const WIDTH = 960;
const HEIGHT = 560;
const LEFT = 68;
const RIGHT = 72;
/** Vertical extent of the plot of losses and of the one of learning rates below it. */
const LOSS: Extent = [64, 410];
const RATE: Extent = [444, 510];
const COLOURS = {
  train: "#b4541a",
  validation: "#1f5f8b",
  rate: "#6b7f59",
  ink: "#2b2622",
  faint: "#8a8178",
  rule: "#e7e0d6",
};
/** Curves are drawn through at most this many points; each shows the mean and the range of the steps around it. */
const POINTS = 320;

type Extent = readonly [from: number, to: number];

/** What the picture says in words. */
export interface LossPictureText extends LossWords {
  readonly title: string;
  /** Below the title: model, data. */
  readonly subtitle: string;
  /** Name of the loss in the metrics; default `loss`. */
  readonly loss?: string;
}

/** A loss at a step, and the rate then. */
interface LossAt {
  readonly step: number;
  readonly loss: number;
  readonly rate: number;
}

/** A validation: the loss, and the same in another unit where there is one. */
interface Validation {
  readonly step: number;
  readonly loss: number;
  readonly second: number | undefined;
}

/**
 * The picture: training loss (range and mean of neighbouring steps), validation loss with its last value written
 * beside it in nats per token and bits per byte, and the learning rate below. Axes begin where the data do.
 * @param metrics At least one update. @returns An SVG document.
 */
export function lossPicture(metrics: readonly Metric[], text: LossPictureText): string {
  const { loss = "loss", unit, validation = "validationLoss", second } = text;
  // A loss that was not finite, and was mended, is written as null.
  const steps = metrics.filter(isStep).flatMap((m): LossAt[] => {
    const value = m[loss];
    return Number.isFinite(value) ? [{ step: m.step, loss: Number(value), rate: m.rate }] : [];
  });
  const validations = metrics.flatMap((m): Validation[] => {
    const value = m[validation];
    return Number.isFinite(value)
      ? [{ step: m.step, loss: Number(value), second: second && m[second.name] }]
      : [];
  });
  const lastStep = Math.max(1, ...metrics.slice(-1).map((m) => m.step));
  const points = summarise(steps);
  const x = scale([0, lastStep], [LEFT, WIDTH - RIGHT]);
  const domain = lossDomain(points, validations);
  const y = scale(domain, [LOSS[1], LOSS[0]]);
  const peak = Math.max(1e-12, ...steps.map((s) => s.rate));
  const r = scale([0, peak * 1.08], [RATE[1], RATE[0]]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="Georgia, 'Times New Roman', serif" font-size="13" role="img" aria-label="${escapeXml(text.title)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="10" fill="#fffdf9"/>`,
    `<clipPath id="plot"><rect x="${LEFT}" y="${LOSS[0]}" width="${WIDTH - LEFT - RIGHT + 6}" height="${LOSS[1] - LOSS[0]}"/></clipPath>`,
    label(LEFT, 30, text.title, { size: 19, weight: "bold" }),
    label(LEFT, 49, text.subtitle, { colour: COLOURS.faint }),
    legend(validations.length > 0),
    ...ticks(domain, 6).map((v) => rule(y(v), number(v))),
    ...ticks([0, lastStep], 8).map((v) =>
      label(x(v), RATE[1] + 20, v.toLocaleString("en-GB"), { anchor: "middle", colour: COLOURS.faint }),
    ),
    label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "steps", { anchor: "middle", colour: COLOURS.faint }),
    sideways(unit === undefined ? loss : `loss, ${unit}`, 20, (LOSS[0] + LOSS[1]) / 2),
    `<g clip-path="url(#plot)">`,
    area(points.map((p) => [x(p.step), y(p.low), y(p.high)])),
    line(
      points.map((p) => [x(p.step), y(p.mean)]),
      COLOURS.train,
      2,
    ),
    line(
      validations.map((v) => [x(v.step), y(v.loss)]),
      COLOURS.validation,
      2,
    ),
    ...validations.map(
      (v) =>
        `<circle cx="${at(x(v.step))}" cy="${at(y(v.loss))}" r="3.5" fill="#fffdf9" stroke="${COLOURS.validation}" stroke-width="2"/>`,
    ),
    `</g>`,
    secondAxis(validations, second?.unit, domain, y),
    finalValue(validations.at(-1), text, x, y),
    rule(r(peak), number(peak)),
    rule(r(0), "0"),
    line(
      steps
        .filter((_, i) => i % Math.ceil(steps.length / POINTS) === 0 || i === steps.length - 1)
        .map((s) => [x(s.step), r(s.rate)]),
      COLOURS.rate,
      2,
    ),
    sideways("rate", 20, (RATE[0] + RATE[1]) / 2),
    `</svg>\n`,
  ].join("\n");
}

interface Point {
  readonly step: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Neighbouring steps together. */
function summarise(steps: readonly LossAt[]): Point[] {
  const size = Math.ceil(steps.length / POINTS);
  const points: Point[] = [];
  for (let i = 0; i < steps.length; i += size) {
    const part = steps.slice(i, i + size);
    const losses = part.map((s) => s.loss);
    points.push({
      step: part.reduce((a, s) => a + s.step, 0) / part.length,
      mean: losses.reduce((a, b) => a + b, 0) / part.length,
      low: Math.min(...losses),
      high: Math.max(...losses),
    });
  }
  return points;
}

/** All losses but the first few percent of the training, when the loss falls from its start in a line. */
function lossDomain(points: readonly Point[], validations: readonly Validation[]): Extent {
  const lows = [...points.map((p) => p.low), ...validations.map((v) => v.loss)];
  const later = points.slice(Math.floor(points.length * 0.03)).map((p) => p.high);
  const high = Math.max(...later, ...validations.map((v) => v.loss));
  const low = Math.min(...lows);
  const margin = Math.max(1e-6, (high - low) * 0.06);
  return [Math.max(0, low - margin), high + margin];
}

function scale([from, to]: Extent, [a, b]: Extent): (v: number) => number {
  const span = to - from || 1;
  return (v) => a + ((v - from) / span) * (b - a);
}

function number(v: number): string {
  return v !== 0 && Math.abs(v) < 0.01
    ? v.toExponential(1).replace(".0e", "e")
    : String(Number(v.toPrecision(3)));
}

function at(v: number): string {
  return v.toFixed(1);
}

interface LabelStyle {
  readonly size?: number;
  readonly weight?: string;
  readonly colour?: string;
  readonly anchor?: "start" | "middle" | "end";
}

function label(
  x: number,
  y: number,
  text: string,
  { size = 13, weight = "normal", colour = COLOURS.ink, anchor = "start" }: LabelStyle = {},
): string {
  return `<text x="${at(x)}" y="${at(y)}" font-size="${size}" font-weight="${weight}" fill="${colour}" text-anchor="${anchor}">${escapeXml(text)}</text>`;
}

function sideways(text: string, x: number, y: number): string {
  return `<text transform="translate(${x} ${y}) rotate(-90)" text-anchor="middle" fill="${COLOURS.faint}">${escapeXml(text)}</text>`;
}

/** A horizontal rule with its value on the left. */
function rule(y: number, value: string): string {
  return `<path d="M${LEFT} ${at(y)}H${WIDTH - RIGHT}" stroke="${COLOURS.rule}"/>${label(LEFT - 8, y + 4, value, { anchor: "end", colour: COLOURS.faint })}`;
}

function line(points: readonly (readonly [number, number])[], colour: string, width: number): string {
  if (points.length === 0) return "";
  const path = points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${at(x)} ${at(y)}`).join("");
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="round"/>`;
}

/** The band between low and high. */
function area(points: readonly (readonly [x: number, low: number, high: number])[]): string {
  const there = points.map(([x, , high]) => `${at(x)} ${at(high)}`);
  const back = points.toReversed().map(([x, low]) => `${at(x)} ${at(low)}`);
  return `<path d="M${[...there, ...back].join("L")}Z" fill="${COLOURS.train}" fill-opacity="0.16"/>`;
}

/** The same heights in another unit, on the right: a fixed multiple. */
function secondAxis(
  validations: readonly Validation[],
  unit: string | undefined,
  domain: Extent,
  y: (v: number) => number,
): string {
  const last = validations.at(-1);
  if (last?.second === undefined || unit === undefined) return "";
  const factor = last.second / last.loss;
  const inside = ticks([domain[0] * factor, domain[1] * factor], 6);
  return [
    ...inside.map((v) => label(WIDTH - RIGHT + 8, y(v / factor) + 4, number(v), { colour: COLOURS.faint })),
    sideways(unit, WIDTH - 14, (LOSS[0] + LOSS[1]) / 2),
  ].join("\n");
}

function finalValue(
  last: Validation | undefined,
  { unit = "", second }: LossWords,
  x: (v: number) => number,
  y: (v: number) => number,
): string {
  if (last === undefined) return "";
  const other = second && last.second !== undefined ? ` · ${last.second.toFixed(3)} ${second.unit}` : "";
  const words = `${last.loss.toFixed(3)} ${unit}`.trim() + other;
  const above = Math.max(LOSS[0] + 16, y(last.loss) - 34);
  return label(x(last.step) - 6, above, words, { anchor: "end", colour: COLOURS.validation, weight: "bold" });
}

function legend(validated: boolean): string {
  const right = WIDTH - RIGHT;
  return [
    legendEntry(right - 260, COLOURS.train, "training"),
    validated ? legendEntry(right - 166, COLOURS.validation, "validation") : "",
    legendEntry(right - 60, COLOURS.rate, "rate"),
  ].join("\n");
}

function legendEntry(x: number, colour: string, text: string): string {
  const stroke = `stroke="${colour}" stroke-width="3" stroke-linecap="round"`;
  return `<path d="M${x} 26h22" ${stroke}/>${label(x + 28, 30, text)}`;
}

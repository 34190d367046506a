// loss.svg: how a training went, as one self-contained picture.
import { scale, stroke } from "../draw/axis.ts";
import { FAINT, FONT, inkOf, PAPER, RULE } from "../draw/palette.ts";
import { at, escapeXml, type Extent, sideways, ticks, word, written } from "../draw/svg.ts";
import { diagnosticsHeight, diagnosticsPicture } from "./diagnostics-svg.ts";
import { isStep, type Metric } from "./metrics.ts";
import type { LossWords } from "./task.ts";

const WIDTH = 960;
const HEIGHT = 560;
const LEFT = 68;
const RIGHT = 72;
/** Vertical extent of the plot of losses and of the one of learning rates below it. */
const LOSS: Extent = [64, 410];
const RATE: Extent = [444, 510];
const [TRAINING, VALIDATION, RATES] = [inkOf(0), inkOf(1), inkOf(2)];
/** Curves are drawn through at most this many points; each shows the mean and the range of the steps around it. */
const POINTS = 320;

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
 * beside it in its units, and the learning rate below. Axes begin where the data do.
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
  const height = HEIGHT + diagnosticsHeight(metrics);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="${FONT}" font-size="13" role="img" aria-label="${escapeXml(text.title)}">`,
    `<rect width="${WIDTH}" height="${height}" rx="10" fill="${PAPER}"/>`,
    `<clipPath id="plot"><rect x="${LEFT}" y="${LOSS[0]}" width="${WIDTH - LEFT - RIGHT + 6}" height="${LOSS[1] - LOSS[0]}"/></clipPath>`,
    word(LEFT, 30, text.title, { size: 19, bold: true }),
    word(LEFT, 49, text.subtitle, { colour: FAINT }),
    legend(validations.length > 0),
    ...ticks(domain, 6).map((v) => rule(y(v), written(v))),
    ...ticks([0, lastStep], 8).map((v) =>
      word(x(v), RATE[1] + 20, v.toLocaleString("en-GB"), { anchor: "middle", colour: FAINT }),
    ),
    word((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "steps", { anchor: "middle", colour: FAINT }),
    sideways(20, (LOSS[0] + LOSS[1]) / 2, unit === undefined ? loss : `loss, ${unit}`),
    `<g clip-path="url(#plot)">`,
    area(points.map((p) => [x(p.step), y(p.low), y(p.high)])),
    stroke(
      points.map((p) => [x(p.step), y(p.mean)]),
      TRAINING,
    ),
    stroke(
      validations.map((v) => [x(v.step), y(v.loss)]),
      VALIDATION,
    ),
    ...validations.map(
      (v) =>
        `<circle cx="${at(x(v.step))}" cy="${at(y(v.loss))}" r="3.5" fill="${PAPER}" stroke="${VALIDATION}" stroke-width="2"/>`,
    ),
    `</g>`,
    secondAxis(validations, second?.unit, domain, y),
    finalValue(validations.at(-1), text, x, y),
    rule(r(peak), written(peak)),
    rule(r(0), "0"),
    stroke(
      steps
        .filter((_, i) => i % Math.ceil(steps.length / POINTS) === 0 || i === steps.length - 1)
        .map((s) => [x(s.step), r(s.rate)]),
      RATES,
    ),
    sideways(20, (RATE[0] + RATE[1]) / 2, "rate"),
    diagnosticsPicture(metrics, { left: LEFT, right: WIDTH - RIGHT, top: HEIGHT, x }),
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

/** A horizontal rule with its value on the left. */
function rule(y: number, value: string): string {
  return `<path d="M${LEFT} ${at(y)}H${WIDTH - RIGHT}" stroke="${RULE}"/>${word(LEFT - 8, y + 4, value, { anchor: "end", colour: FAINT })}`;
}

/** The band between low and high. */
function area(points: readonly (readonly [x: number, low: number, high: number])[]): string {
  const there = points.map(([x, , high]) => `${at(x)} ${at(high)}`);
  const back = points.toReversed().map(([x, low]) => `${at(x)} ${at(low)}`);
  return `<path d="M${[...there, ...back].join("L")}Z" fill="${TRAINING}" fill-opacity="0.16"/>`;
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
    ...inside.map((v) => word(WIDTH - RIGHT + 8, y(v / factor) + 4, written(v), { colour: FAINT })),
    sideways(WIDTH - 14, (LOSS[0] + LOSS[1]) / 2, unit),
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
  return word(x(last.step) - 6, above, words, { anchor: "end", colour: VALIDATION, bold: true });
}

function legend(validated: boolean): string {
  const right = WIDTH - RIGHT;
  return [
    legendEntry(right - 260, TRAINING, "training"),
    validated ? legendEntry(right - 166, VALIDATION, "validation") : "",
    legendEntry(right - 60, RATES, "rate"),
  ].join("\n");
}

function legendEntry(x: number, colour: string, text: string): string {
  const stroke = `stroke="${colour}" stroke-width="3" stroke-linecap="round"`;
  return `<path d="M${x} 26h22" ${stroke}/>${word(x + 28, 30, text)}`;
}

// loss.svg: how a training went, as one self-contained picture.
import { scale, stroke } from "../draw/axis.ts";
import { FAINT, FONT, inkOf, PAPER, RULE } from "../draw/palette.ts";
import { at, escapeXml, type Extent, sideways, ticks, word, written } from "../draw/svg.ts";
import { isStep, type Metric, type StepMetric, type ValidationMetric } from "./metrics.ts";

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
export interface LossPictureText {
  readonly title: string;
  /** Below the title: model, data. */
  readonly subtitle: string;
}

/**
 * The picture: training loss (range and mean of neighbouring steps), validation loss with its last value written
 * beside it in nats per token and bits per byte, and the learning rate below. Axes begin where the data do.
 * @param metrics At least one update. @returns An SVG document.
 */
export function lossPicture(metrics: readonly Metric[], text: LossPictureText): string {
  const steps = metrics.filter(isStep);
  const validations = metrics.filter((m) => !isStep(m)) as ValidationMetric[];
  const lastStep = Math.max(1, ...metrics.slice(-1).map((m) => m.step));
  const points = summarise(steps);
  const x = scale([0, lastStep], [LEFT, WIDTH - RIGHT]);
  const domain = lossDomain(points, validations);
  const y = scale(domain, [LOSS[1], LOSS[0]]);
  const peak = Math.max(1e-12, ...steps.map((s) => s.rate));
  const r = scale([0, peak * 1.08], [RATE[1], RATE[0]]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="${FONT}" font-size="13" role="img" aria-label="${escapeXml(text.title)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="10" fill="${PAPER}"/>`,
    `<clipPath id="plot"><rect x="${LEFT}" y="${LOSS[0]}" width="${WIDTH - LEFT - RIGHT + 6}" height="${LOSS[1] - LOSS[0]}"/></clipPath>`,
    word(LEFT, 30, text.title, { size: 19, bold: true }),
    word(LEFT, 49, text.subtitle, { colour: FAINT }),
    legend(validations.length > 0),
    ...ticks(domain, 6).map((v) => rule(y(v), written(v))),
    ...ticks([0, lastStep], 8).map((v) =>
      word(x(v), RATE[1] + 20, v.toLocaleString("en-GB"), { anchor: "middle", colour: FAINT }),
    ),
    word((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "steps", { anchor: "middle", colour: FAINT }),
    sideways(20, (LOSS[0] + LOSS[1]) / 2, "loss, nats per token"),
    `<g clip-path="url(#plot)">`,
    area(points.map((p) => [x(p.step), y(p.low), y(p.high)])),
    stroke(
      points.map((p) => [x(p.step), y(p.mean)]),
      TRAINING,
    ),
    stroke(
      validations.map((v) => [x(v.step), y(v.validationLoss)]),
      VALIDATION,
    ),
    ...validations.map(
      (v) =>
        `<circle cx="${at(x(v.step))}" cy="${at(y(v.validationLoss))}" r="3.5" fill="${PAPER}" stroke="${VALIDATION}" stroke-width="2"/>`,
    ),
    `</g>`,
    bitsAxis(validations, domain, y),
    finalValue(validations.at(-1), x, y),
    rule(r(peak), written(peak)),
    rule(r(0), "0"),
    stroke(
      steps
        .filter((_, i) => i % Math.ceil(steps.length / POINTS) === 0 || i === steps.length - 1)
        .map((s) => [x(s.step), r(s.rate)]),
      RATES,
    ),
    sideways(20, (RATE[0] + RATE[1]) / 2, "rate"),
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
function summarise(steps: readonly StepMetric[]): Point[] {
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
function lossDomain(points: readonly Point[], validations: readonly ValidationMetric[]): Extent {
  const lows = [...points.map((p) => p.low), ...validations.map((v) => v.validationLoss)];
  const later = points.slice(Math.floor(points.length * 0.03)).map((p) => p.high);
  const high = Math.max(...later, ...validations.map((v) => v.validationLoss));
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

/** The same heights in bits per byte, on the right: a fixed multiple for a given tokenizer and text. */
function bitsAxis(
  validations: readonly ValidationMetric[],
  domain: Extent,
  y: (v: number) => number,
): string {
  const last = validations.at(-1);
  if (last === undefined) return "";
  const factor = last.validationBitsPerByte / last.validationLoss;
  const inside = ticks([domain[0] * factor, domain[1] * factor], 6);
  return [
    ...inside.map((v) => word(WIDTH - RIGHT + 8, y(v / factor) + 4, written(v), { colour: FAINT })),
    sideways(WIDTH - 14, (LOSS[0] + LOSS[1]) / 2, "bits per byte"),
  ].join("\n");
}

function finalValue(
  last: ValidationMetric | undefined,
  x: (v: number) => number,
  y: (v: number) => number,
): string {
  if (last === undefined) return "";
  const words = `${last.validationLoss.toFixed(3)} nats per token · ${last.validationBitsPerByte.toFixed(3)} bits per byte`;
  const above = Math.max(LOSS[0] + 16, y(last.validationLoss) - 34);
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

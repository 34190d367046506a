// `athanor solve brachistochrone`
import type { Command } from "commander";
import { racePicture } from "../../draw/race.ts";
import { OptionError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import {
  ARTICLE_GRAVITY,
  brachistochrone,
  bySpeedLaw,
  circleArc,
  clockAlong,
  cycloidPlaces,
  fall,
  fastestDescent,
  lineTime,
  parseLaw,
  type Place,
  straightLine,
  timeAlong,
} from "../../numeric/index.ts";
import { guard, printJson, say } from "../command.ts";
import { between, number, positive, read } from "../numbers.ts";

const HELP = `
X is the way across, Y the way down, both above 0. Times are in the article's units, g = ½, so that the speed at depth y
is √y; --gravity 9.81 gives seconds for metres. A law says the speed itself, from numbers, x, y, + - * / ^, sqrt, exp
and log; it has no formula, and the polyline is the answer. Source: https://kexue.fm/archives/1107

Examples:
  athanor solve brachistochrone 1 1                                     2.5819, the line takes 2.8284
  athanor solve brachistochrone 3 1 --svg race.svg                      the race of cycloid, circle and line, moving
  athanor solve brachistochrone 3 1 --law "sqrt(y - 0.2*x)" --json      with friction 0.2
  athanor solve brachistochrone 10 2 --gravity 9.81                     metres and seconds`;

interface Options {
  readonly svg?: string;
  readonly law?: string;
  readonly gravity?: number;
  readonly pieces: number;
  readonly json?: boolean;
}

export function define(command: Command): void {
  command
    .argument("<X>", "across")
    .argument("<Y>", "down")
    .option("--svg <file>", "draw the race")
    .option("--law <speed>", "the speed at (x, y), for example sqrt(y)")
    .option("--gravity <g>", "g in v² = 2gy (default: 0.5)", positive)
    .option("--pieces <n>", "straight pieces of the direct solution", between(2, 1e5), 256)
    .option("--json", "print one JSON document")
    .allowUnknownOption() // so that -5 is told from an option
    .addHelpText("after", HELP)
    .action((x: string, y: string, options: Options) => guard(() => run(x, y, options)));
}

async function run(across: string, down: string, options: Options): Promise<void> {
  const X = read("solve brachistochrone: X", number, across);
  const Y = read("solve brachistochrone: Y", number, down);
  const { law, pieces, gravity = ARTICLE_GRAVITY } = options;
  if (law !== undefined && options.gravity !== undefined) {
    throw new OptionError(
      `solve brachistochrone: --gravity must be left out beside --law, which says the speed itself, got both.`,
    );
  }
  const curve = law === undefined ? brachistochrone(X, Y, gravity) : undefined;
  const speed = law === undefined ? fall(gravity) : bySpeedLaw(parseLaw(law), law);
  const direct = fastestDescent(X, Y, speed, { pieces });
  const line = straightLine(X, Y);
  const found = {
    time: curve?.time ?? direct.time,
    theta: curve?.theta ?? null,
    radius: curve?.radius ?? null,
    lineTime: curve ? lineTime(X, Y, gravity) : timeAlong(line, speed),
    polylineTime: direct.time,
    iterations: direct.iterations,
  };
  if (curve) {
    say(`Cycloid: time ${found.time}, angle ${curve.theta}, radius ${curve.radius}.`);
    if (curve.theta > Math.PI) say(`It dips to depth ${2 * curve.radius}, below its end.`);
  }
  say(`Polyline of ${pieces} pieces: time ${direct.time}, found in ${direct.iterations} Newton steps.`);
  say(`Straight line: time ${found.lineTime}.`);
  if (options.svg !== undefined) {
    const best: [string, readonly Place[]] = curve
      ? ["cycloid", cycloidPlaces(X, Y)]
      : ["fastest polyline", direct.places];
    const runners = [
      best,
      // The circle leaves upright and may go where a law forbids.
      ...(curve ? [["circle (Galileo)", circleArc(X, Y)] as [string, readonly Place[]]] : []),
      ["straight line", line] as [string, readonly Place[]],
    ].map(([name, places]) => ({ name, places, clock: clockAlong(places, speed) }));
    const title = `Fastest descent to (${X}, ${Y})${law === undefined ? "" : `, v = ${law}`}`;
    await writeFileAtomic(options.svg, racePicture(runners, { title }));
    say(`drawn: ${options.svg}`);
  }
  if (options.json) printJson(found);
}

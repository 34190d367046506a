// The race of falls: each curve as a line and a ball that runs down it in its own time, again and again. An SVG that
// moves by itself (SMIL), and stands still where animation is not shown.
import { FAINT, inkOf, RULE } from "./palette.ts";
import { at, sheet, ticks, WIDTH, word, written } from "./svg.ts";

/** A place: across, and down. */
type Place = readonly [x: number, y: number];

/** One curve of the race: places near to one another, and when each is reached. */
export interface Runner {
  readonly name: string;
  readonly places: readonly Place[];
  readonly clock: readonly number[];
}

/** The sheet is as high as the curves ask for, up to this. */
const HIGHEST = 760;
const BOX = { left: 72, top: 84, right: 250, bottom: 40 };
/** Seconds that the slowest takes on the screen, and that all rest before they start anew. */
const LONGEST = 3;
const REST = 1.2;
/** Moments at which a ball's place is stated. */
const FRAMES = 48;

/** Draws the curves over equal axes, depth downward, with their times. @param unit What times are in. */
export function racePicture(
  runners: readonly Runner[],
  { title, unit = "" }: { title: string; unit?: string },
): string {
  const all = runners.flatMap((r) => r.places);
  const X = Math.max(...all.map(([x]) => x));
  const Y = Math.max(...all.map(([, y]) => y));
  const scale = Math.min((WIDTH - BOX.left - BOX.right) / X, (HIGHEST - BOX.top - BOX.bottom) / Y);
  const HEIGHT = Math.ceil(Math.max(BOX.top + Y * scale, BOX.top + 22 * runners.length) + BOX.bottom);
  const place = ([x, y]: Place): Place => [BOX.left + x * scale, BOX.top + y * scale];
  const longest = Math.max(...runners.map((r) => r.clock.at(-1) ?? 0));
  const parts = [
    ...ticks([0, X], 6).map((v) => {
      const [x, y] = place([v, 0]);
      return `<line x1="${at(x)}" x2="${at(x)}" y1="${at(y)}" y2="${at(BOX.top + Y * scale)}" stroke="${RULE}"/>${word(x, y - 8, written(v), { anchor: "middle", colour: FAINT })}`;
    }),
    ...ticks([0, Y], 5).map((v) => {
      const [x, y] = place([0, v]);
      return `<line x1="${at(x)}" x2="${at(BOX.left + X * scale)}" y1="${at(y)}" y2="${at(y)}" stroke="${RULE}"/>${word(x - 8, y + 4, written(v), { anchor: "end", colour: FAINT })}`;
    }),
  ];
  const order = runners.map((r, i) => ({ ...r, ink: inkOf(i) }));
  for (const { places, ink } of order) {
    const points = places.map((p) => place(p).map(at).join(",")).join(" ");
    parts.push(
      `<polyline points="${points}" fill="none" stroke="${ink}" stroke-width="2" stroke-linejoin="round"/>`,
    );
  }
  const ranked = order.toSorted((a, b) => (a.clock.at(-1) ?? 0) - (b.clock.at(-1) ?? 0));
  ranked.forEach(({ name, clock, ink }, i) => {
    const y = BOX.top + 22 * i + 4;
    const x = WIDTH - BOX.right + 36;
    parts.push(`<circle cx="${x - 14}" cy="${y - 4}" r="6" fill="${ink}"/>`);
    parts.push(word(x, y, `${name}: ${(clock.at(-1) ?? 0).toFixed(4)}${unit}`, { colour: ink }));
  });
  const total = LONGEST + REST;
  for (const { places, clock, ink } of order) {
    // One statement of places a frame; the ball waits at its end until all begin anew.
    const frames = Array.from({ length: FRAMES + 1 }, (_, i) =>
      placeAt(places, clock, (i / FRAMES) * longest),
    ).map(place);
    const times = [...frames.map((_, i) => ((i / FRAMES) * LONGEST) / total), 1];
    const last = frames.at(-1) ?? [0, 0];
    const move = (axis: 0 | 1, name: string): string =>
      `<animate attributeName="${name}" dur="${total}s" repeatCount="indefinite" keyTimes="${times.map((t) => t.toFixed(4)).join(";")}" values="${[...frames, last].map((p) => at(p[axis])).join(";")}"/>`;
    const [x, y] = frames[0] ?? [0, 0];
    parts.push(
      `<circle cx="${at(x)}" cy="${at(y)}" r="8" fill="${ink}">${move(0, "cx")}${move(1, "cy")}</circle>`,
    );
  }
  return sheet({ title }, HEIGHT, parts);
}

/** Where a runner is at a time: evenly between two places, which are dense. */
function placeAt(places: readonly Place[], clock: readonly number[], time: number): Place {
  const next = clock.findIndex((t) => t >= time);
  const [end = [0, 0]] = places.slice(-1);
  if (next < 0) return end;
  if (next === 0) return places[0] ?? end;
  const [t0, t1] = [clock[next - 1] ?? 0, clock[next] ?? 0];
  const share = t1 > t0 ? (time - t0) / (t1 - t0) : 1;
  const [[x0, y0], [x1, y1]] = [places[next - 1] ?? end, places[next] ?? end];
  return [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
}

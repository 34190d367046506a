// Pictures made larger and smaller by their definition: the mean colour of the area that a new pixel covers.

/** A function of the plane, 0 beyond `n` on an axis: which old pixel lies at `t`. */
type Line = readonly number[];

/** Mean over `[from, to]` of a line that is `background` beyond its pixels, by many thin slices. */
function areaMean(line: Line, from: number, to: number, background: number): number {
  const slices = 6000;
  let sum = 0;
  for (let i = 0; i < slices; i++) {
    const t = from + ((i + 0.5) * (to - from)) / slices;
    sum += t < 0 || t >= line.length ? background : (line[Math.floor(t)] ?? 0);
  }
  return sum / slices;
}

/** A line brought to `count` pixels: `[start, start + length)` of it is shown. */
export function shrunkLine(
  line: Line,
  start: number,
  length: number,
  count: number,
  background: number,
): number[] {
  return Array.from({ length: count }, (_, i) =>
    areaMean(line, start + (i * length) / count, start + ((i + 1) * length) / count, background),
  );
}

/** A line drawn out to `count` pixels by straight lines between the middles of its own. */
export function stretchedLine(line: Line, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const at = Math.min(line.length - 1, Math.max(0, ((i + 0.5) * line.length) / count - 0.5));
    const left = Math.floor(at);
    const right = Math.min(line.length - 1, left + 1);
    return (line[left] ?? 0) * (1 - (at - left)) + (line[right] ?? 0) * (at - left);
  });
}

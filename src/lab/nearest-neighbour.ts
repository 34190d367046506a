// One nearest neighbour by dynamic time warping: the old measure of every method on the UCR and UEA archives. Sakoe and
// Chiba 1978, https://doi.org/10.1109/TASSP.1978.1163055; of several channels as in Shokoohi-Yekta et al. 2017 (dependent),
// https://doi.org/10.1007/s10618-016-0455-0

/** A series: one array a channel. */
export type Channels = readonly Float64Array[];

const lengthOf = (series: Channels): number => series[0]?.length ?? 0;

/**
 * Least sum of squared distances over all warpings of `x` onto `y`, all channels warped alike; `best` ends it early where it is
 * sure to be more.
 */
export function warped(x: Channels, y: Channels, best: number = Infinity): number {
  const [n, m] = [lengthOf(x), lengthOf(y)];
  let before = new Float64Array(m + 1).fill(Infinity);
  before[0] = 0;
  for (let i = 0; i < n; i++) {
    const now = new Float64Array(m + 1).fill(Infinity);
    let least = Infinity;
    for (let j = 0; j < m; j++) {
      let distance = 0;
      for (const [c, channel] of x.entries()) {
        const d = (channel[i] ?? 0) - (y[c]?.[j] ?? 0);
        distance += d * d;
      }
      const cost = distance + Math.min(before[j] ?? 0, before[j + 1] ?? 0, now[j] ?? 0);
      now[j + 1] = cost;
      if (cost < least) least = cost;
    }
    if (least >= best) return Infinity;
    before = now;
  }
  return before[m] ?? Infinity;
}

/** Share of `test` whose nearest series of `train` has their label. */
export function neighbourAccuracy(
  train: readonly { readonly series: Channels; readonly label: string }[],
  test: readonly { readonly series: Channels; readonly label: string }[],
): number {
  let right = 0;
  for (const one of test) {
    let [best, label] = [Infinity, ""];
    for (const other of train) {
      const distance = warped(one.series, other.series, best);
      if (distance < best) [best, label] = [distance, other.label];
    }
    right += Number(label === one.label);
  }
  return right / test.length;
}

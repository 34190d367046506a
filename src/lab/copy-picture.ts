// How well methods copy at eight times the length of training, as bars.
import { barChart } from "../draw/bar-chart.ts";
import type { Seeded } from "./entry.ts";
import { COPY_LENGTH, type CopyRow, LONGER } from "./copy-run.ts";
import { byMethod, methodsOf } from "./methods.ts";
import { seedsOf } from "./statistics.ts";

/** Near and far copies of every method, mean over seeds. */
export function copyPicture(rows: readonly Seeded<CopyRow>[], title: string): string {
  const [near, far] = [byMethod(rows, (r) => r.near), byMethod(rows, (r) => r.far)];
  return barChart({
    title,
    subtitle: `Share of repeated tokens predicted at ${COPY_LENGTH * LONGER} after training at ${COPY_LENGTH}; ${seedsOf(rows)}`,
    most: 1,
    names: ["period 24–40", "period 90–120"],
    rows: methodsOf(rows).map((name) => ({ name, values: [near.mean(name) ?? 0, far.mean(name) ?? 0] })),
  });
}

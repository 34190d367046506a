// The best parameters of a run, and the validations that it has written down.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { filesAt } from "#files";
import { fileIn } from "../../files/folder.ts";
import { readSafetensors } from "../../files/safetensors-file.ts";
import { loadParams, saveParams } from "../../model/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { Validated } from "../best.ts";
import { readMetrics } from "./metrics.ts";

type Leaves = Readonly<Record<string, Tensor>>;

/** Its name in the run. */
const BEST = "best.safetensors";

/** Writes the best so far, whole or not at all. */
export async function writeBest(run: string, own: Leaves, { step, loss }: Validated): Promise<void> {
  await saveParams(join(run, BEST), own, { step: String(step), validationLoss: String(loss) });
}

/** Of which step the best is, and its loss; nothing where there is none. */
export async function bestIn(run: string): Promise<Validated | undefined> {
  const path = join(run, BEST);
  if (!(await stat(path).catch(() => undefined))) return undefined;
  await using file = await readSafetensors(await fileIn(await filesAt("adapt", path, "file"), "adapt"));
  const { step, validationLoss } = file.metadata;
  return { step: Number(step), loss: Number(validationLoss) };
}

/** The best itself. @param like Leaves of the same names and shapes. */
export function readBest(run: string, like: Leaves): Promise<Leaves> {
  return loadParams(join(run, BEST), like);
}

/** The validations of a run, in order. */
export async function validationsOf(run: string): Promise<Validated[]> {
  return (await readMetrics(join(run, "metrics.jsonl"))).flatMap(({ step, validationLoss: loss }) =>
    loss === undefined ? [] : [{ step, loss }],
  );
}

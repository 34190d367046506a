// A run as a folder: config.json, metrics.jsonl, checkpoints/, samples.txt or samples/, loss.svg, and run.lock while
// it is in use.
import { appendFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FileError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { stepOf } from "../checkpoint.ts";
import type { Metric } from "../metrics.ts";
import type { RunStore } from "../run-store.ts";
import { textOfSample, withoutLaterSamples } from "../samples.ts";
import { listCheckpoints, loadNewest, putAside, removeLeftovers, saveCheckpoint } from "./checkpoint.ts";
import { type Lock, takeLock } from "./lock.ts";
import { appendMetrics, rewindMetrics } from "./metrics.ts";

/** Lines of metrics.jsonl are written together at most this often. */
const METRICS_EVERY_MS = 2000;

/** The run in `folder`, which is made when it is opened. */
export function folderStore(folder: string): RunStore {
  const root = resolve(folder);
  const checkpoints = join(root, "checkpoints");
  const metrics = join(root, "metrics.jsonl");
  const samples = join(root, "samples.txt");
  let lock: Lock | undefined;
  let waiting: Metric[] = [];
  let written = Date.now();
  const flush = async (): Promise<void> => {
    const lines = waiting;
    waiting = [];
    written = Date.now();
    await appendMetrics(metrics, lines);
  };
  return {
    place: root,
    async open() {
      await mkdir(checkpoints, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
        throw new FileError(`train: folder ${folder} must be writable, got ${error.code ?? error.message}.`);
      });
      lock = await takeLock(join(root, "run.lock"), root);
      await removeLeftovers(checkpoints);
      return lock.notice;
    },
    async close() {
      try {
        await flush();
      } finally {
        await lock?.release();
        lock = undefined;
      }
    },
    read: (name) => readFile(join(root, name), "utf8").catch(() => undefined),
    write: (name, content) =>
      writeFileAtomic(join(root, name), content).catch((error: NodeJS.ErrnoException) => {
        throw new FileError(
          `train: ${join(root, name)} must be writable, got ${error.code ?? error.message}.`,
          { cause: error },
        );
      }),
    async metric(line) {
      waiting.push(line);
      if (Date.now() - written > METRICS_EVERY_MS) await flush();
    },
    async sample(step, sample) {
      if ("text" in sample) await appendFile(samples, textOfSample(step, sample.text));
      else await writeFileAtomic(join(root, "samples", pngName(step)), sample.png);
    },
    async checkpoint(state, { keep, ...info }) {
      await flush();
      return saveCheckpoint(checkpoints, state, info, keep);
    },
    async newest(like) {
      const found = await loadNewest(checkpoints, like);
      await putAside(found?.damaged.map((d) => d.name) ?? []);
      return found;
    },
    holds: async () => (await listCheckpoints(checkpoints)).length > 0,
    async rewind(step, atEnd = false) {
      const text = await readFile(samples, "utf8").catch(() => "");
      const left = withoutLaterSamples(text, atEnd ? step - 1 : step);
      if (left !== text) await writeFileAtomic(samples, left);
      for (const name of await readdir(join(root, "samples")).catch(() => [])) {
        if (stepOf(name.replace(/\.png$/, ".safetensors")) > (atEnd ? step - 1 : step))
          await rm(join(root, "samples", name));
      }
      return rewindMetrics(metrics, step, atEnd);
    },
  };
}

function pngName(step: number): string {
  return `step-${String(step).padStart(8, "0")}.png`;
}

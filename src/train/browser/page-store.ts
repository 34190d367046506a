// A run in a page: the origin private file system (https://fs.spec.whatwg.org/), where a writable stream replaces its
// file as a whole when it is closed. It survives reloads; the page that trains holds a Web Lock on it.
import { OptionError } from "../../errors.ts";
import { parseSafetensors, planSafetensors, tensorBytes } from "../../files/safetensors.ts";
import {
  checkpointMetadata,
  checkpointName,
  checkpointNames,
  newestGood,
  readCheckpoint,
  stateTensors,
} from "../checkpoint.ts";
import { type Metric, withoutLater } from "../metrics.ts";
import type { RunStore } from "../run-store.ts";
import { textOfSample, withoutLaterSamples } from "../samples.ts";
import type { TrainState } from "../step.ts";

/** The run called `name` in this page's storage. */
export function pageStore(name: string): RunStore {
  const place = `the run "${name}" of this page`;
  let free: (() => void) | undefined;
  let lines: string[] = [];
  const flush = async (): Promise<void> => {
    if (lines.length === 0) return;
    const text = lines.join("");
    lines = [];
    await append(await folder(name), "metrics.jsonl", text);
  };
  return {
    place,
    async open() {
      free = await holdLock(`athanor run ${name}`);
      if (free === undefined) {
        throw new OptionError(
          `train: ${place} must be free, got another page that trains it. Close that one or choose another name.`,
        );
      }
      return undefined;
    },
    async close() {
      try {
        await flush();
      } finally {
        free?.();
        free = undefined;
      }
    },
    read: async (file) => readText(await folder(name), file),
    write: async (file, content) => write(await folder(name), file, [content]),
    async metric(line) {
      lines.push(`${JSON.stringify(line)}\n`);
    },
    async sample(step, sample) {
      if ("text" in sample) await append(await folder(name), "samples.txt", textOfSample(step, sample.text));
      else await write(await folder(name, "samples"), `step-${step}.png`, [sample.png]);
    },
    async checkpoint(state, { keep, ...info }) {
      await flush();
      const checkpoints = await folder(name, "checkpoints");
      const file = checkpointName(info.step);
      await write(checkpoints, file, await chunksOf(state, await checkpointMetadata(state, info)));
      for (const old of checkpointNames(await namesIn(checkpoints)).slice(0, -keep)) {
        await checkpoints.removeEntry(old);
      }
      return file;
    },
    async newest<P>(like: TrainState<P>) {
      const checkpoints = await folder(name, "checkpoints");
      const found = await newestGood(checkpointNames(await namesIn(checkpoints)), async (file) => {
        const bytes = new Uint8Array(
          await (await (await checkpoints.getFileHandle(file)).getFile()).arrayBuffer(),
        );
        return readCheckpoint(parseSafetensors(bytes, file), like, file);
      });
      // A page has nobody to look at a damaged file.
      for (const { name: file } of found?.damaged ?? []) await checkpoints.removeEntry(file);
      return found;
    },
    holds: async () => checkpointNames(await namesIn(await folder(name, "checkpoints"))).length > 0,
    async rewind(step, atEnd = false) {
      const at = await folder(name);
      const samples = await readText(at, "samples.txt");
      if (samples !== undefined)
        await write(at, "samples.txt", [withoutLaterSamples(samples, atEnd ? step - 1 : step)]);
      const kept = withoutLater(parseLines((await readText(at, "metrics.jsonl")) ?? ""), step, atEnd);
      await write(at, "metrics.jsonl", [kept.map((m) => `${JSON.stringify(m)}\n`).join("")]);
      return kept;
    },
  };
}

/** Removes the run called `name` with all it holds. */
export async function removePageRun(name: string): Promise<void> {
  const runs = await folder();
  await runs.removeEntry(name, { recursive: true }).catch(() => undefined);
}

async function folder(...path: readonly string[]): Promise<FileSystemDirectoryHandle> {
  let at = await navigator.storage.getDirectory();
  for (const name of ["athanor-runs", ...path]) at = await at.getDirectoryHandle(name, { create: true });
  return at;
}

/** A function that frees the lock; nothing when another page holds it. */
function holdLock(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) return resolve(undefined);
        return new Promise<void>((free) => resolve(free));
      })
      .catch(reject);
  });
}

async function namesIn(at: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const name of at.keys()) names.push(name);
  return names;
}

async function readText(at: FileSystemDirectoryHandle, name: string): Promise<string | undefined> {
  const file = await at.getFileHandle(name).catch(() => undefined);
  return (await file?.getFile())?.text();
}

async function write(
  at: FileSystemDirectoryHandle,
  name: string,
  chunks: readonly (string | Uint8Array)[],
): Promise<void> {
  const file = await (await at.getFileHandle(name, { create: true })).createWritable();
  for (const chunk of chunks) await file.write(typeof chunk === "string" ? chunk : new Uint8Array(chunk));
  await file.close();
}

async function append(at: FileSystemDirectoryHandle, name: string, text: string): Promise<void> {
  const handle = await at.getFileHandle(name, { create: true });
  const file = await handle.createWritable({ keepExistingData: true });
  await file.seek((await handle.getFile()).size);
  await file.write(text);
  await file.close();
}

/** The pieces of a checkpoint's file. */
async function chunksOf(
  state: TrainState,
  metadata: Readonly<Record<string, string>>,
): Promise<Uint8Array[]> {
  const tensors = new Map(stateTensors(state));
  const specs = new Map(
    [...tensors].map(([name, t]) => [name, { dtype: t.dtype, shape: t.shape.map(Number) }]),
  );
  const plan = planSafetensors(specs, metadata);
  const chunks = [plan.head];
  for (const name of plan.order) {
    const [t, spec] = [tensors.get(name), specs.get(name)];
    if (t !== undefined && spec !== undefined) chunks.push(tensorBytes(name, spec, await t.data()));
  }
  return chunks;
}

function parseLines(text: string): Metric[] {
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as Metric];
    } catch {
      return [];
    }
  });
}

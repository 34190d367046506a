// The folder of a training: run files, and a manifest of those that are finished, from which a killed
// training goes on.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { removeRun } from "./run-files.ts";
import type { Group } from "./shards.ts";

const MANIFEST = "manifest.json";
const STATE = /^state-[0-9a-f]{12}\.bin$/;
/** What a kill may leave behind: a run no manifest names, a file that was to replace another. */
const RUN = /^(windows|pieces)-[\w-]+\.run$/;
const HALF = /^(manifest\.json|state-[0-9a-f]{12}\.bin)\.\d+\.[0-9a-f]+\.tmp$/;

/** What the manifest holds: finished groups by task. A task is named by all that determines its counts. */
interface Manifest {
  version: 1;
  tasks: Record<string, Group[]>;
}

function isGroup(value: unknown): value is Group {
  if (typeof value !== "object" || value === null || !("shards" in value) || !("files" in value))
    return false;
  const { shards, files } = value;
  return (
    Array.isArray(shards) &&
    shards.every((s) => Number.isInteger(s)) &&
    Array.isArray(files) &&
    files.every((f) => typeof f === "string" && /^[\w-]+\.run$/.test(f))
  );
}

function readManifest(path: string): Manifest {
  const tasks: Record<string, Group[]> = {};
  if (!existsSync(path)) return { version: 1, tasks };
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof parsed !== "object" || parsed === null || !("tasks" in parsed)) throw new Error("no tasks");
    for (const [task, groups] of Object.entries(parsed.tasks ?? {})) {
      if (!Array.isArray(groups) || !groups.every(isGroup)) throw new Error(`bad groups of ${task}`);
      tasks[task] = groups;
    }
  } catch (cause) {
    throw new FileError(
      `train: ${path} must be a training's manifest, got something else. Name another directory.`,
      {
        cause,
      },
    );
  }
  return { version: 1, tasks };
}

/** Finished groups of one training folder. */
export class WorkFolder {
  readonly directory: string;
  readonly #manifest: Manifest;

  private constructor(directory: string, manifest: Manifest) {
    this.directory = directory;
    this.#manifest = manifest;
  }

  /** Opens `directory` (made if absent); drops groups whose files are gone and files no group owns. */
  static async open(directory: string): Promise<WorkFolder> {
    await mkdir(directory, { recursive: true });
    const manifest = readManifest(join(directory, MANIFEST));
    const owned = new Set<string>();
    for (const [task, groups] of Object.entries(manifest.tasks)) {
      const whole = groups.filter(({ files }) =>
        files.every((file) => (statSync(join(directory, file), { throwIfNoEntry: false })?.size ?? 0) > 0),
      );
      manifest.tasks[task] = whole;
      for (const { files } of whole) for (const file of files) owned.add(file);
    }
    for (const file of readdirSync(directory)) {
      if ((RUN.test(file) && !owned.has(file)) || HALF.test(file)) removeRun(join(directory, file));
    }
    return new WorkFolder(directory, manifest);
  }

  /** A short name for everything that determines the counts of a task. */
  static taskName(parts: readonly (string | number | boolean)[]): string {
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
  }

  /** Finished groups of `task`. */
  groups(task: string): readonly Group[] {
    return this.#manifest.tasks[task] ?? [];
  }

  /** Files of the finished groups of `task`. */
  files(task: string): string[] {
    return this.groups(task).flatMap(({ files }) => files.map((file) => join(this.directory, file)));
  }

  /** Records a finished group; it survives a kill once this resolves. */
  async add(task: string, group: Group): Promise<void> {
    (this.#manifest.tasks[task] ??= []).push(group);
    await writeFileAtomic(join(this.directory, MANIFEST), `${JSON.stringify(this.#manifest)}\n`);
  }

  /** Writes the state of a later stage. */
  async saveState(name: string, state: Uint8Array): Promise<void> {
    await writeFileAtomic(this.#stateFile(name), state);
  }

  /** What was last written under `name`, or undefined. */
  loadState(name: string): Uint8Array | undefined {
    const file = this.#stateFile(name);
    return existsSync(file) ? readFileSync(file) : undefined;
  }

  #stateFile(name: string): string {
    return join(this.directory, `state-${name}.bin`);
  }

  /** Removes all run files, states and the manifest. */
  clear(): void {
    for (const file of readdirSync(this.directory))
      if (STATE.test(file)) removeRun(join(this.directory, file));
    for (const task of Object.keys(this.#manifest.tasks)) this.files(task).forEach(removeRun);
    removeRun(join(this.directory, MANIFEST));
  }
}

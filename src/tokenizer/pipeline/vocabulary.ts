// Names and ids of a model in a tokenizer.json.
import { FileError } from "../../errors.ts";
import { type Fields, fieldsOf, refuse } from "./fields.ts";

/** Ids must lie below this: tables are as long as the largest id. */
export const MOST_IDS: number = 1 << 22;

export interface Vocabulary {
  readonly idOf: ReadonlyMap<string, number>;
  /** By id; undefined where an id has no name. */
  readonly nameOf: readonly (string | undefined)[];
}

/** Reads `vocab: { name: id }`. @throws FileError for an id that is none, too large or given twice. */
export function vocabularyOf(f: Fields): Vocabulary {
  const { of } = fieldsOf(f.of["vocab"], `${f.where}.vocab`);
  const idOf = new Map<string, number>();
  const nameOf: (string | undefined)[] = [];
  for (const [name, id] of Object.entries(of)) {
    if (!(typeof id === "number" && Number.isInteger(id) && id >= 0 && id < MOST_IDS)) {
      refuse(`${f.where}.vocab: id of "${name.slice(0, 40)}"`, `an integer from 0 to ${MOST_IDS - 1}`, id);
    }
    const other = nameOf[id];
    if (other !== undefined) {
      throw new FileError(
        `load: ${f.where}.vocab: ids must differ, got ${id} for both "${other.slice(0, 40)}" and "${name.slice(0, 40)}".`,
      );
    }
    for (let hole = nameOf.length; hole < id; hole++) nameOf.push(undefined);
    nameOf[id] = name;
    idOf.set(name, id);
  }
  return { idOf, nameOf };
}

/** `[left, right, merged]` of each merge, flat, in order of rank. Of equal pairs the last counts. */
export function mergesOf(f: Fields, { idOf }: Vocabulary, prefix = ""): Int32Array {
  const list: unknown = f.of["merges"];
  if (!Array.isArray(list)) return refuse(`${f.where}.merges`, "a list", list);
  const flat = new Int32Array(3 * list.length);
  for (const [k, merge] of (list as unknown[]).entries()) {
    const [a, b, more]: unknown[] = Array.isArray(merge) ? merge : String(merge).split(" ");
    const named = typeof a === "string" && typeof b === "string" && more === undefined;
    const left = named ? idOf.get(a) : undefined;
    const right = named ? idOf.get(b) : undefined;
    const made = named ? idOf.get(a + b.slice(prefix.length)) : undefined;
    if (left === undefined || right === undefined || made === undefined) {
      return refuse(`${f.where}: merge ${k}`, "two tokens whose join is a third", merge);
    }
    flat.set([left, right, made], 3 * k);
  }
  return withoutRepeated(flat);
}

function withoutRepeated(merges: Int32Array): Int32Array {
  const last = new Map<number, number>(); // pair → its last rank
  const key = (k: number): number => (merges[3 * k] ?? 0) * MOST_IDS + (merges[3 * k + 1] ?? 0);
  const count = merges.length / 3;
  for (let k = 0; k < count; k++) last.set(key(k), k);
  if (last.size === count) return merges;
  const kept: number[] = [];
  for (let k = 0; k < count; k++) {
    if (last.get(key(k)) === k) kept.push(...merges.subarray(3 * k, 3 * k + 3));
  }
  return Int32Array.from(kept);
}

// Names and ids of a model in a tokenizer.json.
import { FileError } from "../../errors.ts";
import { addPair, emptyPairs } from "../encode/bpe-tables.ts";
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
  for (const name of Object.keys(of)) {
    const id = of[name];
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
export function mergesOf(f: Fields, { nameOf }: Vocabulary, prefix = ""): Int32Array {
  const list: unknown = f.of["merges"];
  if (!Array.isArray(list)) return refuse(`${f.where}.merges`, "a list", list);
  const index = nameIndex(nameOf);
  const flat = new Int32Array(3 * list.length);
  // A list of 280,000 merges is the longest part of loading a file: nothing is cut, joined or hashed twice.
  for (let k = 0; k < list.length; k++) {
    const merge: unknown = list[k];
    const [a, b]: unknown[] = Array.isArray(merge) && merge.length === 2 ? merge : [merge, merge];
    let left = -1;
    let right = -1;
    let made = -1;
    if (typeof a === "string" && typeof b === "string") {
      const cut = a === merge ? a.indexOf(" ") : a.length;
      const start = a === merge ? cut + 1 : 0;
      if (a !== merge || (cut >= 0 && !a.includes(" ", start))) {
        left = idAt(index, a, cut, b, b.length);
        right = idAt(index, a, 0, b, start);
        made = idAt(index, a, cut, b, start + prefix.length);
      }
    }
    if (left < 0 || right < 0 || made < 0) {
      return refuse(`${f.where}: merge ${k}`, "two tokens whose join is a third", merge);
    }
    flat[3 * k] = left;
    flat[3 * k + 1] = right;
    flat[3 * k + 2] = made;
  }
  return withoutRepeated(flat);
}

/** Open addressing from names to ids; an empty slot is -1. */
interface NameIndex {
  readonly nameOf: readonly (string | undefined)[];
  readonly slots: Int32Array;
}

function nameIndex(nameOf: readonly (string | undefined)[]): NameIndex {
  let size = 16;
  while (size < 2 * nameOf.length) size *= 2;
  const slots = new Int32Array(size).fill(-1);
  for (let id = 0; id < nameOf.length; id++) {
    const name = nameOf[id];
    if (name === undefined) continue;
    let slot = hashOf(name, 0, name.length, FNV) & (size - 1);
    while (slots[slot] !== -1) slot = (slot + 1) & (size - 1);
    slots[slot] = id;
  }
  return { nameOf, slots };
}

/** The id of `a[0 … end)` followed by `b[from …)`, or -1. */
function idAt({ nameOf, slots }: NameIndex, a: string, end: number, b: string, from: number): number {
  const mask = slots.length - 1;
  const length = end + Math.max(0, b.length - from);
  let slot = hashOf(b, from, b.length, hashOf(a, 0, end, FNV)) & mask;
  for (;;) {
    const id = slots[slot] ?? -1;
    if (id === -1) return -1;
    const name = nameOf[id] ?? "";
    if (name.length === length && isJoin(name, a, end, b, from)) return id;
    slot = (slot + 1) & mask;
  }
}

function isJoin(name: string, a: string, end: number, b: string, from: number): boolean {
  for (let i = 0; i < end; i++) if (name.charCodeAt(i) !== a.charCodeAt(i)) return false;
  for (let i = end; i < name.length; i++) {
    if (name.charCodeAt(i) !== b.charCodeAt(from + i - end)) return false;
  }
  return true;
}

/** Fowler, Noll and Vo's hash, begun with `FNV`, over UTF-16 units. */
const FNV = 0x811c9dc5;
function hashOf(text: string, from: number, to: number, hash: number): number {
  let h = hash;
  for (let i = from; i < to; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h;
}

function withoutRepeated(merges: Int32Array): Int32Array {
  const count = merges.length / 3;
  const seen = emptyPairs(count);
  const kept: number[] = []; // from the last to the first
  for (let k = count - 1; k >= 0; k--) {
    if (addPair(seen, merges[3 * k] ?? 0, merges[3 * k + 1] ?? 0, k)) kept.push(k);
  }
  if (kept.length === count) return merges;
  const out = new Int32Array(3 * kept.length);
  kept.reverse().forEach((k, i) => out.set(merges.subarray(3 * k, 3 * k + 3), 3 * i));
  return out;
}

// Fields of JSON that people have edited: each is read with its kind, and the message names it.
import { FileError, nearest } from "../../errors.ts";
import { isRecord } from "../formats/byte-level.ts";

/** An object of a file and where it stands: `tokenizer.json: normalizer`. */
export interface Fields {
  readonly where: string;
  readonly of: Record<string, unknown>;
}

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Refuses a field. @throws FileError always. */
export function refuse(where: string, must: string, value: unknown): never {
  throw new FileError(`load: ${where} must be ${must}, got ${shown(value)}.`);
}

export function fieldsOf(value: unknown, where: string): Fields {
  return isRecord(value) ? { where, of: value } : refuse(where, "an object", value);
}

export function textField(f: Fields, key: string, fallback?: string): string {
  const value = f.of[key] ?? fallback;
  return typeof value === "string" ? value : refuse(`${f.where}.${key}`, "text", value);
}

/** Text, or undefined where it is absent or null. */
export function textOrNone(f: Fields, key: string): string | undefined {
  const value = f.of[key] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  return refuse(`${f.where}.${key}`, "text or null", value);
}

export function flagField(f: Fields, key: string, fallback: boolean): boolean {
  const value = f.of[key] ?? fallback;
  return typeof value === "boolean" ? value : refuse(`${f.where}.${key}`, "true or false", value);
}

export function countField(f: Fields, key: string, fallback?: number): number {
  const value = f.of[key] ?? fallback;
  const fits = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  return fits ? value : refuse(`${f.where}.${key}`, "an integer ≥ 0", value);
}

/** One character. */
export function characterField(f: Fields, key: string): string {
  const value = textField(f, key);
  return Array.from(value).length === 1 ? value : refuse(`${f.where}.${key}`, "one character", value);
}

export function listField(f: Fields, key: string): readonly unknown[] {
  const value: unknown = f.of[key];
  return Array.isArray(value) ? (value as unknown[]) : refuse(`${f.where}.${key}`, "a list", value);
}

/** One of `known`. */
export function choiceField<const T extends string>(
  f: Fields,
  key: string,
  known: readonly T[],
  fallback?: T,
): T {
  const value = f.of[key] ?? fallback;
  const found = known.find((k) => k === value);
  return found ?? refuse(`${f.where}.${key}`, `one of ${known.join(", ")}`, value);
}

/** Steps nest at most so deep. */
const DEEPEST = 20;

/** The step that `json` names, from a table of makers. @throws FileError for a type that has none. */
export function madeFrom<T>(
  json: unknown,
  where: string,
  makers: Readonly<Record<string, (f: Fields, depth: number) => T>>,
  depth: number,
): T {
  const f = fieldsOf(json, where);
  const type = textField(f, "type");
  if (depth > DEEPEST) refuse(where, `nested at most ${DEEPEST} deep`, type);
  const make = Object.hasOwn(makers, type) ? makers[type] : undefined;
  if (make !== undefined) return make(f, depth);
  const near = nearest(type, Object.keys(makers));
  throw new FileError(
    `load: ${where}.type must be one that gives the same ids here, got "${type}". ${near.length > 0 ? `Nearest: ${near.join(", ")}.` : `Known: ${Object.keys(makers).join(", ")}.`}`,
  );
}

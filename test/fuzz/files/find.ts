// One damaged file: it is read, or refused with a sentence; the bytes around it make no difference.
import { isDeepStrictEqual } from "node:util";
import { randomOf } from "../programs/random.ts";
import { type Format, FORMATS, isRefusal } from "./formats.ts";
import { flip, mutated } from "./mutate.ts";

/** What came of reading: a value, or a refusal. */
type Outcome = { readonly value: unknown } | { readonly refusal: string };

async function outcomeOf(format: Format, bytes: Uint8Array): Promise<Outcome> {
  try {
    return { value: await format.read(bytes) };
  } catch (error) {
    if (!isRefusal(format, error)) throw error;
    return { refusal: (error as Error).message };
  }
}

/** `bytes` in the middle of others, from `start` on. */
function within(bytes: Uint8Array, all: Uint8Array, start: number): Uint8Array {
  all.set(bytes, start);
  return all.subarray(start, start + bytes.length);
}

/** A file in memory of its own, and one as Node reads small files: a Buffer anywhere in a pool, whose `slice` is a view. */
const alone = (bytes: Uint8Array): Uint8Array => within(bytes, new Uint8Array(bytes.length + 64), 32);
const pooled = (bytes: Uint8Array): Uint8Array => within(bytes, Buffer.alloc(bytes.length + 64, 0x7b), 33);

/** The damaged file of a seed. */
export function damaged(name: string, seed: number): Uint8Array {
  const format = FORMATS[name];
  if (format === undefined) throw new Error(`no format ${name}`);
  const random = randomOf(seed);
  return format.guarded ? flip(format.good(), random) : mutated(format.good(), random);
}

/** What is wrong with how format `name` takes the damaged file of `seed`, if anything. */
export async function findFile(name: string, seed: number): Promise<string | undefined> {
  const format = FORMATS[name];
  if (format === undefined) throw new Error(`no format ${name}`);
  const bytes = damaged(name, seed);
  const shown = `${name}, seed ${seed}, ${bytes.length} bytes (base64 ${Buffer.from(bytes).toString("base64").slice(0, 400)})`;
  try {
    const [one, other] = [await outcomeOf(format, alone(bytes)), await outcomeOf(format, pooled(bytes))];
    if (!isDeepStrictEqual(one, other)) return `${shown}: the bytes around the file change what is read`;
    if (format.guarded && "value" in one && !isDeepStrictEqual(one.value, await format.read(format.good())))
      return `${shown}: a changed file is taken for another`;
    return undefined;
  } catch (error) {
    const said = error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : String(error);
    return `${shown}: ${said}`;
  }
}

// Specials of a vocabulary to be trained. Where a text spells one it is cut: what is learnt from text are pieces
// of text, and a piece spelt like a special could not be told from it in a tokenizer.json.
import { OptionError } from "../../errors.ts";
import type { TextBlock } from "./chunk.ts";
import type { Corpus } from "./corpus.ts";
import { DEFAULT_SPECIALS, type Special, type SpecialRole } from "../model.ts";
import { concatBytes } from "./nfc.ts";
import { utf8 } from "../utf8.ts";

/** A special as a trainer is asked for it. */
export interface NewSpecial {
  /** How it is written, e.g. `<|im_start|>`. */
  readonly text: string;
  /** Default `"other"`. */
  readonly role?: SpecialRole;
}

/** Specials at most: each is looked for in all of the text. */
const MOST = 1024;

/** The specials of a new vocabulary: ids from 0 on, in order. Default: `<pad>`, `<bos>`, `<eos>`. */
export function newSpecials(where: string, given?: readonly NewSpecial[]): readonly Special[] {
  if (given === undefined) return DEFAULT_SPECIALS;
  if (given.length > MOST) {
    throw new OptionError(`${where}: specials must be at most ${MOST}, got ${given.length}.`);
  }
  const texts = new Set<string>();
  const roles = new Map<SpecialRole, string>();
  return given.map(({ text, role = "other" }, id) => {
    if (typeof text !== "string" || text === "" || !text.isWellFormed()) {
      throw new OptionError(`${where}: specials must be texts, got ${JSON.stringify(text)}.`);
    }
    if (texts.has(text)) {
      throw new OptionError(`${where}: specials must differ, got ${JSON.stringify(text)} twice.`);
    }
    texts.add(text);
    const other = roles.get(role);
    if (role !== "other" && other !== undefined) {
      throw new OptionError(
        `${where}: specials must have one ${role}, got ${JSON.stringify(other)} and ${JSON.stringify(text)}.`,
      );
    }
    roles.set(role, text);
    return { id, text, role };
  });
}

/** `corpus` without what spells a special; nothing spans such a place. */
export function cutAtSpecials<C extends Corpus>(corpus: C, specials: readonly Special[]): C {
  const marks = specials.map((s) => utf8(s.text));
  if (marks.length === 0) return corpus;
  return { ...corpus, blocks: () => cutBlocks(corpus, marks) };
}

async function* cutBlocks(corpus: Corpus, marks: readonly Uint8Array[]): AsyncGenerator<TextBlock> {
  const longest = Math.max(...marks.map((m) => m.length));
  let held: Uint8Array = new Uint8Array(0); // the end of the last block, where a special may begin
  for await (const block of corpus.blocks()) {
    const bytes = held.length === 0 ? block.bytes : concatBytes([held, block.bytes]);
    // Before this place it is certain which special begins where.
    const sure = block.last ? bytes.length : Math.max(0, bytes.length - longest + 1);
    const find = finder(bytes, marks);
    let at = 0;
    for (let found = find(0); found.from < sure; found = find(at)) {
      yield { bytes: bytes.subarray(at, found.from), last: true, goesOn: true };
      at = found.to;
    }
    const end = Math.max(at, sure);
    held = block.last ? new Uint8Array(0) : bytes.slice(end); // the block is overwritten by the next
    yield { bytes: bytes.subarray(at, end), last: block.last };
  }
}

/** Finds the first mark from a place on, of several that begin there the longest; places must ascend. */
function finder(
  bytes: Uint8Array,
  marks: readonly Uint8Array[],
): (from: number) => { from: number; to: number } {
  const next = marks.map((mark) => indexOf(bytes, mark, 0));
  return (from) => {
    let best = { from: Infinity, to: Infinity };
    for (const [k, mark] of marks.entries()) {
      let at = next[k] ?? Infinity;
      if (at < from) at = next[k] = indexOf(bytes, mark, from);
      if (at < best.from || (at === best.from && at + mark.length > best.to)) {
        best = { from: at, to: at + mark.length };
      }
    }
    return best;
  };
}

/** Where `mark` first stands in `bytes` from `from` on; Infinity if nowhere. */
function indexOf(bytes: Uint8Array, mark: Uint8Array, from: number): number {
  const first = mark[0] ?? 0;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let k = 1;
    while (k < mark.length && bytes[at + k] === mark[k]) k++;
    if (k === mark.length) return at;
  }
  return Infinity;
}

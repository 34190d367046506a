// Added tokens of a tokenizer.json, and what the files say they are for.
import { FileError } from "../../errors.ts";
import type { AddedToken, Special, SpecialRole } from "../model.ts";
import { countField, fieldsOf, flagField, refuse, textField } from "../pipeline/fields.ts";
import { MOST_IDS } from "../pipeline/vocabulary.ts";
import { isRecord } from "./byte-level.ts";

export interface AddedTokens {
  readonly specials: readonly Special[];
  /** Tokens that are ordinary text: always found, always shown. */
  readonly added: readonly AddedToken[];
  /** Both, as the file lists them. */
  readonly all: readonly AddedToken[];
  /** Ids that tokenizer_config.json names, where it does. */
  readonly bos?: number;
  readonly eos?: number;
}

/** Roles by their key in tokenizer_config.json and special_tokens_map.json; the first that is there counts. */
const KEYS: readonly [key: string, role: SpecialRole][] = [
  ["bos_token", "bos"],
  ["eos_token", "eos"],
  ["pad_token", "pad"],
  ["unk_token", "unk"],
  ["cls_token", "bos"],
  ["sep_token", "eos"],
];

const USUAL: readonly [SpecialRole, RegExp][] = [
  ["pad", /^(<pad>|\[PAD\]|<\|pad\|>)$/],
  ["bos", /^(<s>|<bos>|\[CLS\]|<\|begin_of_text\|>|<\|im_start\|>|<\|startoftext\|>)$/],
  ["eos", /^(<\/s>|<eos>|\[SEP\]|<\|end_of_text\|>|<\|im_end\|>|<\|endoftext\|>)$/],
  ["unk", /^(<unk>|\[UNK\])$/],
];

/** What a special is for, guessed from how it is written; only where no file says it. */
export function usualRole(text: string): SpecialRole {
  return USUAL.find(([, pattern]) => pattern.test(text))?.[0] ?? "other";
}

/** Texts by role as tokenizer_config.json names them; undefined if it names none. */
function rolesOf(config: object): ReadonlyMap<string, SpecialRole> | undefined {
  const roles = new Map<string, SpecialRole>();
  const taken = new Set<SpecialRole>();
  const of: Record<string, unknown> = isRecord(config) ? config : {};
  const isNamed = KEYS.some(([key]) => key in of);
  for (const [key, role] of KEYS) {
    const value = of[key];
    const text = isRecord(value) ? value["content"] : value;
    // One token may be pad and eos: what ends a text matters more than what fills it.
    if (typeof text !== "string" || roles.has(text) || taken.has(role)) continue;
    roles.set(text, role);
    taken.add(role);
  }
  return isNamed ? roles : undefined;
}

/** Reads the added tokens. @throws FileError that names the one at fault. */
export function addedTokensOf(json: Record<string, unknown>, config: object, file: string): AddedTokens {
  const list: unknown = json["added_tokens"] ?? [];
  if (!Array.isArray(list)) return refuse(`${file}: added_tokens`, "a list", list);
  const model = json["model"];
  const ours = isRecord(model) && isRecord(model["athanor"]) ? model["athanor"]["roles"] : undefined;
  const own: Record<string, unknown> = isRecord(ours) ? ours : {};
  const roles = rolesOf(config);
  const specials: Special[] = [];
  const added: AddedToken[] = [];
  const all: AddedToken[] = [];
  const byId = new Map<number, string>();
  const texts = new Set<string>();
  for (const [i, entry] of (list as unknown[]).entries()) {
    const f = fieldsOf(entry, `${file}: added_tokens[${i}]`);
    const id = countField(f, "id");
    const text = textField(f, "content");
    if (id >= MOST_IDS) refuse(`${f.where}.id`, `below ${MOST_IDS}`, id);
    if (text === "") refuse(`${f.where}.content`, "a text", text);
    const other = byId.get(id);
    if (other !== undefined || texts.has(text)) {
      throw new FileError(
        `load: ${f.where} must differ from the others, got id ${id} for ${JSON.stringify(text)}${other === undefined ? ", which is there already" : ` and ${JSON.stringify(other)}`}.`,
      );
    }
    byId.set(id, text);
    texts.add(text);
    const isSpecial = flagField(f, "special", false);
    const token: AddedToken = {
      id,
      text,
      ...(flagField(f, "lstrip", false) && { lstrip: true }),
      ...(flagField(f, "rstrip", false) && { rstrip: true }),
      ...(flagField(f, "single_word", false) && { singleWord: true }),
      ...(flagField(f, "normalized", !isSpecial) && { normalized: true }),
    };
    all.push(token);
    if (!isSpecial) {
      added.push(token);
      continue;
    }
    const saved = SAVED.find((role) => role === own[id]);
    specials.push({ ...token, role: saved ?? (roles ? (roles.get(text) ?? "other") : usualRole(text)) });
  }
  const named = (key: string): number | undefined => {
    const value: unknown = isRecord(config) ? config[key] : undefined;
    const text = isRecord(value) ? value["content"] : value;
    return all.find((t) => t.text === text)?.id;
  };
  const kept = (key: "bos" | "eos"): number | undefined => {
    const id: unknown = isRecord(model) && isRecord(model["athanor"]) ? model["athanor"][key] : undefined;
    return all.find((t) => t.id === id)?.id;
  };
  const bos = kept("bos") ?? named("bos_token");
  const eos = kept("eos") ?? named("eos_token");
  return { specials, added, all, ...(bos !== undefined && { bos }), ...(eos !== undefined && { eos }) };
}

const SAVED = ["pad", "bos", "eos", "unk", "other"] as const;

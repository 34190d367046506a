// Where the tensors of a model lie in GGUF files.
import type { CausalLMConfig } from "./config.ts";
import { type GgufArchitecture, LAYER } from "./gguf-words.ts";

/** A tensor's place in a file: its name there, and where other parameters stand in the same one, its first row. */
export interface GgufPlace {
  readonly name: string;
  /** Where its rows begin, of so many in all. */
  readonly part?: { readonly first: number; readonly of: number };
}

const TOP: Readonly<Record<string, string>> = {
  "model.embed_tokens": "token_embd",
  "model.embed_positions": "position_embd",
  "model.norm": "output_norm",
  lm_head: "output",
};

/** Places of the parameters `shapes` by their names here; nothing for one that the architecture has no place for. */
export function ggufPlaces(
  { parts = {} }: GgufArchitecture,
  shapes: ReadonlyMap<string, readonly number[]>,
): Map<string, GgufPlace | undefined> {
  /** Here → there, and what stands before it in the same tensor. */
  const inner = new Map<string, { there: string; all: readonly string[] }>();
  for (const [there, here] of Object.entries({ ...LAYER, ...parts })) {
    const all = [here].flat();
    for (const part of all) inner.set(part, { there, all });
  }
  const place = (name: string): GgufPlace | undefined => {
    const [, part = "", leaf = ""] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
    const top = Object.hasOwn(TOP, part) ? TOP[part] : undefined;
    if (top !== undefined) return { name: `${top}.${leaf}` };
    const [, layer = "", own = ""] = /^model\.layers\.(\d+)\.(.*)$/.exec(part) ?? [];
    const found = inner.get(own);
    if (found === undefined) return undefined;
    const there = `blk.${layer}.${found.there}.${leaf}`;
    if (found.all.length < 2) return { name: there };
    const rows = found.all.map((each) => shapes.get(`model.layers.${layer}.${each}.${leaf}`)?.[0] ?? 0);
    const sum = (n: readonly number[]): number => n.reduce((a, b) => a + b, 0);
    return { name: there, part: { first: sum(rows.slice(0, found.all.indexOf(own))), of: sum(rows) } };
  };
  return new Map([...shapes.keys()].map((name) => [name, place(name)]));
}

/** Heads of a query or key matrix or bias, which `pairs` turns; 0 for all else. */
export function headsOf({ heads, keyValueHeads }: CausalLMConfig, name: string): number {
  if (/\.q_proj\.(?:weight|bias)$/.test(name)) return heads;
  return /\.k_proj\.(?:weight|bias)$/.test(name) ? keyValueHeads : 0;
}

// Gemma Team 2025, "Gemma 3", of its text part. https://arxiv.org/abs/2503.19786
// Gemma 2's block with norms of heads in place of caps, and another base of RoPE in layers with windows.
import type { Family, Keys } from "../family.ts";
import type { PositionSpec } from "../../position/index.ts";
import { type BesideRope, ropeKeys, specOf } from "../rope-keys.ts";
import { capOf, gemmaPositions, gemmaStored, readGemma, writeGemma } from "./gemma2.ts";
import { common, FULL, layerKinds, SLIDING } from "./layers.ts";

export const gemma3: Family = {
  type: "gemma3_text",
  architecture: "Gemma3ForCausalLM",
  ignores: ["hidden_act", "sliding_window_pattern"], // hidden_activation and layer_types count
  read(keys) {
    const sizes = { context: 131_072, keyValueHeads: 4, headWidth: 256, tieEmbeddings: true };
    const block = readGemma(keys, sizes);
    const every = keys.number("sliding_window_pattern", 6);
    const kinds = layerKinds(keys, block.layers, (i) => ((i + 1) % every === 0 ? FULL : SLIDING));
    const rope = ropeByKind(keys, block.context ?? sizes.context);
    return { ...block, headNorm: true, ...gemmaPositions(keys, kinds, rope), ...capOf(keys) };
  },
  stored: (name) => gemmaStored(name),
  write(config) {
    const block = config.headNorm ? writeGemma(config) : undefined;
    if (block === undefined) return undefined;
    const kinds = block.keys["layer_types"] as readonly string[];
    const of = (kind: string): object | undefined => {
      const spec = common(block.rope.filter((_, i) => kinds[i] === kind));
      if (spec === undefined)
        return kinds.includes(kind) ? undefined : { rope_type: "default", rope_theta: 10_000 };
      const { rope_scaling: scaling, ...keys } = ropeKeys(spec, config.context) ?? {};
      return keys["rope_theta"] === undefined
        ? undefined
        : { rope_type: "default", ...keys, ...(scaling as object | undefined) };
    };
    const [full, sliding] = [of(FULL), of(SLIDING)];
    if (full === undefined || sliding === undefined) return undefined;
    return { ...block.keys, rope_parameters: { [FULL]: full, [SLIDING]: sliding } };
  },
};

/** Numbers of RoPE by kind of layer: from `rope_parameters`, else `rope_scaling` is of the layers without windows. */
function ropeByKind(keys: Keys, context: number): (kind: string) => PositionSpec {
  const nested = keys.under("rope_parameters");
  const scaling = keys.under("rope_scaling");
  const beside = (base: number): BesideRope => ({ base, fraction: 1, original: undefined, context });
  const full = beside(keys.number("rope_theta", 1_000_000));
  const local = beside(keys.number("rope_local_base_freq", 10_000));
  const own = { [FULL]: nested?.under(FULL), [SLIDING]: nested?.under(SLIDING) };
  nested?.refuseUnread("rope by kind of layer", []);
  return (kind) =>
    kind === FULL ? specOf(scaling ?? own[FULL], full, keys.file) : specOf(own[SLIDING], local, keys.file);
}

// Bakouch et al. 2025, "SmolLM3". https://huggingface.co/blog/smollm3
// Llama's block; every fourth layer has no positions (Yang et al. 2025, https://arxiv.org/abs/2501.18795).
import { FileError, OptionError } from "../../errors.ts";
import type { Family, Keys } from "../family.ts";
import { ropeOf } from "../rope-keys.ts";
import { common, FULL, layerKinds, positions, SLIDING, windowKeys, windowsOf } from "./layers.ts";
import { readLlama, writeLlama } from "./llama.ts";

export const smollm3: Family = {
  type: "smollm3",
  architecture: "SmolLM3ForCausalLM",
  ignores: ["no_rope_layer_interval", "max_window_layers"],
  read(keys) {
    const llama = readLlama(keys, { context: 32_768, keyValueHeads: 4, tieEmbeddings: true });
    const { layers } = llama;
    const turned = turnedLayers(keys, layers);
    const width = keys.any("sliding_window") === undefined ? undefined : keys.number("sliding_window");
    const window = keys.truth("use_sliding_window", false) ? width : undefined;
    const kinds = layerKinds(keys, layers, (i) => (window !== undefined && !turned[i] ? SLIDING : FULL));
    if (window === undefined && kinds.includes(SLIDING)) {
      throw new OptionError(
        `${keys.file}: use_sliding_window must be true, with a sliding_window, where layer_types has ${SLIDING}, got neither or one.`,
      );
    }
    const rope = ropeOf(keys, [], 2_000_000)(FULL);
    return {
      ...llama,
      ...positions(
        kinds.map((kind, i) => ({
          ...(turned[i] ? rope : { type: "none" as const }),
          ...(kind === SLIDING && window !== undefined && { slidingWindow: window }),
        })),
      ),
    };
  },
  write(config) {
    const layers = windowsOf(config);
    const windows = layers && windowKeys(layers);
    if (layers === undefined || windows === undefined) return undefined;
    const rope = common(layers.map(({ position }) => position).filter(({ type }) => type !== "none"));
    if (rope?.base === undefined) return undefined;
    const { perLayer: _, ...block } = config;
    const keys = writeLlama({ ...block, position: rope });
    return (
      keys && {
        ...keys,
        no_rope_layers: layers.map(({ position }) => (position.type === "none" ? 0 : 1)),
        use_sliding_window: windows.sliding_window !== null,
        ...windows,
      }
    );
  },
};

/** Which layers have positions: 1 in `no_rope_layers` means that it has. */
function turnedLayers(keys: Keys, layers: number): readonly boolean[] {
  const interval = keys.number("no_rope_layer_interval", 4);
  const given = keys.any("no_rope_layers");
  if (given === undefined) return Array.from({ length: layers }, (_, i) => (i + 1) % interval !== 0);
  const list = keys.numbers("no_rope_layers");
  if (list.length !== layers || list.some((x) => x !== 0 && x !== 1)) {
    throw new FileError(
      `${keys.file}: no_rope_layers must be ${layers} numbers 0 or 1, got ${JSON.stringify(given)}.`,
    );
  }
  return list.map((x) => x === 1);
}

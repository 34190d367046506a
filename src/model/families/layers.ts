// Layers that differ in their positions: `layer_types` and its like, both ways.
import { OptionError } from "../../errors.ts";
import type { PositionSpec } from "../../position/index.ts";
import type { CausalLMConfig, LayerConfig } from "../config.ts";
import type { FamilyConfig, Keys } from "../family.ts";

export const FULL = "full_attention";
export const SLIDING = "sliding_attention";

/** `layer_types`, or `otherwise` for each layer. @throws OptionError for another number of them, and unknown kinds. */
export function layerKinds(
  keys: Keys,
  layers: number,
  otherwise: (layer: number) => string,
): readonly string[] {
  const kinds = keys.words("layer_types") ?? Array.from({ length: layers }, (_, i) => otherwise(i));
  if (kinds.length !== layers) {
    throw new OptionError(`${keys.file}: layer_types must have ${layers} entries, got ${kinds.length}.`);
  }
  const unknown = kinds.find((kind) => kind !== FULL && kind !== SLIDING);
  if (unknown === undefined) return kinds;
  throw new OptionError(`${keys.file}: layer_types must be ${FULL} or ${SLIDING}, got "${unknown}".`);
}

/** `position` for all layers, or one for each where they differ. */
export function positions(all: readonly PositionSpec[]): Pick<FamilyConfig, "position" | "perLayer"> {
  const [first = { type: "rope" }] = all;
  const alike = all.every((p) => JSON.stringify(p) === JSON.stringify(first));
  return {
    position: first,
    ...(!alike && { perLayer: all.map((position): LayerConfig => ({ position })) }),
  };
}

/** A layer's position without its window, and the window. */
export interface Windowed {
  readonly position: PositionSpec;
  readonly window: number | undefined;
}

/** The position and window of each layer; nothing where layers differ in more, or positions are learned. */
export function windowsOf(config: CausalLMConfig): readonly Windowed[] | undefined {
  const layers = Array.from({ length: config.layers }, (_, i): Windowed | undefined => {
    const { position = config.position, attention } = config.perLayer?.[i] ?? {};
    if (attention !== undefined || position.type === "learned") return undefined;
    const { slidingWindow: window, ...rest } = position;
    return { position: rest, window };
  });
  const known = layers.filter((layer) => layer !== undefined);
  return known.length === layers.length ? known : undefined;
}

/** The one thing that all of `values` are; nothing where they differ. */
export function common<T>(values: readonly T[]): T | undefined {
  return values.every((v) => JSON.stringify(v) === JSON.stringify(values[0])) ? values[0] : undefined;
}

/** `sliding_window` and `layer_types` of layers that share one width of windows; nothing where they do not. */
export function windowKeys(
  layers: readonly Windowed[],
): { readonly sliding_window: number | null; readonly layer_types: readonly string[] } | undefined {
  const widths = layers.flatMap(({ window }) => window ?? []);
  const width = common(widths);
  if (widths.length > 0 && width === undefined) return undefined;
  return {
    sliding_window: width ?? null,
    layer_types: layers.map(({ window }) => (window === undefined ? FULL : SLIDING)),
  };
}

// How a layer attends, as data: what a configuration file or a command line says of it.
import { checkOptions, nearest, OptionError } from "../errors.ts";

/** How a layer attends. Widths and counts in numbers of elements. */
export type AttentionConfig =
  | { readonly type: "dense" }
  /** Multi-head latent attention; `contentWidth` and `valueWidth` default to `headWidth`. */
  | {
      readonly type: "mla";
      readonly latentWidth: number;
      readonly rotaryWidth: number;
      readonly contentWidth?: number;
      readonly valueWidth?: number;
      readonly queryLatentWidth?: number;
    }
  /** Softmax over distances `0 ≤ D < window`: time linear in the text, a cache of `window` tokens. */
  | { readonly type: "window"; readonly window: number }
  /** `elu + 1` features, no softmax. */
  | { readonly type: "linear" }
  /** Random features of the softmax; `features` default `⌊D ln D⌋`. */
  | { readonly type: "performer"; readonly features?: number; readonly seed?: number }
  /** Keys snapped to `codes` learned codes a head; the last `block` tokens (default 64) carry their distance. */
  | { readonly type: "transformer-vq"; readonly codes: number; readonly block?: number };

/** Block of `transformer-vq` where none is given. */
export const VQ_BLOCK = 64;

interface Kind {
  readonly needs: readonly string[];
  readonly may: readonly string[];
  /** How positions enter where the configuration does not say. */
  readonly position: "rope" | "learned" | "none";
}

const KINDS: Readonly<Record<AttentionConfig["type"], Kind>> = {
  dense: { needs: [], may: [], position: "rope" },
  mla: {
    needs: ["latentWidth", "rotaryWidth"],
    may: ["contentWidth", "valueWidth", "queryLatentWidth"],
    position: "rope",
  },
  window: { needs: ["window"], may: [], position: "rope" },
  linear: { needs: [], may: [], position: "learned" },
  performer: { needs: [], may: ["features", "seed"], position: "learned" },
  "transformer-vq": { needs: ["codes"], may: ["block"], position: "none" },
};

/** Names of the kinds. */
export const ATTENTION_TYPES: readonly string[] = Object.keys(KINDS);

/** How positions enter a model of this attention unless it says otherwise. */
export function usualPosition({ type }: AttentionConfig): { readonly type: Kind["position"] } {
  return { type: KINDS[type].position };
}

/** @throws OptionError for an unknown kind, and for numbers that are missing, unknown or out of range. */
export function checkAttention(where: string, attention: AttentionConfig): void {
  const { type, ...numbers } = attention as { type: AttentionConfig["type"] } & Record<string, number>;
  const kind = KINDS[type] as Kind | undefined; // a configuration file may hold anything
  if (kind === undefined) {
    const near = nearest(type, ATTENTION_TYPES, 1)[0];
    throw new OptionError(
      `${where}: attention must be one of ${ATTENTION_TYPES.join(", ")}, got "${type}".${near ? ` Did you mean ${near}?` : ""}`,
    );
  }
  const { needs, may } = kind;
  checkOptions(`${where}: ${type} attention`, numbers, [...needs, ...may]);
  for (const name of needs) checkWhole(`${where}: ${type} attention`, name, numbers[name], 1);
  for (const name of may) {
    const value = numbers[name];
    if (value !== undefined) checkWhole(`${where}: ${type} attention`, name, value, name === "seed" ? 0 : 1);
  }
}

function checkWhole(where: string, name: string, value: number | undefined, least: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new OptionError(`${where}: ${name} must be a whole number ≥ ${least}, got ${value ?? "nothing"}.`);
  }
}

/**
 * An attention from text: the kind, then `field=number` after a colon, separated by commas.
 * @throws OptionError as `checkAttention`.
 * @example
 * parseAttention("transformer-vq:codes=64,block=32");
 */
export function parseAttention(text: string): AttentionConfig {
  const [type = "", rest = "", extra] = text.split(":");
  const fields = rest
    .split(",")
    .filter((part) => part !== "")
    .map((part): [string, number] => {
      const [field = "", value = ""] = part.split("=");
      const number = value.trim() === "" ? Number.NaN : Number(value);
      if (Number.isNaN(number)) {
        throw new OptionError(`attention: "${part}" of "${text}" must be field=number.`);
      }
      return [field.trim(), number];
    });
  if (extra !== undefined) {
    throw new OptionError(`attention: text must be kind:field=number,…, got "${text}".`);
  }
  const attention = { type, ...Object.fromEntries(fields) } as AttentionConfig;
  checkAttention("attention", attention);
  return attention;
}

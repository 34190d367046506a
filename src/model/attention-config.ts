// How a layer attends, as data: what a configuration file or a command line says of it.
import { nearest, OptionError } from "../errors.ts";
import { checkFields, fromText } from "./fields.ts";
import type { Mixer, State } from "./mixer.ts";
import * as all from "./mixers/all.ts";

type Kind = (typeof all)[keyof typeof all];

/** How a layer attends: one of the kinds of `mixers/all.ts`. */
export type AttentionConfig = Parameters<Kind["mix"]>[0];

/** Parameters of a layer of any kind. */
export type MixerParams = Parameters<Kind["mix"]>[2];

/** What codebooks of any kind learn from. */
export type MixerSeen = NonNullable<ReturnType<Kind["mix"]>["seen"]>;

/** Any kind, for who holds parameters that were made for this very configuration. */
export type AnyMixer = Mixer<AttentionConfig, MixerParams, State, MixerSeen>;

const ORDER: readonly AnyMixer["usualPosition"][] = ["rope", "learned", "none"];
const place = (m: AnyMixer): string => `${ORDER.indexOf(m.usualPosition)} ${m.type}`;

/** By how positions enter, then by name: a module's names have no order of their own. */
const KINDS: readonly AnyMixer[] = Object.values<AnyMixer>(all).sort((a, b) =>
  place(a) < place(b) ? -1 : 1,
);

/** Names of the kinds. */
export const ATTENTION_TYPES: readonly string[] = KINDS.map(({ type }) => type);

/** Names of the kinds whose scores can be drawn. */
export const WITH_SCORES: readonly string[] = KINDS.filter((m) => "scores" in m).map(({ type }) => type);

/** The mixer of a configuration. @throws OptionError for an unknown kind, with the nearest. */
export function mixerOf(attention: AttentionConfig, where = "causalLM"): AnyMixer {
  const type: unknown = (attention as AttentionConfig | null | undefined)?.type; // a file may hold anything
  if (typeof type !== "string") {
    throw new OptionError(`${where}: attention must have a type, got ${JSON.stringify(attention)}.`);
  }
  const kind = KINDS.find((m) => m.type === type);
  if (kind !== undefined) return kind;
  const near = nearest(type, ATTENTION_TYPES, 1)[0];
  throw new OptionError(
    `${where}: attention must be one of ${ATTENTION_TYPES.join(", ")}, got "${type}".${near ? ` Did you mean ${near}?` : ""}`,
  );
}

/** How positions enter a model of this attention unless it says otherwise. */
export function usualPosition(attention: AttentionConfig): {
  readonly type: AnyMixer["usualPosition"];
} {
  return { type: mixerOf(attention).usualPosition };
}

/** @throws OptionError for an unknown kind, and for fields that are missing, unknown or out of range. */
export function checkAttention(where: string, attention: AttentionConfig): void {
  const { needs, type } = mixerOf(attention, where);
  checkFields(`${where}: ${type} attention`, needs, attention);
}

/**
 * An attention from text: the kind, then `field=value` after a colon, separated by commas.
 * @throws OptionError as `checkAttention`.
 * @example
 * parseAttention("transformer-vq:codes=64,block=32");
 */
export function parseAttention(text: string): AttentionConfig {
  const [type = "", rest = "", extra] = text.split(":");
  const fields: Readonly<Record<string, Parameters<typeof fromText>[0]>> =
    KINDS.find((m) => m.type === type)?.needs ?? {};
  const given = rest
    .split(",")
    .filter((part) => part !== "")
    .map((part) => {
      const [name = "", text_ = ""] = part.split("=");
      const value = fromText(fields[name.trim()], text_);
      if (value === undefined) {
        throw new OptionError(`attention: "${part}" of "${text}" must be field=number.`);
      }
      return [name.trim(), value] as const;
    });
  if (extra !== undefined) {
    throw new OptionError(`attention: text must be kind:field=number,…, got "${text}".`);
  }
  const attention = { type, ...Object.fromEntries(given) } as AttentionConfig;
  checkAttention("attention", attention);
  return attention;
}

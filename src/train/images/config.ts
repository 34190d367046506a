// An image method as data: what a configuration file or a command line says of it.
import { nearest, OptionError } from "../../errors.ts";
import * as all from "./all.ts";
import { completeFields, fieldsFromText, type ImageField } from "./fields.ts";
import type { ImageMethod } from "./method.ts";

type ConfigOf<M> = M extends ImageMethod<infer C, infer _P, infer _S> ? C : never;

/** The configuration of an image method, complete. */
export type ImageConfig = ConfigOf<(typeof all)[keyof typeof all]>;

/** Any method, for who holds parameters that were made for this very configuration. */
export type AnyImageMethod = ImageMethod<ImageConfig, unknown, unknown>;

/** All methods by name. */
export const IMAGE_METHODS: Readonly<Record<string, AnyImageMethod>> = Object.fromEntries(
  Object.values(all).map((method) => [method.type, method as unknown as AnyImageMethod]),
);

/** The method called `type`. @throws OptionError with the nearest name. */
export function imageMethod(type: string): AnyImageMethod {
  const method = Object.hasOwn(IMAGE_METHODS, type) ? IMAGE_METHODS[type] : undefined;
  if (method !== undefined) return method;
  const known = Object.keys(IMAGE_METHODS);
  const near = nearest(type, known, 1)[0];
  throw new OptionError(
    `images: method must be one of ${known.join(", ")}, got "${type}".${near ? ` Did you mean ${near}?` : ""}`,
  );
}

const fieldsOf = (type: string): Readonly<Record<string, ImageField>> => imageMethod(type).needs;

/**
 * A complete configuration.
 * @param given `type`, fields that differ from what they usually are, and `base` for methods that build on another.
 * @throws OptionError for an unknown method or field, a value that does not fit, and a base that is missing or not wanted.
 */
export function imageConfig({
  type,
  base,
  ...given
}: { readonly type: string; readonly base?: unknown } & Readonly<Record<string, unknown>>): ImageConfig {
  const fields = completeFields(`images: ${type}`, fieldsOf(type), given);
  const wanted = imageMethod(type).base;
  const of = (base as { readonly type?: unknown } | undefined)?.type;
  if (wanted === undefined ? base !== undefined : typeof of !== "string" || !wanted.includes(of)) {
    const must = wanted === undefined ? "stand alone" : `build on a run of ${wanted.join(" or ")} (--from)`;
    const got = of === undefined ? "none" : `one of ${JSON.stringify(of)}`;
    throw new OptionError(`images: ${type} must ${must}, got ${got}.`);
  }
  return { type, ...fields, ...(base !== undefined && { base }) } as ImageConfig;
}

/**
 * A method from text: its name, then `field=value` after a colon, separated by commas.
 * @param base Configuration of the run that it builds on. @throws OptionError as `imageConfig`.
 * @example
 * parseImageMethod("fsq:levels=8x5x5x5,width=64");
 */
export function parseImageMethod(text: string, base?: ImageConfig): ImageConfig {
  const [type = "", rest = "", extra] = text.split(":");
  if (extra !== undefined) {
    throw new OptionError(`images: method must be name:field=value,…, got "${text}".`);
  }
  const fields = fieldsFromText(`images: ${type}`, fieldsOf(type), rest);
  return imageConfig({ ...fields, type, ...(base && { base }) });
}

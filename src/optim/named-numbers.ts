// What a command line says of a rule or a schedule: a name, and numbers by field.
import { OptionError } from "../errors.ts";

/**
 * The name, and `field=number` after a colon, separated by commas.
 * @param where What is read, for errors. @throws OptionError for a second colon, and for what is no number.
 */
export function namedNumbers(
  where: string,
  text: string,
): { readonly type: string; readonly fields: Readonly<Record<string, number>> } {
  const [type = "", rest = "", extra] = text.split(":");
  if (extra !== undefined) {
    throw new OptionError(`${where}: text must be name:field=number,…, got "${text}".`);
  }
  const fields = rest
    .split(",")
    .filter((part) => part !== "")
    .map((part): [string, number] => {
      const [field = "", value = ""] = part.split("=");
      const number = value.trim() === "" ? Number.NaN : Number(value);
      if (Number.isNaN(number))
        throw new OptionError(`${where}: "${part}" of "${text}" must be field=number.`);
      return [field.trim(), number];
    });
  return { type: type.trim(), fields: Object.fromEntries(fields) };
}

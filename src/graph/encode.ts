// Plain values as text, so that they can be keys: two values have one text exactly when a program cannot tell them
// apart. JSON will not do, which knows neither NaN, the infinities, −0 nor undefined.
import { OptionError } from "../errors.ts";

/** A number as text; −0 is another number than 0. */
export function encodeNumber(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Kind of a value that has no text, for messages. */
function kindOf(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  const name: unknown = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)
    ?.constructor?.name;
  return typeof name === "string" && name !== "Object" ? `a ${name}` : "an object with symbols as keys";
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || prototype === null || Array.isArray(value)) &&
    Object.getOwnPropertySymbols(value).length === 0
  );
}

/**
 * `value` as text: numbers, bigints, strings, booleans, null and undefined, in arrays and plain objects nested to any
 * depth, keys in their order.
 * @param where Names the value in errors. @param special Text of what has one of its own, by value and path.
 * @throws OptionError for anything else (functions, symbols, Date, Map, typed arrays, …) and for circles, by its path.
 */
export function encode(
  where: string,
  value: unknown,
  special: (value: unknown, path: string) => string | undefined = () => undefined,
): string {
  const open = new Set<object>();
  const refuse = (path: string, got: string): never => {
    const at = path === "" ? where : `${where} ${path}`;
    throw new OptionError(`${at} must be tensors or plain values, got ${got}.`);
  };
  const visit = (v: unknown, path: string): string => {
    const own = special(v, path);
    if (own !== undefined) return `<${own.length}:${own}>`;
    if (typeof v === "number") return encodeNumber(v);
    if (typeof v === "string") return JSON.stringify(v);
    if (typeof v === "bigint") return `${v}n`;
    if (typeof v === "boolean" || v === undefined || v === null) return String(v);
    if (typeof v !== "object" || !isPlain(v)) return refuse(path, kindOf(v));
    if (open.has(v)) return refuse(path, "a value that contains itself");
    open.add(v);
    const below = (key: string): string => (path === "" ? key : `${path}.${key}`);
    const text = Array.isArray(v)
      ? `[${Array.from(v as readonly unknown[], (x, i) => (i in v ? visit(x, below(String(i))) : "hole")).join()}]`
      : `{${Object.entries(v)
          .map(([key, x]) => `${JSON.stringify(key)}:${visit(x, below(key))}`)
          .join()}}`;
    open.delete(v);
    return text;
  };
  return visit(value, "");
}

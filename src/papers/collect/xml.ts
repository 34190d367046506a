// XML answers as plain trees: element names without prefixes, texts as texts, every element a list.
import { optional } from "../../optional.ts";

/** An element: its text, its attributes and its children by local name. */
export interface Element {
  readonly text: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Readonly<Record<string, readonly Element[]>>;
}

/** The root's children by name. @throws Error for a text that is not well-formed XML, such as a truncated answer. */
export type XmlReader = (text: string, what: string) => Element;

/** A reader of XML for `where`. @throws UserError without the package fast-xml-parser. */
export async function xmlReader(where: string): Promise<XmlReader> {
  const { XMLParser, XMLValidator } = await optional(
    where,
    "fast-xml-parser",
    () => import("fast-xml-parser"),
  );
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "@",
    textNodeName: "#",
    alwaysCreateTextNode: true,
    isArray: (_name, _path, _leaf, isAttribute) => !isAttribute,
    parseTagValue: false,
    parseAttributeValue: false,
    removeNSPrefix: true,
    htmlEntities: true,
    trimValues: true,
  });
  return (text, what) => {
    const valid = XMLValidator.validate(text);
    if (valid !== true)
      throw new Error(`${what}: answer must be XML, got ${valid.err.msg} in line ${valid.err.line}.`);
    try {
      return toElement(parser.parse(text));
    } catch (cause) {
      // The parser looks closer than the validator at what stands before the root.
      const reason = cause instanceof Error ? cause.message.replace(/\.$/, "") : String(cause);
      throw new Error(`${what}: answer must be XML, got ${reason}.`, { cause });
    }
  };
}

function toElement(node: unknown): Element {
  if (typeof node !== "object" || node === null) return { text: scalar(node), attributes: {}, children: {} };
  const attributes: Record<string, string> = {};
  const children: Record<string, Element[]> = {};
  let text = "";
  for (const [name, value] of Object.entries(node)) {
    if (name === "#") text = scalar(value);
    else if (name.startsWith("@")) attributes[name.slice(1)] = scalar(value);
    else children[name] = Array.isArray(value) ? value.map(toElement) : [toElement(value)];
  }
  return { text, attributes, children };
}

function scalar(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** First child of that name. */
export function child(element: Element | undefined, name: string): Element | undefined {
  return element?.children[name]?.[0];
}

/** Text of the first child of that name; empty if there is none. */
export function textOf(element: Element | undefined, name: string): string {
  return child(element, name)?.text ?? "";
}

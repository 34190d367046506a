// What a post-processor puts around a text (`post_processor`): ids before and after it.
import type { Template } from "../model.ts";
import { type Fields, fieldsOf, listField, madeFrom, refuse } from "./fields.ts";

/** The template that a file describes; null puts nothing. @throws FileError that names the field at fault. */
export function templateOf(json: unknown, where: string): Template {
  return json === null || json === undefined
    ? { before: [], after: [] }
    : madeFrom(json, where, PROCESSORS, 0);
}

const PROCESSORS: Readonly<Record<string, (f: Fields, depth: number) => Template>> = {
  ByteLevel: () => ({ before: [], after: [] }), // trims offsets only
  BertProcessing: (f) => ({ before: [namedId(f, "cls")], after: [namedId(f, "sep")] }),
  RobertaProcessing: (f) => ({ before: [namedId(f, "cls")], after: [namedId(f, "sep")] }),
  TemplateProcessing: template,
  Sequence: (f, depth) =>
    listField(f, "processors")
      .map((step, i) => madeFrom(step, `${f.where}.processors[${i}]`, PROCESSORS, depth + 1))
      .reduce(
        (inner, outer) => ({
          before: [...outer.before, ...inner.before],
          after: [...inner.after, ...outer.after],
        }),
        { before: [], after: [] },
      ),
};

function idOf(value: unknown, where: string): number {
  const fits = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  return fits ? value : refuse(where, "an integer ≥ 0", value);
}

/** `[text, id]`. */
function namedId(f: Fields, key: string): number {
  return idOf(listField(f, key)[1], `${f.where}.${key}[1]`);
}

function template(f: Fields): Template {
  const tokens = fieldsOf(f.of["special_tokens"] ?? {}, `${f.where}.special_tokens`);
  const before: number[] = [];
  const after: number[] = [];
  let texts = 0;
  for (const [i, part] of listField(f, "single").entries()) {
    const where = `${f.where}.single[${i}]`;
    const { of } = fieldsOf(part, where);
    if ("Sequence" in of) {
      texts++;
      continue;
    }
    const name = fieldsOf(of["SpecialToken"], `${where}.SpecialToken`).of["id"];
    if (typeof name !== "string" || !Object.hasOwn(tokens.of, name)) {
      return refuse(`${where}.SpecialToken.id`, "a name in special_tokens", name);
    }
    const token = fieldsOf(tokens.of[name], `${tokens.where}["${name}"]`);
    const ids = listField(token, "ids").map((id, k) => idOf(id, `${token.where}.ids[${k}]`));
    (texts === 0 ? before : after).push(...ids);
  }
  return texts === 1
    ? { before, after }
    : refuse(`${f.where}.single`, "a template with one Sequence", f.of["single"]);
}

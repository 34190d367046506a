// What a model is adapted to, as people have it: plain text, JSON lines, tables, chats.
import { FileError } from "../errors.ts";
import { tableRows } from "./table.ts";
import { readTexts, type Turn, turnOf } from "./texts.ts";

/** A text and which parts of it are learnt; the rest is only read. */
export interface Example {
  readonly text: string;
  /** Places in the text, `[from, to)` in UTF-16 units, in order. */
  readonly learned: readonly (readonly [from: number, to: number])[];
  /** How it ends: with the end-of-text token, or as it stands (chats end by their template). */
  readonly ends: boolean;
  /** It may spell special tokens, as those that a chat template wrote. */
  readonly specials: boolean;
  /** May be cut into several, as a book is; else what is too long loses its end. */
  readonly divides: boolean;
  /** `chats.jsonl, line 3`. */
  readonly where: string;
  /** Completions to choose among, the right one with them. */
  readonly choices?: readonly string[];
}

/** Text of a chat. @param answer Whether the opening of an answer follows. */
export type ChatWriter = (turns: readonly Turn[], answer: boolean) => string;

/** Names that columns of tables and keys of JSON have in place of ours; numbers where a table has no line of names. */
export type Columns = Readonly<
  Partial<Record<"text" | "prompt" | "completion" | "messages" | "choices", string>>
>;

/** How examples are read. */
export interface ExampleOptions {
  readonly columns?: Columns;
  /** The model's chat template; without one, chats are refused. */
  readonly chat?: ChatWriter;
  /** `completion` (default) learns completions and answers, `all` the prompts too. */
  readonly loss?: "completion" | "all";
}

/** The examples of a file, and what a person should know about it. */
export interface ReadExamples {
  readonly examples: readonly Example[];
  readonly notices: readonly string[];
}

/** Lines named in a notice. */
const NAMED = 5;

/**
 * Examples in the bytes of a file. `.jsonl` has `text`, or `prompt` and `completion`, or `messages` in every line; `.csv`
 * and `.tsv` have columns of these names; anything else is one plain text. Lines that cannot be used are named and left
 * out.
 * @throws FileError for a file without any example, and for chats where the model has no template.
 */
export function readExamples(
  data: Uint8Array,
  kind: string,
  path: string,
  options: ExampleOptions = {},
): ReadExamples {
  const name = kind.toLowerCase();
  const table = /\.(csv|tsv)$/.exec(name)?.[1];
  if (table === undefined && !/\.(jsonl|ndjson)$/.test(name)) {
    const { texts, notices } = readTexts(data, kind, path);
    const examples = texts.map((bytes): Example => {
      const text = new TextDecoder().decode(bytes);
      return {
        text,
        learned: [[0, text.length]],
        ends: texts.length > 1,
        specials: false,
        divides: true,
        where: path,
      };
    });
    return { examples, notices };
  }
  const text = new TextDecoder().decode(data);
  const { columns = {} } = options;
  const bare = Object.values(columns).some((name) => /^\d+$/.test(name));
  const items =
    table === undefined ? jsonLines(text) : tableRows(text, table === "csv" ? "," : "\t", path, bare);
  const examples: Example[] = [];
  const bad: string[] = [];
  for (const { value, line } of items) {
    const example = exampleOf(renamed(value, columns), `${path}, line ${line}`, options);
    if (typeof example === "string") bad.push(`line ${line} (${example})`);
    else examples.push(example);
  }
  const named = `${bad.slice(0, NAMED).join(", ")}${bad.length > NAMED ? ` and ${bad.length - NAMED} more` : ""}`;
  if (examples.length === 0) {
    throw new FileError(
      `adapt: ${path} must hold examples with text, prompt and completion, or messages, got none${bad.length > 0 ? `: ${named}` : ""}.`,
    );
  }
  return {
    examples,
    notices:
      bad.length > 0 ? [`adapt: ${path}: ${named} cannot be used; the other ${examples.length} are.`] : [],
  };
}

/** `value` with our names in place of its own. */
function renamed(value: unknown, columns: Columns): unknown {
  if (typeof value !== "object" || value === null || Object.keys(columns).length === 0) return value;
  const own = value as Readonly<Record<string, unknown>>;
  const found = Object.entries(columns).map(([ours, theirs]): [string, unknown] => [
    ours,
    own[theirs] ?? own[theirs.toLowerCase()],
  ]);
  return Object.fromEntries(found.filter(([, v]) => v !== undefined));
}

function jsonLines(text: string): { value: unknown; line: number }[] {
  return text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    try {
      return [{ value: JSON.parse(line) as unknown, line: i + 1 }];
    } catch {
      return [{ value: undefined, line: i + 1 }];
    }
  });
}

/** An example, or why there is none. @throws FileError for a chat without a template. */
function exampleOf(value: unknown, where: string, options: ExampleOptions): Example | string {
  if (typeof value !== "object" || value === null) return "no JSON object";
  const { text, prompt, completion, messages, choices } = value as Record<string, unknown>;
  const plain = { ends: true, specials: false, divides: false, where };
  if (messages !== undefined) return chatExample(messages, where, options);
  if (completion !== undefined || prompt !== undefined) {
    if (typeof prompt !== "string" || typeof completion !== "string")
      return "prompt and completion must be texts";
    if (completion === "") return "an empty completion";
    const whole = prompt + completion;
    const example: Example = {
      ...plain,
      text: whole,
      learned: [[options.loss === "all" ? 0 : prompt.length, whole.length]],
    };
    if (choices === undefined || choices === "") return example;
    const among = typeof choices === "string" ? choices.split("|") : choices;
    if (
      !Array.isArray(among) ||
      !among.every((c) => typeof c === "string" && c !== "") ||
      !among.includes(completion)
    )
      return "choices must be texts, of which the completion is one";
    return { ...example, choices: among as string[] };
  }
  if (typeof text !== "string") return "neither text nor prompt and completion nor messages";
  return text === "" ? "an empty text" : { ...plain, text, learned: [[0, text.length]] };
}

/** A chat in the model's own words, of which the answers are learnt. */
function chatExample(messages: unknown, where: string, { chat, loss }: ExampleOptions): Example | string {
  if (chat === undefined) {
    throw new FileError(
      `adapt: ${where} is a chat, and the model must have a chat template, got none. Give prompt and completion instead.`,
    );
  }
  const turns = Array.isArray(messages) ? messages.map(turnOf) : [];
  if (turns.length === 0 || !turns.every((turn) => turn !== undefined))
    return "messages must have a role and a content each";
  const answers = turns.flatMap(({ role, content }, i) =>
    role === "assistant" && content !== "" ? [i] : [],
  );
  if (answers.length === 0) return "no answer of an assistant";
  const text = chat(turns, false);
  const common = { text, ends: false, specials: true, divides: false, where };
  if (loss === "all") return { ...common, learned: [[0, text.length]] };
  const learned = answers.flatMap((i): [number, number][] => {
    const [before, after] = [chat(turns.slice(0, i), true), chat(turns.slice(0, i + 1), false)];
    // Some templates write earlier turns otherwise than the last: those answers are read and not learnt.
    return text.startsWith(after) && after.startsWith(before) && after.length > before.length
      ? [[before.length, after.length]]
      : [];
  });
  return learned.length > 0
    ? { ...common, learned }
    : "answers that the template writes otherwise than it asks for them";
}

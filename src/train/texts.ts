// Texts as people have them: plain text in UTF-8 or UTF-16, JSON lines, a JSON array, chats.
import { FileError, OptionError } from "../errors.ts";

/** One turn of a chat. */
export interface Turn {
  readonly role: string;
  readonly content: string;
}

/** How files are read. */
export interface Reading {
  /** Encoding of files that are no UTF-8 (`gbk`, `windows-1252`, `utf-16le`, …); default: they are taken as bytes. */
  readonly encoding?: string;
  /** `keep` (default) leaves line ends as they are, `lf` turns CRLF and CR into LF. */
  readonly lineEnds?: "keep" | "lf";
}

/** How files are read, and how chats are written. */
export interface ReadOptions extends Reading {
  /** Text of a chat; default a line `role: content` for each turn. */
  readonly chat?: (turns: readonly Turn[]) => string;
  /** As files were read before there was a choice: a byte order mark is text. */
  readonly asIs?: boolean;
}

/** The texts of a file, and what a person should know about how they were read. */
export interface ReadTexts {
  readonly texts: readonly Uint8Array[];
  readonly notices: readonly string[];
  /** Some were chats. */
  readonly chats: boolean;
}

/** How far a file is looked at to tell text from other data, and the share of control bytes text may have there. */
const LOOK = 1 << 16;
const MOST_CONTROLS = 0.02;

/**
 * The texts in the bytes of a file: `.jsonl` holds one a line, `.json` an array of them, anything else is one text.
 * @param kind Name whose ending tells the format. @param path Name for messages.
 * @throws FileError for data that is empty, binary or broken; OptionError for an encoding that nobody knows.
 */
export function readTexts(
  data: Uint8Array,
  kind: string,
  path: string,
  options: ReadOptions = {},
): ReadTexts {
  if (data.length === 0) throw new FileError(`train: ${path} must hold text, got 0 bytes.`);
  const notices: string[] = [];
  const bytes = withLineEnds(utf8Of(data, path, options, notices), options);
  checkText(bytes, path);
  const name = kind.toLowerCase();
  if (!/\.(jsonl|ndjson|json)$/.test(name)) {
    if (bytes.length === 0) throw new FileError(`train: ${path} must hold text, got nothing but a mark.`);
    return { texts: [bytes], notices, chats: false };
  }
  const values = name.endsWith(".json") ? arrayItems(bytes, path) : lineItems(bytes, path);
  let chats = false;
  const texts = values.flatMap(({ value, where }) => {
    const text = textOf(value, options, () => (chats = true));
    if (text === undefined) {
      throw new FileError(
        `train: ${path} must have a "text" in every ${where.split(" ")[0]}, got none in ${where}.`,
      );
    }
    return text === "" ? [] : [new TextEncoder().encode(text)];
  });
  if (texts.length === 0) throw new FileError(`train: ${path} must hold texts, got 0.`);
  if (chats && options.chat === undefined) {
    notices.push(
      `train: ${path} holds chats; without a chat template each turn is a line "role: content". Use --from with a model that has a template to write them its way.`,
    );
  }
  return { texts, notices, chats };
}

/** `data` as UTF-8 without a byte order mark; bytes that are no text stay. */
function utf8Of(
  data: Uint8Array,
  path: string,
  { encoding, asIs = false }: ReadOptions,
  notices: string[],
): Uint8Array {
  if (asIs) return data;
  const [a, b, c, d] = data;
  if (a === 0xff && b === 0xfe && c === 0 && d === 0) {
    throw new FileError(`train: ${path} must be UTF-8 or UTF-16, got UTF-32. Convert it to UTF-8.`);
  }
  if (a === 0xff && b === 0xfe) return recoded(data.subarray(2), "utf-16le", path);
  if (a === 0xfe && b === 0xff) return recoded(data.subarray(2), "utf-16be", path);
  if (a === 0xef && b === 0xbb && c === 0xbf) return data.subarray(3);
  if (encoding !== undefined && (/^utf-?16/i.test(encoding) || !isUtf8(data))) {
    return recoded(data, encoding, path);
  }
  if (encoding === undefined && data.indexOf(0) < 0 && !isUtf8(data)) {
    notices.push(
      `train: ${path} is no UTF-8 and is trained on as bytes. If it is text in another encoding, name it: --encoding gbk (or big5, shift_jis, windows-1252, …).`,
    );
  }
  return data;
}

function recoded(data: Uint8Array, encoding: string, path: string): Uint8Array {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch (error) {
    throw new OptionError(
      `train: encoding must be one that TextDecoder knows (gbk, gb18030, big5, shift_jis, euc-kr, windows-1252, …), got "${encoding}".`,
      { cause: error },
    );
  }
  try {
    return new TextEncoder().encode(decoder.decode(data));
  } catch (error) {
    throw new FileError(`train: ${path} must be ${encoding}, got other bytes. Name its encoding.`, {
      cause: error,
    });
  }
}

function isUtf8(data: Uint8Array): boolean {
  try {
    // In parts, so that a large file needs no second copy of its text.
    const decoder = new TextDecoder("utf-8", { fatal: true });
    for (let at = 0; at < data.length; at += 1 << 22) {
      decoder.decode(data.subarray(at, at + (1 << 22)), { stream: true });
    }
    decoder.decode();
    return true;
  } catch {
    return false;
  }
}

function withLineEnds(data: Uint8Array, { lineEnds = "keep" }: Reading): Uint8Array {
  if (lineEnds === "keep" || data.indexOf(13) < 0) return data;
  const out = new Uint8Array(data.length);
  let length = 0;
  data.forEach((byte, i) => {
    if (byte === 10 && data[i - 1] === 13) return;
    out[length++] = byte === 13 ? 10 : byte;
  });
  return out.subarray(0, length);
}

/** @throws FileError when `data` looks like anything but text. */
function checkText(data: Uint8Array, path: string): void {
  const zero = data.indexOf(0);
  if (zero >= 0) {
    const wide = looksWide(data);
    throw new FileError(
      `train: ${path} must be text, got a zero byte at ${zero}, as in binary files.${wide ? ` If it is UTF-16, say --encoding ${wide}.` : ""}`,
    );
  }
  let controls = 0;
  const head = data.subarray(0, LOOK);
  for (const b of head) if (b < 32 && b !== 9 && b !== 10 && b !== 12 && b !== 13) controls++;
  if (controls > MOST_CONTROLS * head.length) {
    throw new FileError(
      `train: ${path} must be text, got ${controls} control bytes in the first ${head.length}, as in binary files.`,
    );
  }
}

/** UTF-16 without a mark has zeros at one parity only, and many of them where the text is Latin. */
function looksWide(data: Uint8Array): string | undefined {
  const head = data.subarray(0, LOOK);
  const zeros = [0, 0];
  head.forEach((b, i) => {
    if (b === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  });
  const [even = 0, odd = 0] = zeros;
  if (odd > head.length / 8 && even === 0) return "utf-16le";
  return even > head.length / 8 && odd === 0 ? "utf-16be" : undefined;
}

interface Item {
  readonly value: unknown;
  /** `line 3`, `item 2`. */
  readonly where: string;
}

function lineItems(data: Uint8Array, path: string): Item[] {
  return new TextDecoder()
    .decode(data)
    .split("\n")
    .flatMap((line, i): Item[] => {
      if (line.trim() === "") return [];
      try {
        return [{ value: JSON.parse(line) as unknown, where: `line ${i + 1}` }];
      } catch {
        throw new FileError(`train: ${path} must hold JSON in every line, got none in line ${i + 1}.`);
      }
    });
}

function arrayItems(data: Uint8Array, path: string): Item[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(data));
  } catch (error) {
    throw new FileError(
      `train: ${path} must hold JSON, got ${data.length} bytes that are none. Rename it to .txt to train on it as it stands, or to .jsonl if each line is JSON.`,
      { cause: error },
    );
  }
  if (Array.isArray(value))
    return value.map((item, i) => ({ value: item as unknown, where: `item ${i + 1}` }));
  throw new FileError(
    `train: ${path} must hold an array of texts, got ${value === null ? "null" : `one ${typeof value}`}. Rename it to .txt to train on it as it stands.`,
  );
}

/** The text of an item: itself, its `text`, or its `messages` as a chat. */
function textOf(value: unknown, { chat }: ReadOptions, onChat: () => void): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return undefined;
  if ("text" in value) return typeof value.text === "string" ? value.text : undefined;
  if (!("messages" in value) || !Array.isArray(value.messages)) return undefined;
  const turns = value.messages.map(turnOf);
  if (!turns.every((turn) => turn !== undefined)) return undefined;
  onChat();
  return chat ? chat(turns) : turns.map(({ role, content }) => `${role}: ${content}\n`).join("");
}

/** A turn of a chat, its parts joined; nothing where it is none. */
export function turnOf(message: unknown): Turn | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  if (!("role" in message) || typeof message.role !== "string" || !("content" in message)) return undefined;
  const { role, content } = message;
  if (typeof content === "string") return { role, content };
  // Parts of a message, of which the texts are read.
  if (!Array.isArray(content)) return undefined;
  const parts = content.map((part: unknown) =>
    typeof part === "object" && part !== null && "text" in part && typeof part.text === "string"
      ? part.text
      : "",
  );
  return { role, content: parts.join("") };
}

// Chat templates: Jinja programs that models carry, which turn messages into the text they were trained on.
import { Template } from "@huggingface/jinja";
import { FileError } from "../errors.ts";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A template and the texts it may name. */
export interface ChatTemplate {
  readonly source: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** A token's text, written as a string or as an object that holds it. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const held = typeof value === "object" && value !== null && "content" in value ? value.content : undefined;
  return typeof held === "string" ? held : undefined;
}

/** The template of `tokenizer_config.json`, or of a file beside it. */
export function readChatTemplate(config: Record<string, unknown>, file?: string): ChatTemplate | undefined {
  const listed = config["chat_template"];
  const named = Array.isArray(listed)
    ? (listed as { name?: string; template?: string }[]).find((t) => t.name === "default")?.template
    : listed;
  const source = file ?? (typeof named === "string" ? named : undefined);
  if (source === undefined) return undefined;
  const variables: Record<string, string> = {};
  for (const key of ["bos_token", "eos_token", "pad_token", "unk_token"]) {
    const value = textOf(config[key]);
    if (value !== undefined) variables[key] = value;
  }
  return { source, variables };
}

/**
 * The text of `messages`, with the opening of the assistant's answer unless `answer` is false.
 * @throws FileError when the template fails.
 */
export function applyChatTemplate(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  answer = true,
): string {
  try {
    return new Template(template.source).render({
      ...template.variables,
      messages,
      add_generation_prompt: answer,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FileError(`chat: the model's template must accept these messages, got: ${reason}`);
  }
}

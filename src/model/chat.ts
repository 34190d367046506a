// Chat templates: Jinja programs that models carry, which turn messages into the text they were trained on.
import { Template } from "@huggingface/jinja";
import { FileError, OptionError } from "../errors.ts";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What a template may be told beside the messages. */
export interface ChatOptions {
  /** Whether the opening of the assistant's answer follows; default true. */
  readonly answer?: boolean;
  /** Whether the model may think first, for templates that ask (`enable_thinking`); default: as the template does. */
  readonly think?: boolean;
  /** Functions that the model may call, as JSON schemas. */
  readonly tools?: readonly unknown[];
}

/** A template and the texts it may name. */
export interface ChatTemplate {
  readonly source: string;
  /** Another one that counts where tools are given. */
  readonly withTools?: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** A token's text, written as a string or as an object that holds it. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const held = typeof value === "object" && value !== null && "content" in value ? value.content : undefined;
  return typeof held === "string" ? held : undefined;
}

/**
 * The template of `tokenizer_config.json`, the one called `default` of a list, or that of a file beside it, which comes
 * first; nothing where there is none.
 */
export function readChatTemplate(config: Record<string, unknown>, file?: string): ChatTemplate | undefined {
  const variables: Record<string, string> = {};
  for (const key of ["bos_token", "eos_token", "pad_token", "unk_token"]) {
    const value = textOf(config[key]);
    if (value !== undefined) variables[key] = value;
  }
  const listed = config["chat_template"];
  const named = new Map<unknown, unknown>();
  if (Array.isArray(listed)) {
    for (const one of listed as ({ name?: unknown; template?: unknown } | null)[])
      named.set(one?.name, one?.template);
  } else named.set("default", listed);
  const source = file ?? named.get("default");
  const withTools = file === undefined ? named.get("tool_use") : undefined;
  if (typeof source !== "string") return undefined;
  return { source, ...(typeof withTools === "string" && { withTools }), variables };
}

/** Whether the template asks for `variable`, so that saying it changes something. */
export function templateAsks({ source, withTools = "" }: ChatTemplate, variable: string): boolean {
  return new RegExp(`\\b${variable}\\b`).test(`${source}\n${withTools}`);
}

/**
 * The text of `messages`.
 * @throws OptionError for what the template does not ask for; FileError when the template fails.
 */
export function applyChatTemplate(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: ChatOptions | boolean = {},
): string {
  const { answer = true, think, tools } = typeof options === "boolean" ? { answer: options } : options;
  refuseUnasked(template, "enable_thinking", think, "thinking");
  refuseUnasked(template, "tools", tools, "tools");
  const source = tools === undefined ? template.source : (template.withTools ?? template.source);
  try {
    return new Template(source).render({
      ...template.variables,
      messages,
      add_generation_prompt: answer,
      ...(think !== undefined && { enable_thinking: think }),
      ...(tools !== undefined && { tools }),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FileError(`chat: the model's template must accept these messages, got: ${reason}`);
  }
}

function refuseUnasked(template: ChatTemplate, variable: string, value: unknown, what: string): void {
  if (value === undefined || templateAsks(template, variable)) return;
  throw new OptionError(
    `chat: the model's template must ask for ${what} (${variable}), got none. Leave it out.`,
  );
}

// A model by path, whatever it is: a run, a Hugging Face folder, a GGUF or llama2.c file.
import { withAdapter } from "../../adapt/index.ts";
import { OptionError } from "../../errors.ts";
import { filesAt } from "#files";
import { firstToken, readBeside } from "../../model/beside.ts";
import { type CausalLMConfig, type CausalLMParams, loadAdapter } from "../../model/index.ts";
import type { ModelTokens } from "../../model/hugging-face.ts";
import type { Widened } from "../../model/gguf.ts";
import { loadModel } from "../../model/load.ts";
import type { ChatTemplate } from "../../model/chat.ts";
import type { SamplingOptions } from "../../model/sampling.ts";
import type { WeightDtype } from "../../model/weights.ts";
import { specialId, type Tokenizer } from "../../tokenizer/index.ts";
import { loadTokenizer } from "../../tokenizer/load-save.ts";
import { isRun, openRun } from "../../train/node/run-folder.ts";
import { say } from "../command.ts";
import { withPosition } from "./position.ts";

export interface OpenedModel {
  readonly config: CausalLMConfig;
  readonly params: CausalLMParams;
  readonly tokenizer: Tokenizer;
  /** The file it came from. */
  readonly tokenizerPath: string;
  readonly bos: number | undefined;
  /** What stands in for an empty prompt: BOS, or a line's end. */
  readonly start: number | undefined;
  readonly eos: readonly number[];
  /** Ids as its configuration names them. */
  readonly tokens: ModelTokens;
  readonly chat: ChatTemplate | undefined;
  /** How its authors have it draw tokens. */
  readonly drawing: SamplingOptions;
  /** Texts of the small files that it came with, by name. */
  readonly beside: ReadonlyMap<string, string>;
  /** What its weights were stored in, and its `model_type`; absent for files that say neither. */
  readonly dtype?: WeightDtype;
  readonly family?: string;
}

export interface OpenOptions {
  /** A tokenizer file, where the model carries none. */
  readonly tokenizer?: string | undefined;
  /** A way of scoring positions in place of the model's own, as text (`rerope:window=128`), or a plan. */
  readonly position?: string | undefined;
  /** Tokens that the text will have at most, by the tokenizer that was opened; default unknown. */
  readonly length?: (tokenizer: Tokenizer) => number;
  /** A PEFT folder: what the model wears. */
  readonly adapter?: string | undefined;
}

/** Opens the model at `path`. */
export async function openModel(path: string, options: OpenOptions = {}): Promise<OpenedModel> {
  const bare = (await isRun(path)) ? await fromRun(path, options) : await fromFiles(path, options);
  const opened =
    options.adapter === undefined
      ? bare
      : { ...bare, params: withAdapter(bare.params, await loadAdapter(options.adapter, bare.params)) };
  return options.position === undefined
    ? opened
    : {
        ...opened,
        config: withPosition(opened.config, options.position, options.length?.(opened.tokenizer)),
      };
}

async function fromRun(path: string, options: OpenOptions): Promise<OpenedModel> {
  const run = await openRun(path);
  for (const notice of run.notices) say(notice);
  const tokenizer = options.tokenizer === undefined ? run.tokenizer : await loadTokenizer(options.tokenizer);
  const { model } = tokenizer;
  const id = (role: "bos" | "eos"): number | undefined => (model ? specialId(model, role) : undefined);
  const own = id("eos") ?? tokenizer.eos;
  // A run that began with another model carries that model's files.
  const { chat, eos, drawing, texts } = await readBeside((await filesAt("model", path, "folder")).folder);
  const ends = eos ?? (own === undefined ? [] : [own]);
  return {
    config: run.config.model,
    params: run.params,
    tokenizer,
    tokenizerPath: options.tokenizer ?? run.tokenizerPath,
    bos: undefined,
    start: tokenizer.encode("\n")[0],
    eos: ends,
    tokens: { bos: undefined, eos: ends },
    chat,
    drawing,
    beside: texts,
  };
}

async function fromFiles(path: string, options: OpenOptions): Promise<OpenedModel> {
  const stored = await loadModel(path);
  const file = options.tokenizer ?? stored.tokenizerPath;
  if (file === undefined) {
    if (stored.foreignTokenizer) await stored.tokenizer(); // refuses it by name
    throw new OptionError(`model: ${path} carries no tokenizer. Give one with --tokenizer FILE.`);
  }
  const tokenizer = await (options.tokenizer === undefined ? stored.tokenizer() : loadTokenizer(file));
  for (const notice of stored.notices ?? []) say(notice);
  for (const line of aboutWidened(path, stored.widened ?? [])) say(line);
  const { config, params, tokens, chat, drawing = {}, beside = new Map(), dtype, family } = stored;
  return {
    config,
    params,
    tokenizer,
    tokenizerPath: file,
    bos: firstToken(stored, tokenizer),
    start: tokens.bos,
    eos: tokens.eos,
    tokens,
    chat,
    drawing,
    beside,
    dtype,
    ...(family !== undefined && { family }),
  };
}

/** What a person should know of tensors that take more memory than their file. */
function aboutWidened(path: string, widened: readonly Widened[]): string[] {
  if (widened.length === 0) return [];
  const mb = (side: 0 | 1): string => (widened.reduce((n, { bytes }) => n + bytes[side], 0) / 1e6).toFixed(1);
  const kinds = [...new Set(widened.map(({ from }) => from))].join(", ");
  const [first] = widened;
  const names = widened.length === 1 ? first?.name : `${widened.length} tensors (${first?.name} …)`;
  return [`${path}: ${names} of ${kinds} became float32: ${mb(0)} MB there, ${mb(1)} MB here.`];
}

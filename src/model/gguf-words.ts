// What an architecture of llama.cpp says of a model, and how it is told apart from config.json.
import { OptionError } from "../errors.ts";
import type { GgufHeader } from "../files/gguf-types.ts";
import type { GgufWrite } from "../files/gguf-write.ts";
import type { Keys } from "./family.ts";

/** config.json, or a part of it. */
export type Json = Readonly<Record<string, unknown>>;

/** Metadata under the architecture's name. */
export type Words = Readonly<Record<string, GgufWrite | undefined>>;

/** A part of a layer that stands in two tensors there, neither of them of its rows. */
export interface Joined {
  /** Its name here, and theirs. */
  readonly part: string;
  readonly there: readonly [string, string];
  /** @param a Numbers and shape of the first. @returns The matrix; empty where their shapes do not fit each other. */
  join(a: Numbers, b: Numbers): Numbers;
}

/** Numbers of a tensor, the slowest axis first. */
export interface Numbers {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** What a file's `general.architecture` means here. */
export interface GgufArchitecture {
  /** `model_type` of the family that reads its keys. */
  readonly family: string;
  /** `model_type`s that are written as it; default that of `family`. */
  readonly writes?: readonly string[];
  /** Keys of its own that change nothing here. */
  readonly ignores?: readonly string[];
  /**
   * Rows of query and key heads stand there as neighbouring pairs, as llama.cpp turns them for this architecture,
   * and here in halves.
   */
  readonly pairs?: true;
  /** Parts of a layer whose names are not those of `LAYER`; several here stand row below row in one there. */
  readonly parts?: Readonly<Record<string, string | readonly string[]>>;
  /** A matrix here that newer files hold in two, and how they become one. */
  readonly joined?: Joined;
  /** Whether a tied head is written as a matrix of its own, which llama.cpp asks for. */
  readonly ownHead?: true;
  /** config.json. @param common What all architectures say alike. */
  read?(common: Json, keys: Keys, header: GgufHeader): Json;
  /** What it says beside what all do. @throws OptionError for what llama.cpp computes otherwise. */
  write?(json: Json): Words;
}

/** Parts of a layer, there and here. */
export const LAYER: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

/** @throws OptionError for a value that llama.cpp has no word for in this architecture. */
export function must(json: Json, key: string, right: (value: unknown) => boolean, what: string): void {
  const value = json[key];
  if (right(value)) return;
  throw new OptionError(
    `export: a GGUF file must have ${key} ${what}, got ${JSON.stringify(value) ?? "nothing"}. Use --hf or --onnx.`,
  );
}

/** What is off. */
export const none = (value: unknown): boolean => value === undefined || value === null || value === false;

export const u32 = (value: number): GgufWrite => ({ type: "uint32", value });
export const f32 = (value: number): GgufWrite => ({ type: "float32", value });

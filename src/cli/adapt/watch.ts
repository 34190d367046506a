// What a person sees of a fine-tuning: one repainted line on a terminal, a plain line now and then elsewhere.
import type { AdaptControl, AdaptReady } from "../../train/node/adapt.ts";
import { duration, progress, say } from "../command.ts";

/** Reports on a fine-tuning. */
export interface AdaptWatch {
  readonly control: Omit<AdaptControl, "device" | "signal">;
  /** Ends the repainted line. */
  end(): void;
}

const number = (n: number): string => n.toLocaleString("en-GB");

/** A watch on stderr. */
export function watchAdapting(): AdaptWatch {
  const bar = progress();
  let ready: AdaptReady | undefined;
  let smooth = Number.NaN;
  let began = 0;
  return {
    control: {
      onReady(now) {
        ready = now;
        began = performance.now();
        const { trainableParameters: own, parameters, examples, validationExamples, step } = now;
        bar.end(
          `${now.method}: ${number(own)} of ${number(parameters)} parameters are trained (${((100 * own) / parameters).toPrecision(2)} %)`,
        );
        say(
          `${number(examples)} examples to learn, ${number(validationExamples)} to validate, ${number(now.context)} tokens a row${step > 0 ? `; going on from step ${step}` : ""}`,
        );
      },
      onStep({ step, seconds, loss, perSecond }) {
        smooth = Number.isNaN(smooth) ? loss : 0.95 * smooth + 0.05 * loss;
        if (ready === undefined) return;
        const { steps, minutes } = ready.settings;
        const here = (performance.now() - began) / 1000;
        const bySteps = ((steps - step) * here) / Math.max(1, step - ready.step);
        const left = minutes === undefined ? bySteps : Math.min(bySteps, 60 * minutes - seconds);
        // The first step compiles: it says nothing of those that follow.
        const pace =
          perSecond > 0 ? `  ${number(Math.round(perSecond))} tokens/s  ${duration(left)} left` : "";
        bar.update(
          `step ${step}${minutes === undefined ? `/${steps}` : ""}  loss ${smooth.toFixed(3)}${pace}`,
        );
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

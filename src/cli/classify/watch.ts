// What a person sees of a classifier in training: one repainted line on a terminal, a plain line now and then elsewhere.
import type { ClassifyControl, ClassifyReady } from "../../train/node/classify.ts";
import { duration, progress } from "../command.ts";

/** Reports on a training. */
export interface ClassifyWatch {
  readonly control: Omit<ClassifyControl, "device" | "signal">;
  /** Ends the repainted line. */
  end(): void;
}

const number = (n: number): string => n.toLocaleString("en-GB");

/** A watch on stderr. */
export function watchClassifying(): ClassifyWatch {
  const bar = progress();
  let ready: ClassifyReady | undefined;
  let smooth = Number.NaN;
  let began = 0;
  return {
    control: {
      onReady(now) {
        ready = now;
        began = performance.now();
        bar.end(describe(now));
      },
      onStep({ step, seconds, loss, perSecond }) {
        smooth = Number.isNaN(smooth) ? loss : 0.95 * smooth + 0.05 * loss;
        if (ready === undefined) return;
        const { steps, minutes } = ready.config.training;
        const here = (performance.now() - began) / 1000;
        const bySteps = ((steps - step) * here) / Math.max(1, step - ready.step);
        const left = minutes === undefined ? bySteps : Math.min(bySteps, 60 * minutes - seconds);
        // The first step compiles: it says nothing of those that follow.
        const pace =
          perSecond > 0 ? `  ${number(Math.round(perSecond))} sequences/s  ${duration(left)} left` : "";
        bar.update(
          `step ${step}${minutes === undefined ? `/${steps}` : ""}  loss ${smooth.toFixed(3)}${pace}`,
        );
      },
      onValidation({ step }, { validationLoss = Number.NaN, accuracy, rootMeanSquare }) {
        const found =
          accuracy === undefined
            ? `root mean square error ${(rootMeanSquare ?? Number.NaN).toPrecision(4)}`
            : `${(100 * accuracy).toFixed(1)} % right`;
        bar.end(`step ${step}  held out: ${found}, loss ${validationLoss.toFixed(4)}`);
      },
      onNotice: (sentence) => bar.end(sentence),
    },
    end: () => bar.end(),
  };
}

function describe({ config, parameters, trainCases, heldCases, step }: ClassifyReady): string {
  const { model, preparation } = config;
  const { labels, input } = preparation;
  const what = labels.type === "classes" ? `${labels.names.length} classes` : "a number";
  const places =
    input.type === "tokens"
      ? `texts of up to ${model.context} tokens`
      : `series of ${input.channels} channel${input.channels > 1 ? "s" : ""} and up to ${model.context} places${input.stride > 1 ? ` of ${input.stride} samples` : ""}`;
  return [
    `${number(parameters)} parameters: ${model.layers} layers of width ${model.width}, mixer ${model.attention.type}; ${what} from ${places}`,
    `${number(trainCases)} sequences to learn, ${number(heldCases)} held out${step > 0 ? `; going on from step ${step}` : ""}`,
  ].join("\n");
}

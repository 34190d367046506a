// What a person sees of a classifier in training: one repainted line on a terminal, a plain line now and then elsewhere.
import type { ClassifyControl, ClassifyReady } from "../../train/node/classify.ts";
import { progress } from "../command.ts";
import { count, paceOf } from "../pace.ts";

/** Reports on a training. */
export interface ClassifyWatch {
  readonly control: Omit<ClassifyControl, "device" | "signal">;
  /** Ends the repainted line. */
  end(): void;
}

/** A watch on stderr. */
export function watchClassifying(): ClassifyWatch {
  const bar = progress();
  const pace = paceOf("sequences");
  return {
    control: {
      onReady(now) {
        pace.begin({ ...now.config.training, first: now.step });
        bar.end(describe(now));
      },
      onStep(step) {
        const line = pace.line(step);
        if (line !== undefined) bar.update(line);
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
    `${count(parameters)} parameters: ${model.layers} layers of width ${model.width}, mixer ${model.attention.type}; ${what} from ${places}`,
    `${count(trainCases)} sequences to learn, ${count(heldCases)} held out${step > 0 ? `; going on from step ${step}` : ""}`,
  ].join("\n");
}

// What a person sees of an image training: one repainted line on a terminal, a plain line now and then elsewhere.
import type { ImageControl, ImageReady } from "../../train/node/images/run.ts";
import { duration, progress, say } from "../command.ts";

/** Reports on an image training. */
export interface ImageWatch {
  readonly control: Pick<ImageControl, "onReady" | "onStep" | "onValidation" | "onNotice">;
  /** Ends the repainted line. */
  end(): void;
}

const number = (n: number): string => n.toLocaleString("en-GB");

/** A watch on stderr. */
export function watchImages(): ImageWatch {
  const bar = progress();
  let ready: ImageReady | undefined;
  let smooth = Number.NaN;
  let began = 0;
  return {
    control: {
      onReady(now) {
        ready = now;
        began = performance.now();
        const { channels, height, width, classes, words } = now.config.space;
        const said = [
          ...(classes.length > 0 ? [`${number(classes.length)} classes`] : []),
          ...(words.length > 0 ? [`captions of ${number(words.length)} words`] : []),
        ];
        bar.end(
          `${now.config.method.type}: ${number(now.parameters)} parameters; pictures of ${height} × ${width} ${channels === 1 ? "in grey" : "in colour"}${said.map((s) => `, ${s}`).join("")}`,
        );
        say(
          `${number(now.trainImages)} pictures to train on, ${number(now.validationImages)} to look at${now.step > 0 ? `; going on from step ${now.step}` : ""}`,
        );
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
          perSecond > 0 ? `  ${number(Math.round(perSecond))} images/s  ${duration(left)} left` : "";
        bar.update(
          `step ${step}${minutes === undefined ? `/${steps}` : ""}  loss ${smooth.toFixed(4)}${pace}`,
        );
      },
      onValidation({ step }, numbers) {
        const words = Object.entries(numbers).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
        bar.end(`step ${step}  ${words.join("  ")}`);
      },
      onNotice: (sentence) => bar.end(sentence),
    },
    end: () => bar.end(),
  };
}

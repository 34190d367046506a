// What a person sees of an image training: one repainted line on a terminal, a plain line now and then elsewhere.
import type { ImageControl } from "../../train/node/images/run.ts";
import { progress, say } from "../command.ts";
import { count, paceOf } from "../pace.ts";

/** Reports on an image training. */
export interface ImageWatch {
  readonly control: Pick<ImageControl, "onReady" | "onStep" | "onValidation" | "onNotice">;
  /** Ends the repainted line. */
  end(): void;
}

/** A watch on stderr. */
export function watchImages(): ImageWatch {
  const bar = progress();
  const pace = paceOf("images", 4);
  return {
    control: {
      onReady(now) {
        pace.begin({ ...now.config.training, first: now.step });
        const { channels, height, width, classes, words } = now.config.space;
        const said = [
          ...(classes.length > 0 ? [`${count(classes.length)} classes`] : []),
          ...(words.length > 0 ? [`captions of ${count(words.length)} words`] : []),
        ];
        bar.end(
          `${now.config.method.type}: ${count(now.parameters)} parameters; pictures of ${height} × ${width} ${channels === 1 ? "in grey" : "in colour"}${said.map((s) => `, ${s}`).join("")}`,
        );
        say(
          `${count(now.trainImages)} pictures to train on, ${count(now.validationImages)} to look at${now.step > 0 ? `; going on from step ${now.step}` : ""}`,
        );
      },
      onStep(step) {
        const line = pace.line(step);
        if (line !== undefined) bar.update(line);
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

// Writes training-step.json: the losses of test/support/gpt-step.ts in float64.
// node --conditions=source test/golden/make-training-step.ts
import { writeFileSync } from "node:fs";
import { trainOn } from "../support/gpt-step.ts";

const { losses } = await trainOn("cpu", { dtype: "float64" });
const provenance = "float64 on Node cpu: node --conditions=source test/golden/make-training-step.ts";
writeFileSync(
  new URL("training-step.json", import.meta.url),
  `${JSON.stringify({ provenance, losses }, null, 1)}\n`,
);

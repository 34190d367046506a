// Writes adapters of our own for golden/adapters.py: node --conditions=source test/golden/make-adapters.ts FOLDER
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromHuggingFace } from "../../src/model/hugging-face.ts";
import { baseHere, writeAdapters } from "../support/adapter-here.ts";

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "lora.json"), "utf8")) as {
  config: Record<string, unknown>;
};
const { config } = fromHuggingFace(golden.config, "lora.json");
await writeAdapters(process.argv[2] ?? "adapters", baseHere(config));

// Writes what lint reads of the borders: `node test/house/write-borders.ts`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { lintConfig } from "./borders.ts";
import { foldersOf } from "./imports.ts";

const { overrides } = lintConfig((room) => foldersOf(`src/${room}`));
const lines = overrides.map((override) => JSON.stringify(override)).join(",\n");
writeFileSync(join(import.meta.dirname, "borders.oxlintrc.json"), `{ "overrides": [\n${lines}\n] }\n`);

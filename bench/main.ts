// `npm run bench -- NAME [options]`: runs one benchmark and prints one JSON document on stdout.
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { guard, printJson, say } from "../src/cli/command.ts";
import { nearest, OptionError } from "../src/errors.ts";

const here = import.meta.dirname;
const names = readdirSync(here)
  .filter((f) => f.endsWith(".ts") && f !== "main.ts" && !f.startsWith("support"))
  .map((f) => f.slice(0, -3));

await guard(async () => {
  const [name, ...rest] = process.argv.slice(2);
  const args = rest.filter((a) => a !== "--json");
  if (name === undefined || name === "--help") {
    say(`usage: npm run bench -- NAME [options] --json\nbenchmarks: ${names.join(", ")}`);
    return;
  }
  if (!names.includes(name)) {
    const near = nearest(name, names, 1)[0];
    throw new OptionError(
      `bench: "${name}" is unknown. ${near ? `Did you mean ${near}?` : `Known: ${names.join(", ")}.`}`,
    );
  }
  const module = (await import(pathToFileURL(join(here, `${name}.ts`)).href)) as {
    run(args: string[]): Promise<unknown>;
  };
  const result = await module.run(args);
  printJson({
    benchmark: name,
    command: ["npm run bench --", name, ...args, "--json"].join(" "),
    date: new Date().toISOString(),
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
    ...(result as object),
  });
});

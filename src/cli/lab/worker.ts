// `athanor lab worker`
import type { Command } from "commander";
import { workFor } from "../../lab/node/worker.ts";
import { guard, say } from "../command.ts";

const HELP = `
A worker takes units (one setting of an entry with one seed) from a Redis server and does them, until it is stopped. Start
as many as there are machines; a unit whose worker is stopped or killed goes to another. A worker without a unit's data
leaves it to others and says what it lacks.

Examples:
  athanor lab worker --queue redis://10.0.0.5:6379
  athanor lab run all --full --queue redis://10.0.0.5:6379      on any machine: hands out the work, shows all progress`;

export function define(command: Command): void {
  command
    .requiredOption("--queue <address>", "redis://HOST[:PORT]")
    .addHelpText("after", HELP)
    .action(({ queue }: { queue: string }) => guard(() => run(queue)));
}

async function run(queue: string): Promise<void> {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => controller.abort());
  await workFor(queue, { say, signal: controller.signal });
}

// A process of its own for the units of one worker: long computations leave the worker free to say that it lives. Units
// come as messages, lines of progress and what was done go back; it ends with its parent.
import process from "node:process";
import { entryNamed } from "../entries.ts";
import { runUnit, type Unit } from "../unit.ts";
import { nodeContext } from "./data.ts";
import type { FromChild } from "./worker.ts";

const send = (message: FromChild): void => void process.send?.(message);
const context = nodeContext((line) => send({ line }));

process.on("message", (unit: Unit) => {
  void (async () => {
    try {
      send({ done: await runUnit(entryNamed(unit.entry), unit, context) });
    } catch (error) {
      send({ failed: error instanceof Error ? error.message : String(error) });
    }
  })();
});
process.on("disconnect", () => process.exit());
send({ ready: true });

// The command line inside this process: for what needs no process of its own.
import { Command } from "commander";
import { vi } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { addCommands } from "../../src/cli/verb.ts";

/** What a command said: on stdout, and for people. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `athanor` with `args`. @throws What the command throws, which the program would print. */
export async function command(...args: readonly string[]): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      said[stream] += String(text);
      return true;
    }),
  );
  const program = new Command("athanor").exitOverride();
  addCommands(program, COMMANDS);
  try {
    await program.parseAsync([...args], { from: "user" });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return said;
}

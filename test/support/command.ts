// The command line inside this process: for what needs no process of its own. A start of its own costs a second or two.
import { Command, CommanderError } from "commander";
import { vi } from "vitest";
import { guard } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { addCommands } from "../../src/cli/verb.ts";

/** What a command said: on stdout, and for people. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `body`, and hears what it says. */
async function heard(body: () => Promise<void>): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      said[stream] += String(text);
      return true;
    }),
  );
  try {
    await body();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return said;
}

async function parse(args: readonly string[]): Promise<void> {
  const program = new Command("athanor").exitOverride();
  addCommands(program, COMMANDS);
  await program.parseAsync([...args], { from: "user" });
}

/** Runs `athanor` with `args`. @throws What the command throws, which the program would print. */
export function command(...args: readonly string[]): Promise<Said> {
  return heard(() => parse(args));
}

/** Runs `athanor` with `args` as the program does: what goes wrong is said, and the code tells how it ended. */
export async function ended(args: readonly string[]): Promise<Said & { readonly code: number }> {
  const before = process.exitCode;
  process.exitCode = 0;
  let code = 0;
  try {
    const said = await heard(async () => {
      await guard(() =>
        parse(args).catch((error: unknown) => {
          if (!(error instanceof CommanderError)) throw error;
          process.exitCode = error.exitCode === 0 ? 0 : 2;
        }),
      );
      code = Number(process.exitCode ?? 0);
    });
    return { ...said, code };
  } finally {
    process.exitCode = before;
  }
}

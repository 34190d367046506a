// `npm run fuzz -- torch`: the same programs by PyTorch, where a Python with it is named in PYTHON (default python3).
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { say } from "../../../src/cli/command.ts";
import { BackendError } from "../../../src/errors.ts";
import type { FuzzOptions, FuzzReport } from "../options.ts";
import { compared, findIn } from "./check.ts";
import { expectationOf, HOST } from "./expect.ts";
import { generate } from "./generate.ts";
import { print } from "./print.ts";

interface Answer {
  readonly numbers?: Readonly<Record<string, number[]>>;
  /** What PyTorch refuses. */
  readonly error?: string;
}

export async function runTorch({ count, seed, minutes, device }: FuzzOptions): Promise<FuzzReport> {
  const until = Date.now() + minutes * 60_000;
  const python = spawn(
    process.env["PYTHON"] ?? "python3",
    [join(import.meta.dirname, "..", "programs_in_torch.py")],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const failures: string[] = [];
  const refused = new Map<string, number>();
  let done = 0;
  for (; done < count && Date.now() < until; done++) {
    const { program } = generate(seed + done);
    python.stdin.write(`${JSON.stringify(program)}\n`);
    const next = await lines.next();
    if (next.done)
      throw new BackendError("fuzz: PYTHON must have torch, got a Python that ended. Name another one.");
    const { numbers, error } = JSON.parse(next.value) as Answer;
    if (numbers === undefined) {
      refused.set(error ?? "", (refused.get(error ?? "") ?? 0) + 1);
      continue;
    }
    const theirs = compared(new Map(Object.entries(numbers)), expectationOf(program, HOST));
    const ours = await findIn(program, "evaluate", device);
    if (theirs === undefined && ours === undefined) continue;
    const text = `seed ${seed + done}: PyTorch: ${theirs ?? "as the reference"}; ours: ${ours ?? "as the reference"}`;
    failures.push(text);
    say(`${text}\n${print(program, text)}`);
  }
  python.stdin.end();
  return { tried: done, firstSeed: seed, refused: Object.fromEntries(refused), failures };
}

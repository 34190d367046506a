// `athanor solve abc`
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import { type Attempt, type LeastSum, minimiseSum, type Refusal } from "../../numeric/index.ts";
import { guard, printJson, say } from "../command.ts";

const HELP = `
N is any whole number, of any length; S = a + b + c with a ≤ b. Algorithms that would look at more than 10⁹ pairs are left
out: the first from N ≈ 10¹⁹ on, the others from N ≈ 10³⁵. The least sum comes from the third, and from a = b = 0
for N < 4. Source: https://kexue.fm/archives/9775

Examples:
  athanor solve abc 1000            27 · 37 + 1, S = 65
  athanor solve abc 130             where the first guess of the article fell
  athanor solve abc 882 --json      where its first algorithm, as printed, fails`;

export function define(command: Command): void {
  command
    .argument("<N>", "the number")
    .option("--json", "print one JSON document")
    .allowUnknownOption() // so that -5 is told from an option
    .addHelpText("after", HELP)
    .action((text: string, options: { json?: boolean }) => guard(() => Promise.resolve(run(text, options))));
}

function run(text: string, { json = false }: { json?: boolean }): void {
  if (!/^\d+$/.test(text)) {
    const got = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new OptionError(`solve abc: N must be a whole number ≥ 0, got "${got}".`);
  }
  const found = minimiseSum(BigInt(text));
  const { a, b, c, sum } = found;
  say(`${text} = ${a} · ${b} + ${c}, S = ${sum}`);
  say(
    `No pair of sum a + b > ${found.bound} is better, since S ≥ a + b; every lesser one from 2√N on was tried.`,
  );
  for (const [name, attempt] of rows(found)) say(`  ${name.padEnd(20)}${told(attempt, sum)}`);
  if (json) printJson(asJson(found));
}

const rows = (found: LeastSum): [string, Attempt | Refusal][] => [
  ["first, as printed", found.first],
  ["first, mended", found.firstCured],
  ["second", found.second],
  ["third", found.third],
];

function told(attempt: Attempt | Refusal, sum: bigint): string {
  if ("predicted" in attempt) return `left out: about ${attempt.predicted.toExponential(1)} pairs to look at`;
  const { a, b, c } = attempt;
  const right = attempt.sum === sum ? "" : ", which is not the least";
  return `${a} · ${b} + ${c}, S = ${attempt.sum}${right} (${attempt.steps} pairs)`;
}

/** Numbers of any length as decimal strings; `null` for an algorithm that was left out. */
function asJson(found: LeastSum): unknown {
  const steps = (attempt: Attempt | Refusal): number | null =>
    "predicted" in attempt ? null : attempt.steps;
  const sumOf = (attempt: Attempt | Refusal): string | null =>
    "predicted" in attempt ? null : String(attempt.sum);
  const { first, firstCured, second, third } = found;
  return {
    a: String(found.a),
    b: String(found.b),
    c: String(found.c),
    sum: String(found.sum),
    bound: String(found.bound),
    steps: { first: steps(first), second: steps(second), third: steps(third) },
    sums: { first: sumOf(first), firstCured: sumOf(firstCured), second: sumOf(second), third: sumOf(third) },
  };
}

// The table of ops: what has a derivative, and what runs where. Asks devices of this machine for every op, keeps the
// answers in docs/ops.json, and writes docs/ops.md from all answers there.
// node --conditions=source docs/ops-table.ts [cpu] [webgpu] …
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { INFER } from "../src/graph/infer.ts";
import { targetOf } from "../src/graph/target.ts";
import type { OpName } from "../src/graph/value.ts";
import type { Device } from "../src/runtime/platform.ts";
import { GRADIENTS } from "../src/tensor/gradients.ts";
import { evaluate, type Tensor, tensor } from "../src/tensor/index.ts";
import { OP_CASES } from "../test/support/op-cases.ts";

/** Answer of one device for one op: `kernel`, `composed` of other operators, or why it refused. */
export type Answer = "kernel" | "composed" | { readonly refused: string };
export type Answers = Partial<Record<Device, Partial<Record<OpName, Answer>>>>;

const DEVICES: readonly Device[] = ["cpu", "webgpu", "wasm"];
const SECTIONS: readonly [title: string, first: OpName][] = [
  ["Leaves", "constant"],
  ["Elementwise, one operand", "neg"],
  ["Elementwise, more operands", "add"],
  ["Reductions", "sum"],
  ["Products", "matmul"],
  ["Movement", "reshape"],
  ["Indexing", "gather"],
  ["Fused", "softmax"],
  ["Structure", "item"],
];

/** Evaluates every example of every op on `device`, in one program where it takes them all. */
export async function ask(device: Device): Promise<Partial<Record<OpName, Answer>>> {
  await evaluate(tensor([1]).add(1), { device });
  const { composed } = targetOf(device);
  const entries = Object.entries(OP_CASES) as [OpName, readonly (() => Tensor)[]][];
  const refusal = (examples: readonly (() => Tensor)[]): Promise<string | undefined> =>
    evaluate(
      examples.map((make) => make()),
      { device },
    ).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
  const together = (await refusal(entries.flatMap(([, examples]) => examples))) === undefined;
  const answers: Partial<Record<OpName, Answer>> = {};
  for (const [op, examples] of entries) {
    const refused = together ? undefined : await refusal(examples);
    answers[op] = refused === undefined ? (composed.has(op) ? "composed" : "kernel") : { refused };
  }
  return answers;
}

/** Whether an op has a rule, a derivative that is 0 everywhere, or none. */
export function derivative(op: OpName): "rule" | "zero" | "none" {
  const rule = GRADIENTS[op] as unknown;
  if (rule === undefined) return op === "item" ? "rule" : "none";
  return rule === GRADIENTS.sign ? "zero" : "rule";
}

const MARKS = { rule: "yes", zero: "0", none: "–" } as const;

function cell(op: OpName, device: Device, answers: Answers): string {
  if (!(op in OP_CASES)) return "no kernel needed";
  const answer = answers[device]?.[op];
  if (answer === undefined) return "?";
  if (typeof answer === "string") return answer === "kernel" ? "yes" : "composed";
  return "no";
}

/** The page. */
export function render(answers: Answers): string {
  const shown = DEVICES.filter((d) => answers[d] !== undefined);
  const lines = [
    "# Ops",
    "",
    "Written by `node --conditions=source docs/ops-table.ts`, which asks each device for every op; do not edit.",
    "",
    "*Gradient*: `yes` has a rule in `src/tensor/gradients.ts`; `0` is flat, its derivative is 0 wherever it exists; `–`",
    "has integer or boolean results. *Devices*: `yes` runs by an operator of the runtime; `composed` by several, as the",
    "runtime has no kernel for it there; `no` is refused.",
  ];
  let rows: string[] = [];
  for (const op of Object.keys(INFER) as OpName[]) {
    const title = SECTIONS.find(([, first]) => first === op)?.[0];
    if (title !== undefined) {
      lines.push(...rows, "", `## ${title}`, "", `| op | gradient | ${shown.join(" | ")} |`);
      lines.push(`| --- | --- |${shown.map(() => " --- |").join("")}`);
      rows = [];
    }
    const cells = shown.map((d) => cell(op, d, answers));
    rows.push(`| \`${op}\` | ${MARKS[derivative(op)]} | ${cells.join(" | ")} |`);
  }
  return `${[...lines, ...rows].join("\n")}\n`;
}

/** What is known so far. */
export function readAnswers(): Answers {
  return JSON.parse(readFileSync(join(import.meta.dirname, "ops.json"), "utf8")) as Answers;
}

if (import.meta.filename === process.argv[1]) {
  const answers: Answers = readAnswers();
  for (const device of process.argv.slice(2) as Device[]) answers[device] = await ask(device);
  writeFileSync(join(import.meta.dirname, "ops.json"), `${JSON.stringify(answers, null, 2)}\n`);
  writeFileSync(join(import.meta.dirname, "ops.md"), render(answers));
}

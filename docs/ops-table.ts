// The table of ops: what has a derivative, and what runs where. Asks the devices of Node here and those of a page in
// Chromium for every op, keeps the answers in docs/ops.json, and writes docs/ops.md from them.
// npm run docs:ops
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { INFER } from "../src/graph/infer.ts";
import { targetOf } from "../src/graph/target.ts";
import type { OpName } from "../src/graph/value.ts";
import type { Device } from "../src/runtime/platform.ts";
import { GRADIENTS } from "../src/tensor/gradients.ts";
import { softwareVulkan } from "../test/support/chromium.ts";
import { OP_CASES } from "../test/support/op-cases.ts";
import { differenceOf, type Probe, probeOps } from "../test/support/op-probe.ts";
import { probePage } from "./ops-page.ts";

type Probes = Record<string, readonly Probe[]>;
/** Where an op can run. */
export type Place = "Node cpu" | "Node webgpu" | "page wasm" | "page webgpu";
/** What one place said of one op. */
export interface Answer {
  /** By an operator, `composed` of several, with the help of the `host`'s processor, or not at all. */
  readonly runs: "kernel" | "composed" | "host" | "no";
  /** Largest difference from Node's processor, relative to 1 + |value|, where it is above 1e-5. */
  readonly differs?: number;
}
export type Answers = Record<Place, Record<string, Answer>>;

const PLACES: readonly Place[] = ["Node cpu", "Node webgpu", "page wasm", "page webgpu"];
/** Differences up to this one are float32 rounding. */
const ROUNDING = 1e-5;
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

/** The answers of `device` from its probes, against those of the processor. */
export function answersOf(device: Device, probes: Probes, expected: Probes): Record<string, Answer> {
  const { composed } = targetOf(device);
  const answers: Record<string, Answer> = {};
  for (const op of Object.keys(OP_CASES) as OpName[]) {
    const all = probes[op] ?? [];
    const difference = Number(differenceOf(all, expected[op]).toPrecision(1));
    const refused = all.length === 0 || all.some((p) => p.placement === "refused");
    const host = all.some((p) => p.placement === "host");
    const runs = refused ? "no" : host ? "host" : composed.has(op) ? "composed" : "kernel";
    answers[op] = difference > ROUNDING && !refused ? { runs, differs: difference } : { runs };
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

function cell(op: OpName, place: Place, answers: Answers): string {
  if (!(op in OP_CASES)) return "·";
  const answer = answers[place][op];
  if (answer === undefined) return "?";
  const runs = answer.runs === "kernel" ? "yes" : answer.runs;
  return answer.differs === undefined ? runs : `${runs}, ±${answer.differs.toExponential(0)}`;
}

/** The page. */
export function render(answers: Answers): string {
  const lines = [
    "# Ops",
    "",
    "Written by `npm run docs:ops`, which asks each device for every op; do not edit. ONNX Runtime 1.30; software Vulkan",
    "(SwiftShader) stands in for a GPU.",
    "",
    "*Gradient*: `yes` has a rule in `src/tensor/gradients.ts`; `0` is flat, its derivative is 0 wherever it exists; `–`",
    "has integer or boolean results. *Places*: `yes` runs by an operator of the runtime; `composed` by several, as the",
    "runtime has no kernel for it there; `host` partly on the processor, with copies there and back; `no` is refused; `·`",
    "leaves no operator in the graph. A number is the largest difference from Node's processor, relative to 1 + |value|,",
    "where it exceeds float32 rounding: WebGPU allows trigonometric functions an error of 2⁻¹¹.",
  ];
  let rows: string[] = [];
  for (const op of Object.keys(INFER) as OpName[]) {
    const title = SECTIONS.find(([, first]) => first === op)?.[0];
    if (title !== undefined) {
      lines.push(...rows, "", `## ${title}`, "", `| op | gradient | ${PLACES.join(" | ")} |`);
      lines.push(`| --- | --- |${PLACES.map(() => " --- |").join("")}`);
      rows = [];
    }
    const cells = PLACES.map((d) => cell(op, d, answers));
    rows.push(`| \`${op}\` | ${MARKS[derivative(op)]} | ${cells.join(" | ")} |`);
  }
  return `${[...lines, ...rows].join("\n")}\n`;
}

/** The answers of the last time. */
export function readAnswers(): Answers {
  return JSON.parse(readFileSync(join(import.meta.dirname, "ops.json"), "utf8")) as Answers;
}

async function askAll(): Promise<Answers> {
  const cpu = await probeOps("cpu");
  const webgpu = await probeOps("webgpu");
  const page = await probePage();
  return {
    "Node cpu": answersOf("cpu", cpu, cpu),
    "Node webgpu": answersOf("webgpu", webgpu, cpu),
    "page wasm": answersOf("wasm", page.wasm, cpu),
    "page webgpu": answersOf("webgpu", page.webgpu, cpu),
  };
}

if (import.meta.filename === process.argv[1]) {
  const vulkan = softwareVulkan();
  if (Object.keys(vulkan).length > 0) {
    // The loader of a Vulkan driver looks at the environment when the process starts.
    const again = [...process.execArgv, ...process.argv.slice(1)];
    const child = spawn(process.execPath, again, { env: { ...process.env, ...vulkan }, stdio: "inherit" });
    child.on("exit", (code) => process.exit(code ?? 1));
  } else {
    const answers = await askAll();
    writeFileSync(join(import.meta.dirname, "ops.json"), `${JSON.stringify(answers, null, 2)}\n`);
    writeFileSync(join(import.meta.dirname, "ops.md"), render(answers));
  }
}

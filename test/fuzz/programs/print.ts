// A program as TypeScript that can be pasted and run.
import type { Arg, Inner, Program, Step } from "../../reference/program.ts";

function show(arg: Arg): string {
  if (typeof arg !== "object") return JSON.stringify(arg);
  if (Array.isArray(arg)) return `[${(arg as readonly Arg[]).map(show).join(", ")}]`;
  if ("ref" in arg && typeof arg.ref === "number") return `v${arg.ref}`;
  return `{ ${Object.entries(arg)
    .map(([k, a]) => `${k}: ${show(a)}`)
    .join(", ")} }`;
}

const list = (ids: readonly number[]): string => ids.map((id) => `v${id}`).join(", ");
const typed = (ids: readonly number[]): string => ids.map((id) => `v${id}: t.Tensor`).join(", ");

function body(inner: Inner, head: string, results: string, indent: string): string {
  const lines = inner.steps.map((s) => lineOf(s, `${indent}  `));
  return `${head} => {\n${lines.join("")}${indent}  return ${results};\n${indent}}`;
}

function called({ fn, args, inner }: Step, indent: string): string {
  const shown = args.map(show);
  if (fn === "rotate") {
    return `rotate(${shown[0]}, t.tensor(${shown[1]}), Float64Array.from(${shown[2]}), ${shown[3]})`;
  }
  if (inner === undefined) return `t.${fn}(${shown.join(", ")})`;
  if (fn === "scan") {
    const carries = (args[0] as readonly Arg[]).length;
    const [c, x] = [inner.parameters.slice(0, carries), inner.parameters.slice(carries)];
    const head = `([${list(c)}]: t.Tensor[], [${list(x)}]: t.Tensor[])`;
    const results = `[[${list(inner.results.slice(0, carries))}], [${list(inner.results.slice(carries))}]]`;
    return `t.scan(${body(inner, head, results, indent)}, ${shown.join(", ")})`;
  }
  const f = body(inner, `(${typed(inner.parameters)})`, `[${list(inner.results)}]`, indent);
  if (fn === "checkpoint") return `t.checkpoint(${f})(${shown.join(", ")})`;
  return `twice(${f})(${shown.join(", ")})`;
}

function lineOf(step: Step, indent: string): string {
  const value = called(step, indent);
  const [first] = step.outs;
  if (step.outs.length === 1 && first?.at === "") return `${indent}const v${first.id} = ${value};\n`;
  const path = (at: string): string =>
    at
      .split(".")
      .map((k) => (/^\d/.test(k) ? `[${k}]` : `.${k}`))
      .join("");
  const name = `all${first?.id}`;
  const parts = step.outs.map((o) => `${indent}const v${o.id} = ${name}${path(o.at)};\n`);
  return `${indent}const ${name} = ${value};\n${parts.join("")}`;
}

const TWICE = `/** A rule of its own: the true derivative times two. */
const twice = <A extends readonly t.Tensor[]>(f: (...xs: A) => t.Tensor[]) =>
  t.customGradient(f, ({ cotangents, inputs }) =>
    t.vjp((xs: A) => f(...xs), inputs).pullback([...cotangents]).map((g) => g.mul(2)));
`;

/** `program` with its data; says what is wrong in a comment. */
export function print(program: Program, wrong: string): string {
  const own = JSON.stringify(program.steps).includes('"customGradient"') ? TWICE : "";
  const turns = JSON.stringify(program.steps).includes('"rotate"')
    ? 'import { rotate } from "athanor/position";\n'
    : "";
  const data = program.inputs.map(
    (x) =>
      `const v${x.id} = t.tensor(Float64Array.of(${x.values.join(", ")}), { shape: [${x.shape.join(", ")}], dtype: "${x.dtype}" });` +
      (x.direction.length > 0 ? ` // direction ${x.direction.join(", ")}` : ""),
  );
  const given = program.inputs.map((x) => `v${x.id}`).join(", ");
  const steps = program.steps.map((s) => lineOf(s, "  ")).join("");
  return `// ${wrong}
import * as t from "athanor/tensor";
${turns}${own}${data.join("\n")}
const f = (${typed(program.inputs.map((x) => x.id))}) => {
${steps}  return [${list(program.results)}];
};
for (const y of await t.evaluate(f(${given}))) console.log(y.shape, await y.data());
`;
}

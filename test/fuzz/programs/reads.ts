// What a step reads.
import type { Arg, Step } from "../../reference/program.ts";

/** Numbers of variables that `arg` and a body read. */
export function reads(step: Step): number[] {
  const of = (arg: Arg): number[] => {
    if (typeof arg !== "object") return [];
    if (Array.isArray(arg)) return (arg as readonly Arg[]).flatMap(of);
    if ("ref" in arg && typeof arg.ref === "number") return [arg.ref];
    return Object.values(arg).flatMap(of);
  };
  const inner = step.inner ? [...step.inner.steps.flatMap(reads), ...step.inner.results] : [];
  return [...step.args.flatMap(of), ...inner];
}

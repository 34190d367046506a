// The structure of a program as text: equal texts compile to equal graphs.
import { isLeaf } from "./build.ts";
import { encode } from "./encode.ts";
import { type Body, reach, type Value } from "./value.ts";

/** Text of everything that `roots` reach; leaves by type, since their elements are fed. */
export function signature(roots: readonly Value[]): string {
  const numbers = new Map<Value, number>();
  const lines: string[] = [];
  const visit = (results: readonly Value[]): string => {
    for (const v of reach(results, (x) => isLeaf(x) || numbers.has(x))) {
      if (numbers.has(v)) continue;
      const number = numbers.size;
      numbers.set(v, number);
      if (isLeaf(v)) {
        lines.push(`leaf ${JSON.stringify(v.outputs)}`);
        continue;
      }
      // Bodies after their outer values, which are inputs and hence numbered already.
      const attributes = encode(v.op, v.attributes, (value, path) => {
        // What a derivative rule does is not part of the value.
        if (typeof value === "function") return "rule";
        if (path !== "body") return undefined;
        const body = value as Body;
        const parameters = visit(body.parameters);
        return `(${parameters}) -> (${visit(body.results)})`;
      });
      const inputs = v.inputs.map((i) => numbers.get(i)).join();
      lines.push(`${number} ${v.op} ${inputs} ${attributes} ${JSON.stringify(v.outputs)}`);
    }
    return results.map((r) => numbers.get(r)).join();
  };
  const outputs = visit(roots);
  return `${lines.join("\n")}\n=> ${outputs}`;
}

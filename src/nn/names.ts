// Names of parameters: patterns that fit them, and the tree that they spell.

/**
 * Whether `name` ends like `pattern`: the last parts of it, with `*` for any text without a dot (`mlp.*`,
 * `layers.0.self_attn.q_proj`, `*_proj`, `lm_head`).
 */
export function matches(pattern: string, name: string): boolean {
  const wanted = pattern.split(".");
  const parts = name.split(".").slice(-wanted.length);
  return (
    parts.length === wanted.length &&
    wanted.every((want, i) => {
      const text = want.split("*").map((part) => part.replace(/[$()+.?[\\\]^{|}/-]/g, "\\$&"));
      return new RegExp(`^${text.join("[^.]*")}$`).test(parts[i] ?? "");
    })
  );
}

/** A tree from leaves by name; whole numbers in names are places in an array. */
export function treeOf(leaves: Iterable<readonly [name: string, leaf: unknown]>): unknown {
  const root: Record<string, unknown> = {};
  for (const [name, leaf] of leaves) {
    const path = name.split(".");
    const last = path.pop() ?? "";
    let node = root;
    path.forEach((key, i) => {
      const next = /^\d+$/.test(path[i + 1] ?? last) ? [] : {};
      node = (node[key] ??= next) as Record<string, unknown>;
    });
    node[last] = leaf;
  }
  return root;
}

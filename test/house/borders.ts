// The borders of design.md, section 3, as one table: which room may import from which. Lint enforces it
// (borders.oxlintrc.json, made from here by `node test/house/write-borders.ts`), and borders.test.ts holds both
// against the sources.

/** What a room may import besides its own files and src/errors.ts. */
export interface Border {
  /** Other rooms, or single files of them, in which case `because` says why. */
  readonly may: readonly string[];
  readonly because?: string;
}

/** tensor → graph → runtime, and what all three may use. */
const GROUND = ["tensor", "nn"] as const;

/** Rooms of methods: they know tensors and layers, and never one another. */
const METHODS = [
  "position",
  "attention",
  "sequence",
  "structured",
  "quantize",
  "generative",
  "optim",
  "adapt",
  "tokenizer",
  "papers",
  "numeric",
] as const;

/** Rooms that hold no method and import nothing but files of their own. */
const TOOLS = ["files", "net", "draw"] as const;

const method: Border = { may: GROUND };
const everyRoom = [...GROUND, "graph", ...METHODS, ...TOOLS] as const;

/** One line a room; a folder under src that is not here fails the test. */
export const BORDERS: Readonly<Record<string, Border>> = {
  runtime: { may: [] },
  graph: { may: ["runtime"] },
  tensor: { may: ["graph", "runtime"] },
  nn: { may: ["tensor"] },
  files: {
    may: ["graph/dtype.ts"],
    because: "safetensors name the element types that tensors have, and that table is the graph's",
  },
  net: { may: [] },
  draw: { may: [] },
  position: method,
  attention: {
    may: [...GROUND, "position/position.ts"],
    because: "attention is handed a position and calls its contract; it knows no method of that room",
  },
  sequence: method,
  structured: method,
  quantize: method,
  generative: method,
  optim: method,
  adapt: method,
  numeric: method,
  tokenizer: {
    may: [
      "files/folder.ts",
      "files/gguf.ts",
      "files/gguf-file.ts",
      "files/gguf-types.ts",
      "files/gguf-write.ts",
      "draw/svg.ts",
    ],
    because:
      "vocabularies are read wherever files may lie, GGUF among them, and cuts are drawn with the words of every picture",
  },
  papers: { may: ["net"], because: "collecting papers asks services over the network" },
  model: { may: everyRoom },
  train: { may: [...everyRoom, "model", "runtime"], because: "a run tells which device it ran on" },
  lab: { may: [...everyRoom, "model", "train"] },
  server: { may: [...everyRoom, "model", "train", "lab"] },
  cli: { may: [...everyRoom, "model", "train", "lab", "server"] },
};

/** What stands in `<room>/node/` needs Node and may write files, whatever the room. */
export const NODE_MAY: readonly string[] = ["files"];

/** Rooms that run in Node alone. */
export const NODE_ROOMS: readonly string[] = ["cli", "server"];

/** The file that holds the runtime's own border between Node and browsers. */
export const NODE_FILES: readonly string[] = ["src/runtime/node.ts"];

/** Whether `file` may use what only Node has. */
export function inNode(file: string): boolean {
  const [, room = "", ...rest] = file.split("/");
  return NODE_ROOMS.includes(room) || rest.slice(0, -1).includes("node") || NODE_FILES.includes(file);
}

/** Whether `file` may import `other`, both below src. */
export function mayImport(file: string, other: string): boolean {
  const [, room = "", ...rest] = other.split("/");
  const [, own = "", ...within] = file.split("/");
  // Files of src itself: errors for all, and the library's entry, which gathers the rooms.
  if (room === own || rest.length === 0 || within.length === 0) return true;
  const allowed = [...(BORDERS[own]?.may ?? []), ...(inNode(file) ? NODE_MAY : [])];
  return allowed.includes(room) || allowed.includes([room, ...rest].join("/"));
}

type Pattern = { readonly regex: string; readonly message: string; readonly allowTypeImports?: boolean };

/**
 * The imports that lint refuses in a room, or in its files that need Node. Left to the test: rooms that share a name
 * with a wing of this one, and rooms of which only single files are allowed.
 */
function patterns(room: string, node: boolean, wings: readonly string[]): Pattern[] {
  const { may, because } = BORDERS[room] ?? { may: [] };
  const allowed = [...may, ...(node ? NODE_MAY : [])];
  const left = [room, ...wings, ...allowed.map((name) => name.split("/")[0])];
  const barred = Object.keys(BORDERS).filter((other) => !left.includes(other));
  const why = because === undefined ? "" : ` (${because})`;
  const message = `${room} may import ${["errors", ...allowed].join(", ")} and its own files${why}.`;
  return [
    { regex: `^(\\.\\./)+(${barred.join("|")})/`, message },
    ...(node
      ? []
      : [
          {
            regex: "^node:|(^|/)node/",
            message: `What needs Node stands in src/${room}/node/, not here.`,
            allowTypeImports: true,
          },
        ]),
  ];
}

/** Overrides for oxlint. @param wingsOf Folders inside a room. */
export function lintConfig(wingsOf: (room: string) => readonly string[]): {
  readonly overrides: readonly object[];
} {
  const rule = (files: string[], excludeFiles: string[], found: Pattern[]) => ({
    files,
    ...(excludeFiles.length > 0 && { excludeFiles }),
    rules: { "no-restricted-imports": ["error", { patterns: found }] },
  });
  return {
    overrides: Object.keys(BORDERS).flatMap((room) => {
      const wings = wingsOf(room);
      if (NODE_ROOMS.includes(room)) return [rule([`src/${room}/**`], [], patterns(room, true, wings))];
      const node = [`src/${room}/**/node/**`, ...NODE_FILES.filter((f) => f.startsWith(`src/${room}/`))];
      return [
        rule([`src/${room}/**`], node, patterns(room, false, wings)),
        rule(node, [], patterns(room, true, wings)),
      ];
    }),
  };
}

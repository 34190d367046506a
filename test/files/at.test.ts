// One model from every place that files may lie at, and what a wrong place says.
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FileError, OptionError, UserError } from "../../src/errors.ts";
import type { DirectoryHandle, FileHandle, FilesAt } from "../../src/files/folder.ts";
import {
  causalLMConfig,
  initCausalLM,
  loadModel,
  loadParams,
  saveModel,
  saveParams,
} from "../../src/model/index.ts";
import { optional } from "../../src/optional.ts";
import { leaves, random, tensor } from "../../src/tensor/index.ts";
import { chat, generate, type TextModel } from "../../src/text.ts";
import { byteTokenizer, loadTokenizer, saveTokenizer } from "../../src/tokenizer/index.ts";

const config = causalLMConfig({
  vocabulary: 259,
  context: 16,
  width: 8,
  layers: 1,
  heads: 2,
  position: { type: "rope", base: 10_000 },
});
const params = initCausalLM(config, random.key(5));
let folder = "";
let server: Server;
let address = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "athanor-at-"));
  await saveModel(join(folder, "model"), config, params, { bos: 256, eos: [257] });
  await saveTokenizer(byteTokenizer(), join(folder, "model", "tokenizer.json"));
  server = createServer((request, answer) => {
    const { pathname } = new URL(request.url ?? "/", "http://x");
    // Servers of single pages answer with the page whatever is asked for.
    const page = (): void => void answer.writeHead(200, { "content-type": "text/html" }).end("<p>page</p>");
    if (pathname.includes("broken")) answer.writeHead(500).end();
    else
      readFile(join(folder, pathname)).then(
        (bytes) => answer.end(request.method === "HEAD" ? undefined : bytes),
        () => (pathname.startsWith("/page") ? page() : answer.writeHead(404).end()),
      );
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const bound = server.address();
  address = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A page's storage over a folder on disk. */
function storage(path: string): DirectoryHandle {
  return {
    kind: "directory",
    name: "storage",
    async getFileHandle(name, { create = false } = {}): Promise<FileHandle> {
      const file = join(path, name);
      if (!create && !(await readdir(path)).includes(name)) throw new DOMException(name, "NotFoundError");
      return {
        kind: "file",
        name,
        getFile: async () => new Blob([await readFile(file)]),
        createWritable: () => {
          const parts: (string | Uint8Array<ArrayBuffer>)[] = [];
          return Promise.resolve({
            write: (data) => Promise.resolve(void parts.push(data)),
            close: async () => await writeFile(file, new Uint8Array(await new Blob(parts).arrayBuffer())),
            abort: () => Promise.resolve(),
          });
        },
      };
    },
  };
}

async function files(...names: string[]): Promise<File[]> {
  return Promise.all(
    names.map(async (name) => new File([await readFile(join(folder, "model", name))], name)),
  );
}

const PLACES: Readonly<Record<string, () => FilesAt | Promise<FilesAt>>> = {
  "a path": () => join(folder, "model"),
  "a file address": () => pathToFileURL(join(folder, "model")),
  "an address": () => `${address}/model`,
  "an address as URL, with a slash": () => new URL(`${address}/model/`),
  "a folder of the page's storage": () => storage(join(folder, "model")),
  "files that were dropped": () =>
    files("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
};

describe.each(Object.entries(PLACES))("%s", (_, place) => {
  test("holds a model and its tokenizer", async () => {
    const model = await loadModel(await place());
    expect(model.config).toEqual(config);
    for (const [i, leaf] of leaves(model.params).entries())
      expect(await leaf.data()).toEqual(await leaves(params)[i]?.data());
    expect(model.tokens).toEqual({ bos: 256, eos: [257] });
    expect(model.addBos).toBe(true);
    const tokenizer = await model.tokenizer();
    expect(tokenizer.encode("aé")).toEqual(byteTokenizer().encode("aé"));
    expect(await model.tokenizer()).toBe(tokenizer);
    expect((await loadTokenizer(await place())).vocabularySize).toBe(259);
  });
});

describe("wrong places", () => {
  test("say what is there and what is not", async () => {
    const fails = (at: FilesAt, message: string): Promise<void> =>
      expect(loadModel(at)).rejects.toThrow(new FileError(message));
    await fails(
      `${address}/none`,
      `model: ${address}/none/ must hold config.json, got nothing of that name.`,
    );
    await fails(
      `${address}/page`,
      `model: ${address}/page/ must hold config.json, got nothing of that name.`,
    );
    await fails(
      `${address}/broken`,
      `fetch: ${address}/broken/model.safetensors must be readable, got status 500.`,
    );
    await fails(
      "http://127.0.0.1:9/x",
      "fetch: http://127.0.0.1:9/x/model.safetensors must answer, got nothing. Is the address right?",
    );
    await fails(
      await files("model.safetensors"),
      "model: 1 files must hold config.json, got nothing of that name.",
    );
    await fails(new Blob([new Uint8Array(3)]), "blob must hold a llama2.c header of 28 bytes, got 3.");
    const alone = await loadModel(await files("config.json", "model.safetensors"));
    await expect(alone.tokenizer()).rejects.toThrow(
      new FileError("model: 2 files must carry a tokenizer, got none. Give one of its own."),
    );
    await expect(saveModel(`${address}/model`, config, params)).rejects.toThrow(
      new FileError(
        `write: ${address}/model/ must be writable, but is an address. Give a folder handle or a path.`,
      ),
    );
  });

  test("an index of weights names files beside it only", async () => {
    const place = join(folder, "escape");
    await mkdir(place);
    await writeFile(join(place, "config.json"), await readFile(join(folder, "model", "config.json")));
    for (const name of ["../model/model.safetensors", "..\\x", "/etc/passwd"]) {
      const index = { weight_map: { a: name } };
      await writeFile(join(place, "model.safetensors.index.json"), JSON.stringify(index));
      await expect(loadModel(place)).rejects.toThrow(`must name files beside it, got "${name}".`);
    }
  });
});

describe("parameters", () => {
  const tree = {
    w: tensor([1.5, -2]),
    deep: [{ n: tensor(Int32Array.of(7)) }],
    half: tensor([0.1], { dtype: "float16" }),
  };

  test("come back as they were saved, on disk and in a page's storage", async () => {
    const handle = await storage(folder).getFileHandle("p.safetensors", { create: true });
    for (const at of [join(folder, "q.safetensors"), handle]) {
      await saveParams(at, { ...tree, w: tree.w.mul(2) }, { note: "x" });
      const back = await loadParams(at, tree);
      expect(await back.w.data()).toEqual(Float32Array.of(3, -4));
      expect(await back.deep[0]?.n.data()).toEqual(Int32Array.of(7));
      expect(back.half.dtype).toBe("float16");
    }
  });

  test("of another tree are refused by name", async () => {
    const at = join(folder, "r.safetensors");
    await saveParams(at, tree);
    const { w, ...without } = tree;
    await expect(loadParams(at, without)).rejects.toThrow(
      new FileError(`loadParams: ${at} holds "w", which the tree has not.`),
    );
    await expect(loadParams(at, { ...tree, w: tensor([1]) })).rejects.toThrow(
      new FileError(`loadParams: "w" in ${at} must be float32 [1], got float32 [2].`),
    );
    await expect(loadParams(at, { ...tree, v: w })).rejects.toThrow('must hold a tensor "v", got 3 others.');
  });
});

describe("text of a loaded model", () => {
  const model: TextModel = {
    config,
    params,
    tokens: { bos: 256, eos: [] },
    addBos: true,
    chat: { source: "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}", variables: {} },
    tokenizer: () => Promise.resolve(byteTokenizer()),
  };
  const read = async (text: ReturnType<typeof generate>): Promise<string> => {
    let all = "";
    for await (const piece of text) all += piece.text;
    return all;
  };
  const options = { maxTokens: 4, temperature: 0 } as const;

  test("a conversation is its template, continued", async () => {
    const said = await read(chat(model, [{ role: "user", content: "hi" }], options));
    const bare = { ...model, addBos: false };
    expect(said).toBe(await read(generate(bare, "<user>hi", { ...options, boundary: "off" })));
    expect(said).not.toBe("");
  });

  test("without a template there is no conversation", async () => {
    await expect(read(chat({ ...model, chat: undefined }, []))).rejects.toThrow(
      new OptionError("chat: model must carry a chat template, got none. Use generate."),
    );
  });
});

test("a missing package is named; what fails inside one is told as it is", async () => {
  await expect(optional("f", "no-such-package", () => import("no-such-package" as string))).rejects.toThrow(
    new UserError(
      "f: package no-such-package must be installed, got none. Install it with npm install no-such-package.",
    ),
  );
  const inside = new Error("its own fault");
  await expect(optional("f", "x", () => Promise.reject(inside))).rejects.toBe(inside);
  expect(await optional("f", "x", () => 3)).toBe(3);
});

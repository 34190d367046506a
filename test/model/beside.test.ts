// The small files of a model's folder: templates in every form, how text is drawn, what a text begins with.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filesAt } from "#files";
import { OptionError } from "../../src/errors.ts";
import { type Beside, firstToken, readBeside } from "../../src/model/beside.ts";
import { applyChatTemplate, readChatTemplate } from "../../src/model/chat.ts";
import { byteTokenizer } from "../../src/tokenizer/index.ts";

let work = "";
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "athanor-beside-"));
});
afterAll(() => rm(work, { recursive: true }));

async function besideOf(files: Readonly<Record<string, unknown>>): Promise<Beside> {
  const at = await mkdtemp(join(work, "folder-"));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(at, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return readBeside((await filesAt("test", at)).folder);
}

describe("a chat template", () => {
  const hello = [{ role: "user", content: "hi" }] as const;
  const written = "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";

  test.each([
    ["in tokenizer_config.json", { "tokenizer_config.json": { chat_template: written, bos_token: "<s>" } }],
    [
      "as the default of a list",
      {
        "tokenizer_config.json": {
          chat_template: [
            { name: "tool_use", template: "tools" },
            { name: "default", template: written },
          ],
          bos_token: { content: "<s>" },
        },
      },
    ],
    [
      "in a file, which comes before the configuration's",
      {
        "tokenizer_config.json": { chat_template: "another", bos_token: "<s>" },
        "chat_template.jinja": written,
      },
    ],
  ])("stands %s", async (_, files) => {
    const { chat } = await besideOf(files);
    expect(chat && applyChatTemplate(chat, hello)).toBe("<s><user>hi");
  });

  test.each([[undefined], [null], [[]], [[{ name: "rag", template: "x" }]], [7], [[null]]])(
    "is absent where chat_template is %j",
    (listed) => expect(readChatTemplate({ chat_template: listed })).toBeUndefined(),
  );

  test("a list's tool_use counts exactly where tools are given", () => {
    const chat = readChatTemplate({
      chat_template: [
        { name: "default", template: "plain" },
        { name: "tool_use", template: "{{ tools[0].name }}" },
      ],
    });
    if (chat === undefined) throw new Error("no template");
    expect(applyChatTemplate(chat, hello)).toBe("plain");
    expect(applyChatTemplate(chat, hello, { tools: [{ name: "clock" }] })).toBe("clock");
  });

  test("is told whether to think, and says so where it does not ask", () => {
    const asks = readChatTemplate({
      chat_template:
        "{% if enable_thinking is defined and enable_thinking is false %}<none>{% else %}<think>{% endif %}",
    });
    const silent = readChatTemplate({ chat_template: "{{ messages[0].content }}" });
    if (asks === undefined || silent === undefined) throw new Error("no template");
    expect(applyChatTemplate(asks, hello)).toBe("<think>");
    expect(applyChatTemplate(asks, hello, { think: true })).toBe("<think>");
    expect(applyChatTemplate(asks, hello, { think: false })).toBe("<none>");
    expect(() => applyChatTemplate(silent, hello, { think: false })).toThrow(
      new OptionError(
        "chat: the model's template must ask for thinking (enable_thinking), got none. Leave it out.",
      ),
    );
    expect(() => applyChatTemplate(silent, hello, { tools: [] })).toThrow(
      "must ask for tools (tools), got none",
    );
  });
});

describe("generation_config.json", () => {
  const drawing = async (generation: unknown): Promise<object> =>
    (await besideOf({ "generation_config.json": generation })).drawing;

  test.each([
    [{}, {}],
    [{ do_sample: true }, { temperature: 1 }],
    [{ do_sample: false, temperature: 0.6 }, { temperature: 0 }],
    [
      { do_sample: true, temperature: 0.6, top_k: 20, top_p: 0.95, min_p: 0, repetition_penalty: 1.1 },
      { temperature: 0.6, topK: 20, topP: 0.95, minP: 0, repetitionPenalty: 1.1 },
    ],
    [{ temperature: 0, top_k: 0, top_p: 0, repetition_penalty: -1, min_p: "x" }, {}],
    ["no JSON", {}],
  ])("%j", async (generation, expected) => {
    expect(await drawing(generation)).toEqual(expected);
  });

  test("names the ends of a text, one or several", async () => {
    expect((await besideOf({ "generation_config.json": { eos_token_id: [2, 7] } })).eos).toEqual([2, 7]);
    expect((await besideOf({ "generation_config.json": { eos_token_id: 2 } })).eos).toEqual([2]);
    expect((await besideOf({ "generation_config.json": { eos_token_id: null } })).eos).toBeUndefined();
  });
});

test("a text begins with BOS where the files say so, else with what the tokenizer puts there", () => {
  const bare = byteTokenizer();
  const template = { ...bare, template: { before: [5], after: [] } };
  const tokens = { bos: 3, eos: [] };
  expect(firstToken({ addBos: true, tokens }, template)).toBe(3);
  expect(firstToken({ addBos: false, tokens }, template)).toBeUndefined();
  expect(firstToken({ addBos: undefined, tokens }, template)).toBe(5);
  expect(firstToken({ addBos: undefined, tokens }, bare)).toBeUndefined();
});

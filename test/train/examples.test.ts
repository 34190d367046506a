// Examples from files as people have them: what is read, what is learnt of it, what is left out and named; rows of tokens.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ExampleOptions, readExamples } from "../../src/train/examples.ts";
import { encodeExamples, learnedIn, packRows, packedBatch, rowsOfStep } from "../../src/train/packing.ts";
import { tableRows } from "../../src/train/table.ts";
import { random } from "../../src/tensor/index.ts";
import { byteTokenizer } from "../../src/tokenizer/index.ts";

const read = (text: string, name: string, options: ExampleOptions = {}) =>
  readExamples(new TextEncoder().encode(text), name, name, options);
/** What is learnt of each example. */
const learned = (text: string, name: string, options?: ExampleOptions): string[][] =>
  read(text, name, options).examples.map((e) => e.learned.map(([from, to]) => e.text.slice(from, to)));
const chat: ExampleOptions["chat"] = (turns, answer) =>
  turns.map(({ role, content }) => `<${role}>${content}</>`).join("") + (answer ? "<assistant>" : "");

describe("readers", () => {
  test("plain text is one that divides; JSON lines and tables give prompts, completions and texts", () => {
    expect(read("a\nb\n", "a.txt").examples).toMatchObject([{ text: "a\nb\n", divides: true, ends: false }]);
    const lines = '{"prompt":"2+2=","completion":" 4"}\n\n{"text":"free"}\n';
    expect(learned(lines, "a.jsonl")).toEqual([[" 4"], ["free"]]);
    expect(learned(lines, "a.jsonl", { loss: "all" })).toEqual([["2+2= 4"], ["free"]]);
    expect(learned('prompt,Completion\r\n"a, ""b""\nc",d\r\n', "a.csv")).toEqual([["d"]]);
    expect(learned("text\tnote\nx y\tz\n", "a.tsv")).toEqual([["x y"]]);
  });

  test("of chats the answers are learnt, with what ends them, and nothing of the questions", () => {
    const messages = ["user", "assistant", "user", "assistant"].map((role, i) => ({
      role,
      content: `${role}${i}`,
    }));
    const line = JSON.stringify({ messages });
    expect(learned(line, "a.jsonl", { chat })).toEqual([["assistant1</>", "assistant3</>"]]);
    // A template that shortens earlier answers: only the last is learnt.
    const short: ExampleOptions["chat"] = (turns, answer) =>
      chat?.(
        turns.map((t, i) => (i < turns.length - 1 && t.role === "assistant" ? { ...t, content: "…" } : t)),
        answer,
      ) ?? "";
    expect(learned(line, "a.jsonl", { chat: short })).toEqual([["assistant3</>"]]);
  });

  test("lines that cannot be used are named, and the rest is used", () => {
    const lines = [
      '{"text":"good"}',
      "{broken",
      '{"prompt":"a","completion":""}',
      '{"other":1}',
      "[1]",
      '{"text":""}',
      '{"prompt":"a"}',
      "7",
    ];
    const { examples, notices } = read(lines.join("\n"), "a.jsonl");
    expect(examples).toHaveLength(1);
    expect(notices).toEqual([
      "adapt: a.jsonl: line 2 (no JSON object), line 3 (an empty completion), line 4 (neither text nor prompt and completion nor messages), line 5 (neither text nor prompt and completion nor messages), line 6 (an empty text) and 2 more cannot be used; the other 1 are.",
    ]);
  });

  test.each([
    [
      "{broken",
      "a.jsonl",
      "adapt: a.jsonl must hold examples with text, prompt and completion, or messages, got none: line 1 (no JSON object).",
    ],
    [
      '{"messages":[{"role":"user","content":"hi"}]}',
      "a.jsonl",
      "adapt: a.jsonl, line 1 is a chat, and the model must have a chat template, got none. Give prompt and completion instead.",
    ],
    ["text", "a.csv", "adapt: a.csv must have a line of column names and rows below it, got 1 lines."],
    ['text\na\n"b', "a.csv", "adapt: a.csv must close the quote that line 3 opens, got none until the end."],
    ["", "a.txt", "must hold text, got 0 bytes."],
  ])("%j as %s is refused", (text, name, message) => {
    expect(() => read(text, name)).toThrow(message);
  });

  test("tables written by the rules of RFC 4180 are read as they were", () => {
    const cell = fc
      .string({ unit: fc.constantFrom("a", ",", '"', "\n", "明", " ", "\r\n") })
      .filter((c) => c !== "");
    const quote = (c: string): string => `"${c.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 }), (rows) => {
        const text = `prompt,completion\n${rows.map((row) => row.map(quote).join(",")).join("\n")}\n`;
        expect(tableRows(text, ",", "t").map(({ value }) => [value["prompt"], value["completion"]])).toEqual(
          rows,
        );
      }),
    );
  });
});

describe("rows", () => {
  const tokenizer = byteTokenizer(); // byte b is id b + 3
  const encode = (lines: string, context: number, ends = {}) =>
    encodeExamples(tokenizer, read(lines, "a.jsonl").examples, context, ends);

  test("completion tokens and the end are marked, after a beginning where there is one", () => {
    const [one] = encode('{"prompt":"ab","completion":"cd"}', 9, { bos: 1, eos: 2 }).tokens;
    expect([...(one?.ids ?? [])]).toEqual([1, 100, 101, 102, 103, 2]);
    expect([...(one?.learned ?? [])]).toEqual([0, 0, 0, 1, 1, 1]);
  });

  test("what is too long loses its end and is counted; what then has nothing to learn is named", () => {
    const lines =
      '{"prompt":"a","completion":"bcdefgh"}\n{"prompt":"abcdefgh","completion":"x"}\n{"text":"ab"}';
    const { tokens, notices } = encode(lines, 4);
    expect(tokens.map(({ ids }) => ids.length)).toEqual([5, 2]);
    expect(notices).toEqual([
      "adapt: 2 of 3 examples are longer than 4 tokens and lose their ends. Raise --context to keep them whole.",
      "adapt: nothing of these is left to learn in 4 tokens, and they are left out: a.jsonl, line 2.",
    ]);
    const text = encodeExamples(tokenizer, read("abcdefghij", "a.txt").examples, 4, {}).tokens;
    expect(text.map(({ ids }) => String.fromCharCode(...ids.map((id) => id - 3)))).toEqual([
      "abcde",
      "efghi",
      "ij",
    ]);
  });

  test("every prediction of every example stands in one row, no row is too long, and an epoch visits each once", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 20 }),
        fc.nat(99),
        (lengths, seed) => {
          const tokens = lengths.map((n, i) => ({
            ids: new Int32Array(n).fill(i + 1),
            learned: new Uint8Array(n).fill(1, 1),
          }));
          const rows = packRows(tokens, 8, true, random.key(seed));
          expect(
            rows
              .flat()
              .map(({ ids }) => ids[0])
              .sort((a = 0, b = 0) => a - b),
          ).toEqual(lengths.map((_, i) => i + 1));
          for (const row of rows)
            expect(row.reduce((sum, { ids }) => sum + ids.length - 1, 0)).toBeLessThanOrEqual(8);
          expect(learnedIn(rows)).toBe(lengths.reduce((a, b) => a + b - 1, 0));
          const at = rowsOfStep(rows, 2, seed);
          const epoch = Array.from({ length: rows.length }, (_, step) => at(step)).flat();
          expect(new Set(epoch.slice(0, rows.length)).size).toBe(rows.length);
          expect(at(3)).toEqual(rowsOfStep(rows, 2, seed)(3));
        },
      ),
    );
  });

  test("a batch says whose each token is, and its share of the learnt", async () => {
    const tokens = encode('{"prompt":"a","completion":"b"}\n{"text":"cde"}', 6).tokens;
    const batch = packedBatch([tokens, []], 5, 2);
    expect([...(await batch.ids.data())]).toEqual([100, 102, 103, 0, 0, 0, 0, 0, 0, 0]);
    expect([...(await batch.targets.data())]).toEqual([101, 103, 104, 0, 0, 0, 0, 0, 0, 0]);
    expect([...(await batch.weights.data())]).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect([...(await batch.owner.data())]).toEqual([0, 1, 1, -1, -1, -1, -1, -1, -1, -1]);
    expect(await batch.share.item()).toBe(1.5);
  });
});

// Scores of examples, held to the same numbers found token by token; and choices.
import { expect, test } from "vitest";
import { causalLM, causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { readExamples, scoreExamples } from "../../src/train/index.ts";
import { characterTokenizer } from "../../src/train/tokenizer.ts";
import { evaluate, mapTree, random, tensor } from "../../src/tensor/index.ts";
import { list } from "../support/check.ts";

const text = "the quick brown fox, jumps|over";
const tokenizer = characterTokenizer([new TextEncoder().encode(text)]);
const V = tokenizer.vocabularySize;
const config = causalLMConfig({ vocabulary: V, context: 64, width: 16, layers: 1, heads: 2, hidden: 32 });
const params = await evaluate(
  mapTree(initCausalLM(config, random.key(4)), (p, name) => (/norm/.test(name) ? p : p.mul(12))),
);
const read = (lines: readonly object[]) =>
  readExamples(
    new TextEncoder().encode(lines.map((l) => JSON.stringify(l)).join("\n")),
    "a.jsonl",
    "a.jsonl",
  );

/** Log-probabilities of the tokens after `prompt`, and whether each is the best. */
async function byHand(
  prompt: string,
  completion: string,
): Promise<{ nats: number; tokens: number; exact: boolean }> {
  const [whole, before] = [tokenizer.encode(prompt + completion), tokenizer.encode(prompt)];
  const logits = await list(causalLM(config, params, tensor([[...whole]], { dtype: "int32" })).logits);
  let [nats, exact] = [0, true];
  for (let t = before.length; t < whole.length; t++) {
    const row = logits.slice((t - 1) * V, t * V);
    const most = Math.max(...row);
    const own = row[whole[t] ?? 0] ?? 0;
    nats += most + Math.log(row.reduce((n, x) => n + Math.exp(x - most), 0)) - own;
    exact &&= own === most;
  }
  return { nats, tokens: whole.length - before.length, exact };
}

test("loss, exact matches and accuracy are those found token by token", async () => {
  const words = ["fox", "brown fox", "quick", "x"];
  const examples = ["the ", "the quick ", "a".replace("a", "over "), "jumps "].map((prompt, i) => ({
    prompt,
    completion: words[i] ?? "",
    choices: words,
  }));
  // What the model itself writes is an exact match.
  const written = await Promise.all(
    [...text].map(async (_, i) => {
      const prompt = text.slice(0, i + 1);
      const ids = tensor([[...tokenizer.encode(prompt)]], { dtype: "int32" });
      const row = (await list(causalLM(config, params, ids).logits)).slice(-V);
      const best = row.indexOf(Math.max(...row));
      const completion = tokenizer.decode([best]);
      return { prompt, completion, same: [...tokenizer.encode(prompt + completion)].at(-1) === best };
    }),
  );
  const own = written.find(({ same }) => same) ?? { prompt: "a", completion: "b" };
  const all = [...examples, { prompt: own.prompt, completion: own.completion }];
  const hand = await Promise.all(all.map((e) => byHand(e.prompt, e.completion)));
  const choices = await Promise.all(
    examples.map(async (e) => {
      const each = await Promise.all(words.map((w) => byHand(e.prompt, w)));
      return words[each.map((x) => x.nats).indexOf(Math.min(...each.map((x) => x.nats)))] === e.completion;
    }),
  );
  const score = await scoreExamples({ config, params, tokenizer }, read(all).examples, {
    context: 64,
    batch: 3,
  });
  const tokens = hand.reduce((n, h) => n + h.tokens, 0);
  expect(score.lossPerToken).toBeCloseTo(hand.reduce((n, h) => n + h.nats, 0) / tokens, 4);
  expect(score.exactMatch).toBe(hand.filter((h) => h.exact).length / 5);
  expect(score.exactMatch).toBeGreaterThan(0);
  expect(score.accuracy).toBe(choices.filter(Boolean).length / 4);
  expect(score.examples).toBe(5);
});

test("without choices there is no accuracy; what is too long is told", async () => {
  const notices: string[] = [];
  const { examples } = read([
    { prompt: "the ", completion: "fox" },
    { prompt: text, completion: "x" },
  ]);
  const score = await scoreExamples({ config, params, tokenizer }, examples, {
    context: 16,
    onNotice: (s) => notices.push(s),
  });
  expect(score).toMatchObject({ accuracy: null, examples: 1 });
  expect(notices.join(" ")).toContain(
    "nothing of these is left to learn in 16 tokens, and they are left out: a.jsonl, line 2",
  );
});

test.each([
  [{ prompt: "a", completion: "b", choices: ["c", "d"] }],
  [{ prompt: "a", completion: "b", choices: [1, "b"] }],
  [{ prompt: "a", completion: "b", choices: 7 }],
])("choices without the completion are named: %j", (line) => {
  expect(() => read([line])).toThrow("line 1 (choices must be texts, of which the completion is one)");
});

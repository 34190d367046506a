import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteTokenizer, createTokenizer } from "../../src/tokenizer/create.ts";
import type { BpeModel } from "../../src/tokenizer/model.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { Utf8Stream } from "../../src/tokenizer/utf8.ts";
import { SMALL } from "./models.ts";

const utf8 = new TextEncoder();

/** A byte-level BPE beside the others. */
const BPE: BpeModel = {
  kind: "bpe",
  pieces: [
    ...Array.from({ length: 256 }, (_, b) => Uint8Array.of(b)),
    ...["th", "the", " the"].map((s) => utf8.encode(s)),
    new Uint8Array(0),
  ],
  merges: Int32Array.of(116, 104, 256, 256, 101, 257, 32, 257, 258),
  specials: [{ id: 259, text: "<eos>", role: "eos" }],
  split: " ?\\p{L}+",
};

/** Room contract: every member passes everything below. */
const members: [string, Tokenizer][] = [
  ["bytes", byteTokenizer()],
  ["unigram", createTokenizer(SMALL)],
  ["unigram, NFC", createTokenizer({ ...SMALL, normalization: "nfc" })],
  ["bpe", createTokenizer(BPE)],
];

/** Text with everything that has ever broken a tokenizer. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom(
        "the ",
        "太阳能",
        "é",
        "e\u0301",
        "😀",
        "👩‍👩‍👧",
        "\n",
        "\r\n",
        "\n\n",
        "\0",
        "\ufeff",
        "가\u11a8",
        "\ud800",
        "<eos>",
        "q\u0323\u0307",
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

describe.each(members)("%s", (name, tokenizer) => {
  const nfc = name.endsWith("NFC");

  test("any byte string comes back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const ids = tokenizer.encode(bytes);
        if (!nfc) expect(tokenizer.decodeBytes(ids)).toEqual(bytes);
        for (const id of ids) expect(id >= 0 && id < tokenizer.vocabularySize).toBe(true);
      }),
    );
  });

  test("any text comes back; a lone surrogate as U+FFFD; NFC where asked", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const back = tokenizer.decode(tokenizer.encode(text));
        const well = text.toWellFormed();
        expect(back).toBe(nfc ? well.normalize("NFC") : well);
        if (!nfc) expect([...tokenizer.encode(utf8.encode(text))]).toEqual([...tokenizer.encode(text)]);
      }),
    );
  });

  test("offsets: slices of the original join to the original, in all three units", () => {
    fc.assert(
      fc.property(anyText, (raw) => {
        const text = raw.toWellFormed();
        const { ids, offsets } = tokenizer.encodeWithOffsets(text);
        expect([...ids]).toEqual([...tokenizer.encode(text)]);
        const bytes = utf8.encode(text);
        const points = Array.from(text);
        for (const [b, length] of [
          [offsets.bytes, bytes.length],
          [offsets.utf16, text.length],
          [offsets.codePoints, points.length],
        ] as const) {
          expect(b.length).toBe(ids.length + 1);
          expect(b[0]).toBe(0);
          expect(b.at(-1)).toBe(length);
          for (let i = 0; i < ids.length; i++) expect((b[i] ?? 0) <= (b[i + 1] ?? 0)).toBe(true);
        }
        for (let i = 0; i <= ids.length; i++) {
          // The three units name the same place.
          const units = offsets.utf16[i] ?? 0;
          expect(Array.from(text.slice(0, units)).length).toBe(offsets.codePoints[i]);
          const inBytes = offsets.bytes[i] ?? 0;
          const start = utf8.encode(text.slice(0, units)).length;
          expect(inBytes - start >= 0 && inBytes - start < 4).toBe(true);
          if (!nfc && i < ids.length) {
            expect(bytes.slice(inBytes, offsets.bytes[i + 1])).toEqual(tokenizer.bytesOf(ids[i] ?? 0));
          }
        }
      }),
    );
  });

  test("streaming: for every cut of the ids, the parts join to the whole and nothing waits", () => {
    fc.assert(
      fc.property(anyText, fc.uint8Array({ maxLength: 8 }), (text, noise) => {
        const bytes = Uint8Array.from([...utf8.encode(text), ...noise, ...utf8.encode(text)]);
        const ids = tokenizer.encode(bytes);
        const whole = tokenizer.decode(ids);
        for (let cut = 0; cut <= ids.length; cut++) {
          const decoder = tokenizer.decoder();
          const first = decoder.push(ids.subarray(0, cut));
          const platform = new TextDecoder("utf-8", { ignoreBOM: true });
          expect(first).toBe(platform.decode(tokenizer.decodeBytes(ids.subarray(0, cut)), { stream: true }));
          expect(first + decoder.push(ids.subarray(cut)) + decoder.flush()).toBe(whole);
        }
        const decoder = tokenizer.decoder();
        let text1 = "";
        for (const id of ids) text1 += decoder.push(id);
        expect(text1 + decoder.flush()).toBe(whole);
      }),
      { numRuns: 40 },
    );
  });

  test("an id out of range is an error", () => {
    const last = tokenizer.vocabularySize - 1;
    expect(() => tokenizer.decode([last + 1])).toThrow(
      `decode: id must be an integer from 0 to ${last}, got ${last + 1}.`,
    );
    expect(() => tokenizer.bytesOf(-1)).toThrow("got -1");
    expect(() => tokenizer.decode([0.5])).toThrow("got 0.5");
  });

  test("text cannot spell a special unless allowed", () => {
    const eos = tokenizer.specials.find((s) => s.role === "eos")?.id ?? -1;
    expect([...tokenizer.encode("a<eos>b")]).not.toContain(eos);
    const allowed = tokenizer.encode("a<eos>b", { allowSpecials: ["<eos>"] });
    expect([...allowed].filter((id) => id === eos)).toHaveLength(1);
    expect(tokenizer.decode(allowed)).toBe("ab");
    expect(tokenizer.decode(allowed, { specials: "show" })).toBe("a<eos>b");
    const { offsets, ids } = tokenizer.encodeWithOffsets("ae\u0301<eos>\u0301b", { allowSpecials: true });
    expect(offsets.utf16.at(-1)).toBe(10);
    expect(offsets.utf16[ids.indexOf(eos)]).toBe(3);
    expect(() => tokenizer.encode("x", { allowSpecials: ["<eoss>"] })).toThrow(
      'encode: allowSpecials must name specials, got "<eoss>". Did you mean <eos>',
    );
  });

  test("the empty text has no tokens", () => {
    expect(tokenizer.encode("")).toHaveLength(0);
    expect(tokenizer.decode([])).toBe("");
    expect([...tokenizer.encodeWithOffsets("").offsets.bytes]).toEqual([0]);
  });
});

describe("Utf8Stream", () => {
  test("equals one-shot decoding for every split into bytes", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            0x41,
            0x80,
            0xbf,
            0xc2,
            0xc3,
            0xe0,
            0xa0,
            0xed,
            0x9f,
            0xf0,
            0x90,
            0xf4,
            0x8f,
            0xf5,
            0xff,
            0xef,
            0xbb,
          ),
          { maxLength: 10 },
        ),
        (list) => {
          const bytes = Uint8Array.from(list);
          const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
          const single = new Utf8Stream();
          const platform = new TextDecoder("utf-8", { ignoreBOM: true });
          let joined = "";
          for (const b of bytes) {
            const part = single.push(Uint8Array.of(b));
            expect(part).toBe(platform.decode(Uint8Array.of(b), { stream: true }));
            joined += part;
          }
          expect(joined + single.flush()).toBe(whole);
          for (let cut = 0; cut <= bytes.length; cut++) {
            const stream = new Utf8Stream();
            expect(stream.push(bytes.slice(0, cut)) + stream.push(bytes.slice(cut)) + stream.flush()).toBe(
              whole,
            );
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("a character is given out with its last byte, an impossible one at once", () => {
    const stream = new Utf8Stream();
    expect([0xe5, 0xa4, 0xaa, 0xe5, 0x41, 0xff].map((b) => stream.push(Uint8Array.of(b)))).toEqual([
      "",
      "",
      "太",
      "",
      "\ufffdA",
      "\ufffd",
    ]);
  });
});
